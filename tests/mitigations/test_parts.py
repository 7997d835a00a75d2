"""What is fitted on and what is judged on have no row in common, whatever is said of people who are alike."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from fairaudit.config import AuditConfig
from fairaudit.errors import ConfigError, ContentError
from fairaudit.mitigations.parts import given_parts, split_parts


@pytest.fixture(autouse=True)
def _people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    duckdb.sql("COPY (SELECT i AS person, 'fm'[1 + i % 2] AS sex, (i % 3 = 0)::INT AS y, i * 7919 % 1000 AS x FROM range(600) r(i)) TO 'a.csv' (HEADER)")
    duckdb.sql("COPY (SELECT i AS person, 'fm'[1 + i % 2] AS sex, (i % 3 = 0)::INT AS y, i * 7919 % 1000 AS x FROM range(590, 790) r(i)) TO 'b.csv' (HEADER)")


CONFIG = AuditConfig(data=("a.csv",), label="y", protected=("sex",))


def test_a_split_has_each_row_in_one_part_and_each_label_and_group_in_its_share(tmp_path: Path) -> None:
    parts = split_parts(CONFIG, tmp_path, share=0.25)
    of_fit, of_held = (duckdb.sql(f"SELECT person FROM '{path}'").fetchall() for path in (parts.fit[0], parts.holdout))
    assert len(of_fit) == 450 and len(of_held) == 150 and sorted((*of_fit, *of_held), key=lambda row: int(row[0])) == [(str(place),) for place in range(600)]
    shares = duckdb.sql(f"SELECT count(*) FROM '{parts.holdout}' GROUP BY sex, y ORDER BY 1").fetchall()
    assert [number for (number,) in shares] == [25, 25, 50, 50]
    assert split_parts(CONFIG, tmp_path, share=0.25).how == parts.how


def test_ten_shared_rows_are_refused_unless_they_may_be_different_people(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"10 rows of the data are in --holdout b\.csv too.*--duplicates apart"):
        given_parts(CONFIG, "b.csv", tmp_path)
    assert given_parts(CONFIG, "b.csv", tmp_path, together=False).how.shared == 10


def test_the_data_themselves_are_no_holdout_whatever_is_said_of_duplicates(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"more than half of --holdout a\.csv, 600 of 600 rows"):
        given_parts(CONFIG, "a.csv", tmp_path, together=False)


def test_a_row_is_the_same_by_its_id_whatever_else_it_says(tmp_path: Path) -> None:
    duckdb.sql("COPY (SELECT i AS person, 'm' AS sex, (i % 3 = 0)::INT AS y, 5 AS x FROM range(595, 900) r(i)) TO 'c.csv' (HEADER)")
    with pytest.raises(ContentError, match=r"5 rows of the data are in --holdout c\.csv too"):
        given_parts(AuditConfig(data=("a.csv",), label="y", protected=("sex",), id="person"), "c.csv", tmp_path, together=False)


@pytest.mark.parametrize(("holdout", "told"), [("nowhere.csv", r"nowhere\.csv: there is no such file; check --holdout\."), (" ", "--holdout is an empty text")])
def test_a_holdout_that_is_not_there_is_called_by_its_flag(holdout: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=told):
        given_parts(CONFIG, holdout, tmp_path)


@pytest.mark.parametrize("share", [0.9, 0.7, 0.3, 0.1, 0.05, 0.999])
def test_what_is_not_held_out_is_fitted_on_whatever_the_share(share: float, tmp_path: Path) -> None:
    """0.9 and 1 − 0.9 do not add up to 1 as floating point numbers are written."""
    (tmp_path / "people.csv").write_text("sex,y,person\n" + "".join(f"{'fm'[place % 2]},{place // 2 % 2},p{place}\n" for place in range(2_000)))
    found = split_parts(AuditConfig(data=(str(tmp_path / "people.csv"),), label="y", protected=("sex",)), tmp_path, share=share)
    assert (found.how.rows_fitted, found.how.rows_held_out) == (round(2_000 * (1 - share)), round(2_000 * share))
