"""A sentence about a configuration gets the place of what it speaks of; and what can be read of a broken file is read."""

from __future__ import annotations

import pytest

from fairaudit.config import AuditConfig
from fairaudit.documents import opened, salvaged
from fairaudit.errors import ConfigError, ContentError
from fairaudit.places import placed
from fairaudit.yaml_nodes import DocumentError

TEXT = """\
data: [people.csv]
label: y
positive: yess
score_column: s
protected: [sex, race]
slices: ["race*sex"]
rules:
  - four-fith
model: demo/model
"""
SENTENCES = {
    "people.csv has no column 'race', which --protected needs": "5:18",
    "people.csv: the column 'y' has no value 'yess'; its values are 'yes', 'no'; say which is positive with --positive VALUE.": "3:11",
    "people.csv: the column 'y' is odd": "2:8",
    "people.csv has no column 'sex', which --slice needs": "6:10",
    "there is no rule 'four-fith'; did you mean 'four-fifths'?": "8:5",
    "--positive-decision says which decision is positive, but no --decision-column COL is given.": None,
    "--positive is odd": "3:1",
    "people.csv has no column for 2 inputs of model 'model': 'race', 'sex'": "9:1",
    "people.csv: there is no such file; check --data.": "1:8",
    "nothing to audit": None,
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_gets_the_place_of_what_it_speaks_of(sentence: str) -> None:
    found = placed(ConfigError(sentence), opened(TEXT, kind="configuration", file="a.yaml"))
    place = SENTENCES[sentence]
    assert str(found) == (sentence if place is None else f"a.yaml:{place}: {sentence}")


def test_what_has_a_place_keeps_it_and_an_exit_code_stays() -> None:
    document = opened(TEXT, kind="configuration", file="a.yaml")
    own = DocumentError("the rule 'sex' is odd", file="rule.yaml", line=2)
    assert placed(own, document) is own
    assert placed(ContentError("people.csv, row 3: the score column 's' holds 'x'"), document).exit_code == 4


def test_a_field_with_a_mistake_is_as_if_it_were_not_there() -> None:
    found, wrong = salvaged(opened("label: y\nthreshold: high\nprotcted: [a]\nlabel: z\nbins: {age: [25, old]}\nseed: 3\n", kind="configuration", file="a.yaml"), AuditConfig, kind="configuration")
    assert found == AuditConfig(label="y", seed=3)
    assert [str(one).split(": ")[0] for one in wrong] == ["a.yaml:2:12", "a.yaml:3:1", "a.yaml:4:1", "a.yaml:5:18"]


def test_what_is_no_mapping_is_nothing_and_one_mistake() -> None:
    found, wrong = salvaged(opened("[a, b]", kind="configuration", file="a.yaml"), AuditConfig, kind="configuration")
    assert found == AuditConfig() and len(wrong) == 1 and "must be a mapping" in str(wrong[0])
