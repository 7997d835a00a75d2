"""What tests of mitigated models have in common: people with scores, and the command on them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairaudit.cli import _run
from fairaudit.config import AuditConfig
from fairaudit.mitigations import proof
from fairaudit.run import audited

SEEN = ("--data", "people.csv", "--label", "y", "--protected", "sex", "--out", "out")


def people(rows: int = 1_200, *, seed: int = 1, bias: float = 0.3, values: Sequence[str] = ("f", "m"), first: int = 0) -> Iterator[list[Any]]:
    """Each as id, sex, x and y, where more of the first group than their x says are true, and fewer of the others."""
    rng = np.random.default_rng(seed)
    for place, (x, drawn, group) in enumerate(zip(rng.integers(1, 10_000, rows) / 10_000, rng.random(rows), rng.integers(0, len(values), rows), strict=True), start=first):
        yield [f"p{place}", values[group], float(x), int(drawn < x + (bias if group == 0 else -bias / 2))]


def write(rows: Iterator[list[Any]] | Sequence[list[Any]], name: str = "people.csv", header: str = "person,sex,x,y") -> None:
    Path(name).write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")


def mitigated(model: Path, *arguments: str, method: str = "thresholds", data: Sequence[str] = SEEN) -> int:
    rule = ("--rule", "equal-opportunity") if method == "thresholds" and "--rule" not in arguments else ()
    return _run(["mitigate", method, "--model", str(model), *data, *rule, *arguments])


def card(folder: str = "out") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(folder) / "card.json").read_text())
    return found


def tree(folder: str = "out") -> dict[str, bytes]:
    """All files of a folder and the folders in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()}


def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save the seconds that a fresh process takes, where a test is of something else."""

    def again(config: AuditConfig, out: Path, aside: Path) -> Path:
        path = aside / "again.parquet"
        audited(config, scores=path, sole=True)
        return path

    monkeypatch.setattr(proof, "_in_a_fresh_process", again)
