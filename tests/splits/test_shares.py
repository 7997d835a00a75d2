"""Parts are named with their shares; what cannot be is told, all at once."""

from __future__ import annotations

from fractions import Fraction

import pytest

from fairaudit.errors import ConfigError, FairauditError, Several
from fairaudit.splits.shares import denominator, parts_by_share, parts_of


def test_shares_are_taken_as_they_are_written() -> None:
    assert [(one.name, one.share) for one in parts_of(["train=0.6, fit=0.2", "test=1/5"])] == [("train", Fraction(3, 5)), ("fit", Fraction(1, 5)), ("test", Fraction(1, 5))]
    assert denominator(parts_of(["a=1/3,b=2/3"])) == 3
    assert [one.share for one in parts_by_share(("fit", "holdout"), (0.1, 0.9))] == [Fraction(1, 10), Fraction(9, 10)]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("train", "--parts 'train' is not of the form NAME=SHARE,NAME=SHARE, as train=0.6,fit=0.2,test=0.2."),
        ("a=half,b=0.5", "--parts 'a=half': 'half' is no number; the form is NAME=SHARE,NAME=SHARE, as train=0.6,fit=0.2,test=0.2."),
        ("a=1/0,b=0.5", "--parts 'a=1/0': '1/0' is no number; the form is NAME=SHARE,NAME=SHARE, as train=0.6,fit=0.2,test=0.2."),
        ("a=1", "--parts names 1 part; give from 2 to 100, in the form NAME=SHARE,NAME=SHARE, as train=0.6,fit=0.2,test=0.2."),
        ("a=0.5,A=0.5", "--parts names 'a' twice, or another that differs in upper and lower case alone; a part is a file, so give each a name of its own."),
        ("a/b=0.5,c=0.5", "--parts: 'a/b' cannot be a file's name; use letters, digits, '_', '.' and '-', a letter or digit first."),
        ("a=0.6,b=0.6", "--parts: the shares add up to 1.2, and all rows are to go somewhere; make them add up to 1, as thirds do when written 1/3."),
        ("a=1.5,b=-0.5", "--parts: the share of 'b' is -0.5; give a number above 0."),
        ("a=1/999983,b=999982/999983,c=0.00001", "--parts: the shares add up to 1.00001, and all rows are to go somewhere; make them add up to 1, as thirds do when written 1/3."),
        ("a=0.50000001,b=0.49999999", "--parts: the shares are finer than millionths; write them with at most six decimals."),
    ],
)
def test_parts_that_cannot_be_are_told(asked: str, sentence: str) -> None:
    with pytest.raises(FairauditError) as raised:
        parts_of([asked])
    told = [str(one) for one in getattr(raised.value, "errors", (raised.value,))]
    assert sentence in told and isinstance(raised.value, ConfigError | Several)
