from __future__ import annotations

import pytest

from benchmarks.false_alarms import SIX, WORLDS, World, fair, main, naive, ours, shares
from tests.rules.selections import rule


@pytest.mark.no_cover
def test_fair_groups_rarely_fail_where_a_bare_ratio_mostly_does() -> None:
    """RULES.md E3: 3.3 % against 83 %. 400 draws keep 3.3 % below 7 %."""
    world = fair("six uneven", SIX, 0.3)
    assert shares(world, ours(rule()), 400, seed=1)["fail"] < 0.07
    assert shares(world, naive, 400, seed=1)["fail"] > 0.75


def test_a_group_at_three_fifths_is_found() -> None:
    """RULES.md E3: 99.9 %."""
    world = World("one harmed", (500,) * 6, (0.3,) * 5 + (0.18,))
    assert shares(world, ours(rule()), 200, seed=1)["fail"] > 0.97


def test_the_table_prints_a_line_a_world(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--replicates", "2", "--bootstraps", "0"])
    assert len(capsys.readouterr().out.splitlines()) == len(WORLDS) + 2
