"""Do the tests notice a broken formula? Each break is made in a copy of the project, and the tests of its room must fail.

    python tools/mutation.py

Ends with 1 if a break went unnoticed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("fairaudit", "tests", "rules", "reports", "examples", "benchmarks", "pyproject.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """One line made wrong."""

    what: str
    file: str
    right: str
    wrong: str
    tests: Sequence[str]


BREAKS = (
    Break(what="the sign of a difference", file="fairaudit/metrics/engines/native.py", right="values[groups] - values[references]", wrong="values[references] - values[groups]", tests=["tests/metrics/test_engines.py"]),
    Break(what="a ratio upside down", file="fairaudit/metrics/engines/native.py", right="divided(values[groups], values[references])", wrong="divided(values[references], values[groups])", tests=["tests/metrics/test_engines.py"]),
    Break(what="the denominator of the true positive rate", file="fairaudit/metrics/catalogue.py", right='"True positive rate", (TP,), (TP, FN)', wrong='"True positive rate", (TP,), (TP, FP)', tests=["tests/metrics/test_engines.py"]),
    Break(what="who counts towards a selection rate", file="fairaudit/metrics/catalogue.py", right='"Selection rate", (TP, FP, SELECTED_UNLABELLED), _EVERYONE', wrong='"Selection rate", (TP, FP), _ALL', tests=["tests/test_traps.py", "tests/metrics/test_engines.py"]),
    Break(what="> made >= at the threshold", file="fairaudit/cube/thresholds.py", right="""{'>=' if self.at_threshold == 'positive' else '>'}""", wrong=">=", tests=["tests/test_traps.py", "tests/models/test_audits_of_models.py", "tests/cli/test_commands.py"]),
    Break(what="ties in AUC won", file="fairaudit/metrics/engines/cells.py", right="divided(below_negative + negative / 2, negatives)", wrong="divided(below_negative + negative, negatives)", tests=["tests/metrics/test_engines.py", "tests/cube"]),
    Break(what="Wilson's z", file="fairaudit/evidence/intervals.py", right="z = NormalDist().inv_cdf((1 + level) / 2)\n    n = ", wrong="z = NormalDist().inv_cdf(level)\n    n = ", tests=["tests/evidence/test_intervals.py"]),
    Break(what="weights taken for rows", file="fairaudit/evidence/rates.py", right="size = effective_size(weight, total(counts.weight_sq, denominator)) if counts.has_weights else weight", wrong="size = weight", tests=["tests/evidence", "tests/rules/test_judge.py"]),
    Break(what="rows of a cluster taken for independent", file="fairaudit/evidence/design_effects.py", right="np.maximum(effect, 1.0), np.nan)", wrong="np.ones_like(effect), np.nan)", tests=["tests/evidence/test_design_effects.py", "tests/rules/test_tally.py"]),
    Break(what="a violation judged at the limit", file="fairaudit/rules/limits.py", right="return (value < lowest and", wrong="return (value <= lowest and", tests=["tests/rules"]),
    Break(what="a bin's gap without its sign taken off", file="fairaudit/metrics/engines/native.py", right="np.abs(divided(found.score - found.positive, found.weight))", wrong="divided(found.score - found.positive, found.weight)", tests=["tests/metrics/test_cells.py"]),
    Break(what="the benefit of a false positive", file="fairaudit/metrics/engines/native.py", right="(2.0, counts.fp)", wrong="(1.0, counts.fp)", tests=["tests/metrics/test_engines.py"]),
    Break(what="a line that stands for rows counted once", file="fairaudit/cube/cube.py", right='times = " * copies" if plan.has_copies else ""', wrong='times = ""', tests=["tests/test_properties.py", "tests/cli/test_commands.py"]),
)  # fmt: skip


def noticed(one: Break) -> bool:
    """Whether some test fails once the line is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        for name in COPIED:
            source, target = ROOT / name, Path(folder) / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        file = Path(folder) / one.file
        text = file.read_text()
        if text.count(one.right) != 1:
            raise SystemExit(f"mutation.py: {one.file} has {one.right!r} {text.count(one.right)} times; this break is out of date.")
        file.write_text(text.replace(one.right, one.wrong))
        environment = os.environ | {"PYTHONPATH": folder}
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider", *one.tests]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True).returncode == 1


def main() -> None:
    missed = 0
    for one in BREAKS:
        found = noticed(one)
        missed += not found
        print(f"{'noticed' if found else 'MISSED '}  {one.what} ({one.file})", flush=True)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
