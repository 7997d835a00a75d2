"""Every row read is audited or excluded for a reason, and what is wrong is told where it stands."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from fairaudit.bands import Bands
from fairaudit.data.files import files_of
from fairaudit.data.rows import MANY_NUMBERS, MOST_NUMBERS, MOST_VALUES, Prepared, Wanted, prepare
from fairaudit.data.source import Source
from fairaudit.errors import ConfigError, ContentError
from tests.builders import connected


def _prepared(folder: Path, content: str, **wanted: object) -> tuple[Prepared, list[tuple[object, ...]]]:
    (folder / "a.csv").write_text(content)
    with connected() as connection:
        found = prepare(connection, Source(files=files_of([str(folder / "a.csv")])), Wanted(attributes=("sex",), **wanted))  # type: ignore[arg-type]
        return found, connection.execute(found.relation()).fetchall()


def test_the_account_adds_up_and_says_why_rows_were_left_out(tmp_path: Path) -> None:
    content = "sex,y,w,s\nf,1,1,0.5\n m ,0,0,0.25\n,?,2,0.75\nf,1,1,\n"
    found, rows = _prepared(tmp_path, content, label="y", weight="w", score="s", missing=("?",))
    assert (found.read, found.audited, found.unlabelled, found.excluded) == (4, 2, 1, (("no score", 1), ("weight 0", 1)))
    assert rows[0][1:] == ("f", 1, 1.0, 1, 0.5, None, False, None)
    assert [row[1] for row in rows] == ["f", "m", None, "f"] and found.trimmed
    assert found.score_range == (0.5, 0.75)


@pytest.mark.parametrize(
    ("content", "wanted", "sentence"),
    [
        ("sex,w\nf,1\nm,-2\n", {"weight": "w"}, "a.csv, row 2: the weight is negative, as in 1 row in all; weights are 0 or more."),
        ("sex,w\nf,1\nm,\n", {"weight": "w"}, "a.csv, row 2: the weight is missing, as in 1 row in all; give every row a weight, 0 to leave it out."),
        ("sex,s\nf,nan\nm,1\nf,nan\n", {"score": "s"}, "a.csv, row 1: the score column 's' is NaN or infinite (nan), as in 2 rows in all; mend or leave out these rows, or if it means a missing value, add --missing 's=nan'."),
        ("sex,s\nf,1\nm,x\n", {"score": "s"}, "a.csv, row 2: the score column 's' holds 'x', which is no number, as in 1 row in all; mend it, or if it means a missing value, add --missing 's=x'."),
        ("sex,i\nf,1\nm,1\n", {"id": "i"}, "a.csv: the id '1' stands in more than one row; --id names a column that tells rows apart."),
        ("sex,w\n", {"weight": "w"}, "a.csv has a header and no rows; give data with rows."),
    ],
)
def test_content_that_cannot_be_audited_gets_one_sentence(tmp_path: Path, content: str, wanted: dict[str, object], sentence: str) -> None:
    with pytest.raises(ContentError) as raised:
        _prepared(tmp_path, content, **wanted)
    assert str(raised.value) == sentence


def test_parquet_columns_are_read_by_their_types(tmp_path: Path) -> None:
    table = pa.table({
        "sex": pa.array([" f", "m", None], pa.string()).dictionary_encode(), "y": [True, False, None], "w": pa.array([1, 2, 0], pa.decimal128(5, 2)),
        "s": pa.array([0.5, None, 0.25], pa.float32()), "age": pa.array([30, 44, None], pa.int16()),
    })  # fmt: skip
    source = Source(table=table)
    wanted = Wanted(attributes=("sex", "age"), bins={"age": Bands(edges=(31.0, 44.0))}, label="y", weight="w", score="s")
    with source.connect() as connection:
        found = prepare(connection, source, wanted)
        rows = connection.execute(found.relation()).fetchall()
    assert [(*row[:-2], row[-1]) for row in rows] == [
        (0, "f", "under 31", 1, 1.0, 1, 0.5, None, None), (0, "m", "44 and over", 0, 2.0, 1, None, None, "no score"), (0, None, None, None, 0.0, 1, 0.25, None, "weight 0"),
    ]  # fmt: skip
    assert (found.read, found.audited, found.excluded) == (3, 1, (("no score", 1), ("weight 0", 1)))


def test_a_row_with_two_reasons_is_left_out_once(tmp_path: Path) -> None:
    found, _ = _prepared(tmp_path, "sex,w,s\nf,0,\nm,1,0.5\n", weight="w", score="s")
    assert found.excluded == (("weight 0", 1),) and found.audited == 1


@pytest.mark.parametrize("kind", [int, float, str])
def test_hundreds_of_numbers_as_an_attribute_are_refused_naming_bins_also_where_csv_holds_them_as_text(kind: type, tmp_path: Path) -> None:
    advice = r"cut it into bands, as by --bins 'sex=quantiles:4', or, if they are codes of groups, make the rare ones one slice, as by --other-below 30\."
    for number, told in ((MOST_NUMBERS + 1, "301"), (MOST_VALUES + 1, "more than 5,000")):
        source = Source(table=pa.table({"sex": list(map(kind, range(number))), "s": [0.5] * number}))
        with source.connect() as connection, pytest.raises(ConfigError, match=rf"'sex' holds {told} different numbers, and each would be a slice of its own; {advice}"):
            prepare(connection, source, Wanted(attributes=("sex",), score="s"))


def test_hundreds_of_words_and_of_numbers_in_a_control_are_taken(tmp_path: Path) -> None:
    words = "sex,s\n" + "".join(f"g{place},0.5\n" for place in range(MOST_NUMBERS + 1))
    assert _prepared(tmp_path, words, score="s")[0].numbers == {}
    assert _prepared(tmp_path, words.replace("g", ""), score="s", kept=("sex",))[0].numbers == {}
    with pytest.raises(ConfigError, match=r"'sex' has more than 5,000 values; name a column of groups\."):
        _prepared(tmp_path, "sex,s\n" + "".join(f"g{place},0.5\n" for place in range(MOST_VALUES + 1)), score="s")


def test_tens_of_numbers_are_counted_for_a_note_and_few_are_not(tmp_path: Path) -> None:
    for number, told in ((MANY_NUMBERS, {}), (MANY_NUMBERS + 1, {"sex": MANY_NUMBERS + 1})):
        assert _prepared(tmp_path, "sex,s\n,0.5\n" + "".join(f"{place},0.5\n" * 2 for place in range(number)), score="s")[0].numbers == told


def test_a_weight_that_the_sums_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"a\.csv, row 2: the weight is too small to be summed exactly, as in 1 row in all"):
        _prepared(tmp_path, "sex,w,s\nf,1,0.5\nm,1e-12,0.5\n", weight="w", score="s")
