"""Two files of saved rows joined on their ids: every count is that of plain Python over the same rows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit.cube.matched import Account, Matched
from fairaudit.cube.same_rows import match
from fairaudit.cube.saved import write_rows
from fairaudit.cube.slices import EVERYONE, Slice
from fairaudit.errors import ConfigError

TYPES = {"id": pa.string(), "score": pa.float64(), "decision": pa.bool_(), "label": pa.int8(), "slice:sex": pa.string(), "slice:age": pa.string(), "weight": pa.float64(), "copies": pa.int64(), "cluster": pa.string()}
SLICES = (EVERYONE, *(Slice([("sex", one)]) for one in ("f", "m", None)), *(Slice([("sex", one), ("age", two)]) for one in ("f", "m", None) for two in ("old", "young")))
person = st.fixed_dictionaries({
    "id": st.integers(0, 12).map(str), "decision": st.booleans(), "label": st.sampled_from([0, 1, None]), "slice:sex": st.sampled_from(["f", "m", None]), "slice:age": st.sampled_from(["old", "young"]),
    "weight": st.sampled_from([1.0, 0.5, 3.0]), "cluster": st.sampled_from(["a", "b", "c"]),
})  # fmt: skip
people = st.lists(person, min_size=1, max_size=12, unique_by=lambda one: one["id"])


def written(rows: list[dict[str, Any]], path: Path, *, without: tuple[str, ...] = ()) -> Path:
    kept = [name for name in rows[0] if name not in without]
    table = pa.table({name: pa.array([row[name] for row in rows], TYPES[name]) for name in kept})
    write_rows(table.to_batches(), table.schema, path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("matched")


def _inside(row: dict[str, Any], one: Slice) -> bool:
    return all(row[f"slice:{attribute}"] == value for attribute, value in one.values)


@settings(max_examples=60)
@given(now=people, before=people)
def test_it_counts_as_plain_python_does(folder: Path, now: list[dict[str, Any]], before: list[dict[str, Any]]) -> None:
    found = match(written(now, folder / "now"), written(before, folder / "before"), SLICES)
    former = {row["id"]: row for row in before}
    pairs = [(row, former[row["id"]]) for row in now if row["id"] in former]
    same = [(new, old) for new, old in pairs if new["label"] == old["label"]]
    assert found.account == Account(matched=len(same), relabelled=len(pairs) - len(same), only_now=len(now) - len(pairs), only_before=len(before) - len(pairs))
    for place, one in enumerate(SLICES):
        inside = [(new, old) for new, old in same if _inside(new, one)]
        cells = Counter((2 if new["label"] is None else new["label"], int(old["decision"]), int(new["decision"])) for new, old in inside)
        assert {tuple(map(int, at)): found.rows[place][at] for at in zip(*np.nonzero(found.rows[place]), strict=True)} == cells
        assert found.weight[place].sum() == pytest.approx(sum(new["weight"] for new, _ in inside)) and found.weight_sq[place].sum() == pytest.approx(sum(new["weight"] ** 2 for new, _ in inside))
        assert found.moved[place] == sum(any(new[f"slice:{a}"] != old[f"slice:{a}"] for a in one.attributes) for new, old in inside)
        _same_clusters(found, place, inside)


def _same_clusters(found: Matched, place: int, inside: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    sums: dict[str, Any] = {}
    for new, old in inside:
        cell = ((2 if new["label"] is None else new["label"]) * 2 + int(old["decision"])) * 2 + int(new["decision"])
        sums.setdefault(new["cluster"], np.zeros(12))[cell] += new["weight"]
    assert found.clusters is not None and found.clusters.number[place] == len(sums)
    assert found.clusters.products[place] == pytest.approx(sum((np.outer(one, one) for one in sums.values()), np.zeros((12, 12))))


def test_what_one_of_the_files_lacks(folder: Path) -> None:
    rows = [{"id": str(one), "decision": one % 2 == 0, "label": one % 3 // 2, "slice:sex": "f", "weight": 2.0} for one in range(6)]
    copied = [row | {"copies": 5} for row in rows]
    now, before = written(copied, folder / "now", without=("weight",)), written(rows, folder / "before", without=("label", "slice:sex"))
    found = match(now, before, (EVERYONE, Slice([("sex", "f")])))
    assert found.account == Account(matched=6, relabelled=0, only_now=0, only_before=0) and found.moved.tolist() == [0, 0]  # of a label or a group that is not known nothing is said
    assert found.rows[0].sum() == 30 and found.weight[1].sum() == 30 and not found.has_weights and found.clusters is None


def test_another_file_is_told(folder: Path) -> None:
    (folder / "x").write_text("x")
    with pytest.raises(ConfigError, match="is not the file of scores that an audit wrote"):
        match(folder / "x", folder / "x", (EVERYONE,))
