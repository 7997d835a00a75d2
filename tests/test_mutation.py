"""Every break that `make mutation` makes still fits the code; whether the tests notice them, it shows itself."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_break_stands_exactly_once() -> None:
    breaks = runpy.run_path(str(ROOT / "tools" / "mutation.py"))["BREAKS"]
    assert len(breaks) >= 10
    for one in breaks:
        assert (ROOT / one.file).read_text().count(one.right) == 1, one.what
        assert all((ROOT / test).exists() for test in one.tests), one.what
