"""The same rows and seed give the same parts; strata are shared out; nothing that belongs together comes apart; the parts together are the data."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.csv  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairaudit import AuditConfig, audit
from fairaudit.bands import parsed
from fairaudit.data.rows import Wanted
from fairaudit.data.source import Source
from fairaudit.errors import ConfigError, ContentError
from fairaudit.splits.shares import parts_of
from fairaudit.splits.splitting import halves, notes_of, split
from fairaudit.splits.written import row_column, write_parts, write_split
from tests.splits.builders import people, source_of

PARTS = parts_of(["train=0.6,fit=0.2,test=0.2"])
WANTED = Wanted(attributes=("sex", "race"), label="y")
VALUES = st.one_of(st.none(), st.sampled_from(["a", "b", " a", "", "0", "1.0"]))
ROWS = st.lists(st.tuples(st.sampled_from(["f", "m", None]), st.sampled_from(["1", "0", None]), VALUES, st.integers(0, 8)), min_size=12, max_size=60)


def _table(rows: list[tuple[Any, ...]]) -> pa.Table:
    sex, label, value, person = zip(*rows, strict=True)
    return pa.table({"sex": pa.array(sex, pa.string()), "y": pa.array(label, pa.string()), "v": pa.array(value, pa.string()), "person": [f"p{one}" for one in person]})


def _held(table: pa.Table, part: Any, place: int) -> Counter[tuple[Any, ...]]:
    """A part's rows as an audit reads them."""
    return Counter(tuple((value or "").strip() for value in row.values()) for row in table.filter(pa.array(part == place)).to_pylist())


def _parts(table: pa.Table, **asked: Any) -> Any | None:
    """None where there are too few units for three parts."""
    try:
        return split(Source(table=table), Wanted(attributes=("sex",), label="y", positive="1", cluster=asked.pop("cluster", None)), PARTS, **asked).part
    except ContentError:
        return None


@given(rows=ROWS, seed=st.integers(0, 3), together=st.booleans(), cluster=st.sampled_from([None, "person"]), data=st.data())
@settings(max_examples=60)
def test_parts_depend_on_the_rows_and_the_seed_and_not_on_the_order(rows: list[tuple[Any, ...]], seed: int, together: bool, cluster: str | None, data: st.DataObject) -> None:
    turned = data.draw(st.permutations(rows))
    one, other = (_parts(_table(each), seed=seed, together=together, cluster=cluster) for each in (rows, turned))
    assert (one is None) == (other is None)
    if one is not None:
        assert all(_held(_table(rows), one, place) == _held(_table(turned), other, place) for place in range(3))


@given(rows=ROWS, cluster=st.sampled_from([None, "person"]))
@settings(max_examples=60)
def test_rows_that_are_alike_and_clusters_are_never_in_two_parts(rows: list[tuple[Any, ...]], cluster: str | None) -> None:
    part = _parts(_table(rows), cluster=cluster)
    if part is None:
        return
    where: dict[Any, set[int]] = {}
    for (sex, _, value, person), place in zip(rows, part.tolist(), strict=True):
        where.setdefault(("alike", sex, (value or "").strip(), person), set()).add(place)
        if cluster:
            where.setdefault(("cluster", person), set()).add(place)
    assert all(len(places) == 1 for places in where.values())


@given(rows=st.integers(30, 400), seed=st.integers(0, 5))
@settings(max_examples=20)
def test_every_stratum_is_shared_out_to_within_a_row(rows: int, seed: int) -> None:
    table = people(rows, seed=seed)
    found = split(Source(table=table), WANTED, PARTS, seed=seed)
    strata = Counter(zip(*(table.column(name).to_pylist() for name in ("sex", "race", "y")), strict=True))
    assert len(found.strata) == len(strata)
    for one, held in zip(found.strata, found.rows_in.tolist(), strict=True):
        (_, sex), (_, race) = one.group.values
        whole = strata[sex, race, int(bool(one.label))]
        assert sum(held) == whole and all(math.floor(whole * part.share) <= rows_in <= math.ceil(whole * part.share) for part, rows_in in zip(PARTS, held, strict=True))


def test_sex_and_race_and_label_as_a_whole_keep_their_shares_too() -> None:
    table = people(1_000, seed=3)
    found = split(Source(table=table), WANTED, PARTS)
    for name in ("sex", "race", "y"):
        for value in set(table.column(name).to_pylist()):
            places = [place for place, one in enumerate(table.column(name).to_pylist()) if one == value]
            held = np.bincount(found.part[places], minlength=3)
            assert np.abs(held - len(places) * np.array([0.6, 0.2, 0.2])).max() <= 2
    assert found.rows_by_part.tolist() == [600, 200, 200]


def test_another_seed_is_another_split() -> None:
    source = Source(table=people(1_000))
    one, same, other = (split(source, WANTED, PARTS, seed=seed).part for seed in (0, 0, 1))
    assert (one == same).all() and 0.3 < (one == other).mean() < 0.6  # 0.44 by chance


def _stored(kind: str, table: pa.Table, folder: Path) -> Source:
    match kind:
        case "csv":
            pyarrow.csv.write_csv(table, folder / "a.csv")
            return source_of(folder / "a.csv")
        case "gzip":
            pyarrow.csv.write_csv(table, folder / "a.csv")
            (folder / "a.csv.gz").write_bytes(gzip.compress((folder / "a.csv").read_bytes()))
            return source_of(folder / "a.csv.gz")
        case "glob":
            for place in range(3):
                pyarrow.csv.write_csv(table.slice(place * 200, 200), folder / f"part-{place}.csv")
            return source_of(folder / "part-*.csv")
        case "parquet":
            pq.write_table(table, folder / "a.parquet", row_group_size=70)
            return source_of(folder / "a.parquet")
        case _:
            (folder / "parts").mkdir()
            for place in range(4):
                pq.write_table(table.slice(place * 150, 150), folder / "parts" / f"{place}.parquet")
            return source_of(folder / "parts")


@pytest.mark.parametrize("kind", ["csv", "gzip", "glob", "parquet", "folder"])
def test_the_parts_together_are_the_data_in_their_order_however_these_are_stored(kind: str, tmp_path: Path) -> None:
    table = people(600)
    source = _stored(kind, table, tmp_path)
    found = split(source, WANTED, PARTS)
    written = write_split(found, tmp_path, source.files[0].format)
    assert [part.rows for part in written.parts] == [360, 120, 120]
    ids = [[int(one) for one in _column(tmp_path / part.file, "person")] for part in written.parts]
    assert all(own == sorted(own) for own in ids) and sorted(one for own in ids for one in own) == list(range(600))
    for part, own in zip(written.parts, ids, strict=True):
        assert [str(one) for one in _column(tmp_path / part.file, "x")] == [str(table.column("x")[one].as_py()) for one in own]


def _column(path: Path, name: str) -> list[Any]:
    return (pq.read_table(path) if path.suffix == ".parquet" else pyarrow.csv.read_csv(path)).column(name).to_pylist()


@pytest.mark.parametrize(("one", "other"), [("csv", "gzip"), ("csv", "glob"), ("parquet", "folder")])
def test_how_many_files_there_are_makes_no_difference(one: str, other: str, tmp_path: Path) -> None:
    table, folders = people(600), [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        folder.mkdir()
    found = [split(_stored(kind, table, folder), WANTED, PARTS).part for kind, folder in zip((one, other), folders, strict=True)]
    assert (found[0] == found[1]).all()


def test_the_number_of_threads_makes_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyarrow.csv.write_csv(people(30_000), tmp_path / "a.csv")
    found = []
    for threads in (1, 4):
        connect = Source.connect
        with monkeypatch.context() as patched:
            patched.setattr(Source, "connect", lambda self, connect=connect, threads=threads: _with_threads(connect(self), threads))
            found.append(split(source_of(tmp_path / "a.csv"), WANTED, PARTS).part)
    assert (found[0] == found[1]).all()


def _with_threads(connection: Any, threads: int) -> Any:
    connection.execute(f"SET threads = {threads}")
    return connection


def test_an_id_and_what_is_ignored_do_not_keep_copies_of_a_row_apart() -> None:
    rows = people(40).drop_columns(["person"])
    table = pa.concat_tables([rows] * 5).append_column("id", pa.array(range(200))).append_column("seen", pa.array([f"day {one // 40}" for one in range(200)]))
    for ignore, wanted in ((("seen",), Wanted(attributes=("sex",), label="y", id="id")), (("seen", "id"), Wanted(attributes=("sex",), label="y"))):
        found = split(Source(table=table), wanted, PARTS, ignore=ignore)
        assert found.units.number == 40 and found.units.alike == 200
        assert all(len(set(found.part[place::40].tolist())) == 1 for place in range(40))
        assert any("200 of 200 rows are alike" in note for note in notes_of(found, can_ignore=True))
    apart = split(Source(table=table), Wanted(attributes=("sex",), label="y"), PARTS, ignore=("seen", "id"), together=False)
    assert apart.units.number == 200


def test_a_corrected_label_does_not_keep_copies_of_a_row_apart() -> None:
    rows = people(60)
    table = pa.concat_tables([rows, rows.set_column(rows.schema.get_field_index("y"), "y", pa.array([1 - one for one in rows.column("y").to_pylist()]))])
    found = split(Source(table=table), Wanted(attributes=("sex",), label="y"), PARTS)
    assert (found.part[:60] == found.part[60:]).all()


def test_what_an_audit_takes_for_missing_is_a_stratum_of_its_own() -> None:
    table = people(200).append_column("age", pa.array([None if one % 10 == 0 else float(one % 70) for one in range(200)]))
    wanted = Wanted(attributes=("sex", "race", "age"), label="y", bins={"age": parsed("20,40")}, missing=("race=c",))
    found = split(Source(table=table), wanted, PARTS)
    races, ages = ({one.group.values[place][1] for one in found.strata} for place in (1, 2))
    assert races == {"a", "b", "d", None} and ages == {"under 20", "20–39", "40 and over", None}


def test_without_a_label_rows_are_shared_out_by_group_alone() -> None:
    found = split(Source(table=people(300)), Wanted(attributes=("sex",)), PARTS)
    assert [one.label for one in found.strata] == [None, None] and found.rows_by_part.tolist() == [180, 60, 60]


def test_without_anything_rows_are_shared_out_all_the_same() -> None:
    assert split(Source(table=people(300)), Wanted(attributes=()), PARTS).rows_by_part.tolist() == [180, 60, 60]


@pytest.mark.parametrize(
    ("table", "wanted", "note"),
    [
        (people(40), WANTED, r"strata have fewer units than there are parts, so some parts have none of them: sex=f, race=d, y positive"),
        (pa.table({"sex": ["f", "m"] * 10, "y": [1, 1, 0, 0] * 5, "id": [f"i{one}" for one in range(20)]}), Wanted(attributes=("sex",), label="y"), r"^No two rows are alike, and 'id' alone tells nearly all apart"),
        (pa.table({"sex": ["f"] * 20, "who": ["a"] * 18 + ["b", "c"], "x": range(20)}), Wanted(attributes=("sex",), cluster="who"), r"^The largest unit holds 18 rows, more than the 4 of the smallest part's share"),
        (pa.table({"sex": ["f"] * 20, "who": [f"{one // 2}" for one in range(20)], "x": range(20)}), Wanted(attributes=("sex",), cluster="who"), r"^20 of 20 rows share their 'who' with another"),
    ],
)  # fmt: skip
def test_what_somebody_should_know_is_told(table: pa.Table, wanted: Wanted, note: str) -> None:
    assert any(re.search(note, one) for one in notes_of(split(Source(table=table), wanted, PARTS), can_ignore=True))


def test_a_part_that_would_be_empty_is_refused() -> None:
    table = pa.table({"sex": ["f", "m"] * 50})
    with pytest.raises(ContentError, match=r"the data frame: nothing is left for the parts 'fit', 'test' \(2 units, which must not come apart, of 100 rows\); ask for fewer parts, or let rows that are alike part with --duplicates apart\."):
        split(Source(table=table), Wanted(attributes=("sex",)), PARTS)
    assert split(Source(table=table), Wanted(attributes=("sex",)), PARTS, together=False).rows_by_part.tolist() == [60, 20, 20]


def test_too_many_strata_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairaudit.splits.strata.MOST_STRATA", 5)
    with pytest.raises(ConfigError, match=r"cut the rows into more than 5 strata; name fewer attributes, or cut them coarser"):
        split(Source(table=people(200)), WANTED, PARTS)


AUDITED = AuditConfig(label="y", score_column="x", protected=("sex", "race"), engines=("native",))


def _as_csv(table: pa.Table, folder: Path) -> Source:
    """With spaces around texts, and missing ones."""
    texts = [pa.array([None if one is None else f" {one} " if place % 7 == 0 else str(one) for place, one in enumerate(table.column(name).to_pylist())]) for name in table.column_names]
    pyarrow.csv.write_csv(pa.table(texts, names=table.column_names), folder / "a.csv")
    return source_of(folder / "a.csv")


def _as_parquet(table: pa.Table, folder: Path) -> Source:
    pq.write_table(table.set_column(1, "sex", table.column("sex").dictionary_encode()), folder / "a.parquet")
    return source_of(folder / "a.parquet")


@pytest.mark.parametrize("stored", [_as_csv, _as_parquet])
def test_a_part_is_audited_as_the_data_would_be(stored: Callable[[pa.Table, Path], Source], tmp_path: Path) -> None:
    table = people(400)
    found = halves(stored(table, tmp_path), WANTED, shares=(0.5, 0.5), seed=4)
    paths = write_parts(found, tmp_path)
    assert [path.name for path in paths] == ["fit.parquet", "holdout.parquet"]
    for place, path in enumerate(paths):
        rows = pq.read_table(path).column(row_column(found.source)).to_pylist()
        assert rows == (np.flatnonzero(found.part == place) + 1).tolist()
        here, there = (audit(AUDITED, data) for data in (pq.read_table(path), table.take([one - 1 for one in rows])))
        assert here.counts == there.counts and here.measurements == there.measurements
    assert pq.read_schema(paths[0]).field("sex").type == found.source.schema.field("sex").type


def test_the_column_of_places_is_none_of_the_data() -> None:
    assert row_column(Source(table=pa.table({"x": [1]}))) == "fairaudit_row"
    assert row_column(Source(table=pa.table({"Fairaudit_Row": [1], "fairaudit_row_": [1]}))) == "fairaudit_row__"


def test_a_csv_that_one_thread_alone_can_read_is_split_too(tmp_path: Path) -> None:
    long = '"' + "word\n" * 3_000 + '"'
    (tmp_path / "a.csv").write_text("sex,y,text\n" + "".join(f"{'fm'[one % 2]},{one % 3 == 0:d},{long[:-1]}{one}\"\n" for one in range(300)))
    found = split(source_of(tmp_path / "a.csv"), Wanted(attributes=("sex",), label="y"), PARTS)
    written = write_split(found, tmp_path, "csv")
    assert sum(part.rows for part in written.parts) == 300


def test_split_json_says_how_and_what(tmp_path: Path) -> None:
    pq.write_table(people(500), tmp_path / "a.parquet")
    write_split(split(source_of(tmp_path / "a.parquet"), WANTED, PARTS, seed=9), tmp_path, "parquet")
    told = json.loads((tmp_path / "split.json").read_text())
    assert (told["schema"], told["split"]["seed"], told["split"]["shares"], told["rows"]) == ("fairaudit/split/1", 9, {"train": 0.6, "fit": 0.2, "test": 0.2}, 500)
    assert [sum(column) for column in zip(*(one["rows"] for one in told["strata"]), strict=True)] == [300, 100, 100]
    for part in told["parts"]:
        held = pq.read_table(tmp_path / part["file"])
        assert part["sha256"] == hashlib.sha256((tmp_path / part["file"]).read_bytes()).hexdigest() and held.num_rows == part["rows"]
        women = held.filter(pa.compute.equal(held.column("sex"), "f"))
        (group,) = (one for one in part["groups"] if one["slice"] == {"sex": "f"})
        assert (group["rows"], group["base_rate"]) == (women.num_rows, pytest.approx(np.mean(women.column("y").to_numpy())))
