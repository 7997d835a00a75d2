"""What is positive is never guessed beyond 0 and 1, true and false."""

from __future__ import annotations

import pytest

from fairaudit.data.labels import positives
from fairaudit.errors import ConfigError, ContentError, FairauditError


@pytest.mark.parametrize(
    ("values", "positive", "expected"),
    [
        (["0", "1"], None, ("1",)),
        (["True", "false"], None, ("True",)),
        (["0.0", "1.0"], "1", ("1.0",)),
        (["0", "1"], "0", ("0",)),
        (["0"], None, ()),
        (["<=50K", ">50K"], ">50K", (">50K",)),
        ([], None, ()),
        (["0.00", "1.00"], None, ("1.00",)),
        (["2.0", "1.0"], "1", ("1.0",)),
        (["yes", "no"], "yes", ("yes",)),
    ],
)
def test_the_positive_value_is_found(values: list[str], positive: str | None, expected: tuple[str, ...]) -> None:
    assert positives("y", values, positive, file="a.csv") == expected


@pytest.mark.parametrize(
    ("values", "positive", "kind", "sentence"),
    [
        (["no", "yes"], None, ConfigError, "a.csv: the column 'y' holds 'no', 'yes'; say which is positive with --positive VALUE."),
        (["<=50K", ">50K"], ">50k", ConfigError, "a.csv: the column 'y' has no value '>50k'; did you mean '>50K'?"),
        (["0", "1"], "yes", ConfigError, "a.csv: the column 'y' has no value 'yes'; its values are '0', '1'; say which is positive with --positive VALUE."),
        (["0", "1", "2"], None, ContentError, "a.csv: the column 'y' must hold two values and holds 3: '0', '1', '2'; name another column, mend the data, or say with --missing 'y=TEXT' what means a missing value."),
    ],
)
def test_what_cannot_be_two_sided_gets_one_sentence(values: list[str], positive: str | None, kind: type[FairauditError], sentence: str) -> None:
    with pytest.raises(kind) as raised:
        positives("y", values, positive, file="a.csv")
    assert str(raised.value) == sentence


@pytest.mark.parametrize("positive", [None, ">50K"])
def test_decisions_in_words_name_the_flag_that_is_theirs(positive: str | None) -> None:
    with pytest.raises(ConfigError, match=r"say which is positive with --positive-decision VALUE\."):
        positives("hired", ["no", "yes"], positive, file="a.csv", flag="--positive-decision")
