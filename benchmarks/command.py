"""What simulations share: their command line, which prints a table as it comes."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence


def printed(table: Callable[[int, int], Iterable[str]], *, name: str, doc: str | None, data_sets: int, arguments: Sequence[str] | None = None) -> None:
    """Print a table line by line.

    Args:
        table: its lines, from a number of data sets and a seed.
        data_sets: how many are drawn where nothing else is asked.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-sets", type=int, default=data_sets)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    for line in table(asked.data_sets, asked.seed):
        print(line, flush=True)
