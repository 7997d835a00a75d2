"""Two files of saved rows joined on their ids: the scores of each row, and whose it is, are those of plain Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit.cube.score_pairs import pair_scores
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.errors import ConfigError
from tests.cube import test_same_rows as matched
from tests.cube.test_same_rows import SLICES, folder, written

__all__ = ["folder"]  # the fixture
people = st.lists(st.builds(lambda row, score: row | {"score": score}, matched.person, st.integers(0, 8).map(lambda one: one / 8)), min_size=1, max_size=12, unique_by=lambda one: str(one["id"]))


@settings(max_examples=60)
@given(now=people, before=people)
def test_each_row_has_both_scores_and_its_slices_in_the_order_of_the_ids(folder: Path, now: list[dict[str, Any]], before: list[dict[str, Any]]) -> None:
    found = pair_scores(written(now, folder / "now"), written(before, folder / "before"), SLICES)
    former = {row["id"]: row for row in before}
    same = sorted(((new, former[new["id"]]) for new in now if new["id"] in former and new["label"] == former[new["id"]]["label"]), key=lambda pair: str(pair[0]["id"]))
    assert found is not None and found.rows.copies.tolist() == [1] * len(same)
    told = zip(found.rows.now.tolist(), found.rows.before.tolist(), found.rows.label.tolist(), found.rows.weight.tolist(), strict=True)
    assert list(told) == [(new["score"], old["score"], 2 if new["label"] is None else new["label"], new["weight"]) for new, old in same]
    clusters = [new["cluster"] for new, _ in same]
    assert found.rows.cluster is not None and [[one == other for other in found.rows.cluster] for one in found.rows.cluster] == [[one == other for other in clusters] for one in clusters]
    lines = {place: own.tolist() for place, own in found.by_slice()}
    for place, one in enumerate(SLICES):
        assert lines.get(place, []) == [line for line, (new, _) in enumerate(same) if all(new[f"slice:{name}"] == value for name, value in one.values)]


def test_decisions_alone_have_no_scores_to_compare_and_a_file_may_lack_the_rest(folder: Path) -> None:
    rows = [{"id": str(one), "decision": one % 2 == 0, "label": one % 2, "slice:sex": "f", "weight": 2.0, "score": one / 10} for one in range(6)]
    now, plain = written(rows, folder / "now"), written(rows, folder / "plain", without=("score",))
    assert pair_scores(now, plain, (EVERYONE,)) is None and pair_scores(plain, now, (EVERYONE,)) is None
    bare = written([row | {"copies": 5} for row in rows], folder / "bare", without=("label", "slice:sex", "weight"))
    found = pair_scores(bare, now, (EVERYONE,))
    assert found is not None and found.rows.cluster is None
    assert (found.rows.label.tolist(), found.rows.weight.tolist(), found.rows.copies.tolist()) == ([2] * 6, [1.0] * 6, [5] * 6)


def test_rows_that_nobody_shares_are_none(folder: Path) -> None:
    row = {"decision": True, "label": 1, "slice:sex": "f", "score": 0.5}
    found = pair_scores(written([row | {"id": "a"}], folder / "now"), written([row | {"id": "b"}], folder / "before"), (EVERYONE, Slice([("sex", "f")])))
    assert found is not None and found.rows.now.size == 0 and list(found.by_slice()) == []


def test_another_file_is_told(folder: Path) -> None:
    (folder / "x.parquet").write_text("no")
    with pytest.raises(ConfigError, match="is not the file of scores that an audit wrote"):
        pair_scores(folder / "x.parquet", folder / "x.parquet", (EVERYONE,))
