"""Whatever is in a file, only the documented errors come out. A little in every run; `make fuzz` tries long."""

from __future__ import annotations

import string
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fairaudit.config import AuditConfig
from fairaudit.documents import read_document
from fairaudit.errors import FairauditError
from fairaudit.gate.waiver_file import parse_waivers
from fairaudit.result import from_json
from fairaudit.rules.library import parse_rule
from fairaudit.rules.pack import parse_pack
from fairaudit.run import audit

SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
SHIPPED = Path(__file__).parent.parent / "rules"
RULES = [(SHIPPED / f"{name}.yaml").read_text() for name in ("four-fifths", "nyc-ll144-scoring", "differential-fairness", "regression-parity")]
EXTENDING = "schema: fairaudit/rule/1\nextends: four-fifths\nid: ours\ntitle: Ours\nlimit_origin: ours\nlimit: 0.9\nparams: {bins: 20}\nmetric: ece\ncomparison: value\n"
PACK = (SHIPPED / "packs" / "lending.yaml").read_text()
WORDS = st.sampled_from(["sex", "y", "s", "1", "0", "nan", "inf", "-1e400", '"', "'", ",", "\n", "\r\n", "\t", "\x00", "é", "", " ", "true", "?", "1.5", "<script>"])
YAML = st.lists(st.sampled_from(["id", "limit", ":", " ", "\n", "-", "[", "]", "{", "}", "&a", "*a", "!!python/object:os.system", "|", ">", "#", "0.8", ".nan", "'", '"', "x"])).map("".join)

WAIVERS = """\
schema: fairaudit/waivers/1
max_days: 90
waivers:
  - {rule: four-fifths, slice: {race: null}, owner: ada, reason: new data, created: 2026-11-01, expires: 2026-12-31, holds_to: 0.55}
  - rule: equal-opportunity
    all_groups: [sex, race]
    metric: tpr
    owner: ada
    reason: >
      as above
    created: 2026-11-01
    expires: 2026-12-31
    holds_to: -0.15
    ticket: "T-1"
"""


def test_every_run_tries_the_same_and_make_fuzz_others_in_ci_too() -> None:
    """Where `CI` is set, Hypothesis' own profile is derandomized, and those that are registered add to it."""
    assert settings.get_profile("default").derandomize and not settings.get_profile("fuzz").derandomize


def _fine(call: object, *arguments: object) -> None:
    try:
        call(*arguments)  # type: ignore[operator]
    except FairauditError as error:
        assert str(error) and error.exit_code in (2, 4)


@given(text=st.one_of(st.text(), YAML))
def test_no_text_breaks_the_rule_loader(text: str) -> None:
    _fine(parse_rule, text)


@given(which=st.sampled_from([*RULES, EXTENDING]), at=st.integers(0, 3000), cut=st.integers(0, 40), put=st.one_of(st.text(max_size=12), YAML))
def test_no_edit_of_a_rule_breaks_the_loader(which: str, at: int, cut: int, put: str) -> None:
    _fine(parse_rule, which[:at] + put + which[at + cut :])


@given(at=st.integers(0, len(PACK)), cut=st.integers(0, 40), put=st.one_of(st.text(max_size=12), YAML))
def test_no_edit_of_a_pack_breaks_the_loader(at: int, cut: int, put: str) -> None:
    _fine(parse_pack, PACK[:at] + put + PACK[at + cut :])


@given(text=st.one_of(st.text(), YAML))
def test_no_text_breaks_the_loader_of_waivers(text: str) -> None:
    _fine(parse_waivers, text)


@given(at=st.integers(0, len(WAIVERS)), cut=st.integers(0, 40), put=st.one_of(st.text(max_size=12), YAML, st.sampled_from(["9999-12-31", "0001-01-01", ".inf", "1e999", "null", "{}", "[]", "small_groups: [race]"])))
def test_no_edit_of_a_file_of_waivers_breaks_the_loader(at: int, cut: int, put: str) -> None:
    _fine(parse_waivers, WAIVERS[:at] + put + WAIVERS[at + cut :])


@given(text=st.one_of(st.text(), YAML))
def test_no_text_breaks_the_configuration_loader(text: str) -> None:
    _fine(lambda: read_document(text, AuditConfig, kind="configuration"))


@given(text=st.binary(max_size=200))
def test_no_bytes_break_the_audit_reader(text: bytes) -> None:
    _fine(lambda: from_json(text, where="audit.json"))


@SHARED
@given(content=st.one_of(st.lists(WORDS, max_size=40).map(lambda words: "sex,y,s\n" + ",".join(words)), st.text(alphabet=string.printable + "é\x00", max_size=120)).map(str.encode))
def test_no_csv_breaks_the_audit(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(content)
    _fine(audit, AuditConfig(data=(str(file),), score_column="s", label="y", protected=("sex",), engines=("native",)))


@SHARED
@given(content=st.binary(max_size=120))
def test_no_bytes_break_the_audit(content: bytes, tmp_path: Path) -> None:
    for name in ("a.csv", "a.csv.gz", "a.parquet"):
        (tmp_path / name).write_bytes(content)
        _fine(audit, AuditConfig(data=(str(tmp_path / name),), score_column="s", protected=("sex",), engines=("native",)))
