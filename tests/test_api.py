"""What `import fairaudit` offers: the page that tells of it, its example, and that it does as the command line does."""

from __future__ import annotations

import doctest
import hashlib
import json
import re
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings

import fairaudit
from fairaudit.cli import _run
from fairaudit.gate.policy import NO_SOURCES
from fairaudit.gate.result import to_json
from tests.reports.formats.builders import Ruled, rulings

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "api.md").read_text()
HEADER = "id,sex,y,s\n"
FLAGS = ("--label", "y", "--score-column", "s", "--protected", "sex", "--engine", "native", "--id", "id", "--save-scores", "--quiet")
RULES = ("four-fifths", "statistical-parity")
WRITES = {"json": "gate.json", "junit": "junit.xml", "sarif": "fairness.sarif", "markdown": "summary.md", "badge": ["badge.svg", "badge.json"], "blessing": "pushed"}
DAY = date(2026, 12, 1)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


@pytest.fixture
def audits() -> None:
    """Two audits of the same 800 people: by the second model 0.25 of the women are selected, and by the first 0.5."""
    people = [("f", 1), ("m", 0), ("f", 0), ("m", 1)] * 200
    for name, selected in (("old", (1, 1, 0, 0)), ("new", (1, 1, 0, 0, 0, 1, 0, 0))):
        lines = (f"{place},{sex},{label},{0.9 if selected[place % len(selected)] else 0.2}" for place, (sex, label) in enumerate(people))
        Path(f"{name}.csv").write_text(HEADER + "\n".join(lines) + "\n")
        assert _run(["audit", "--data", f"{name}.csv", *FLAGS, *(word for rule in RULES for word in ("--rule", rule)), "--out", name]) == 0
    Path("ours.yaml").write_text("schema: fairaudit/rule/1\nextends: no-worse-than-baseline\nid: ours\ntitle: Selected as often\nlimit_origin: ours\nmetric: selection_rate\n")


# The page


def test_the_pages_example_says_what_it_prints() -> None:
    names: dict[str, Any] = {}
    blocks = re.findall(r"```pycon\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) >= 6
    for number, block in enumerate(blocks):
        test = doctest.DocTestParser().get_doctest(block, names, f"docs/api.md, example {number + 1}", None, 0)
        told: list[str] = []
        ran = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=told.append, clear_globs=False)
        assert ran.failed == 0 < ran.attempted, "".join(told)
        names = test.globs


def test_the_page_names_whatever_the_package_offers() -> None:
    table = PAGE.split("## An example")[0]
    assert set(re.findall(r"`(\w+)(?:\([^`]*\))?`", "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `")))) == set(fairaudit.__all__)
    assert all(getattr(fairaudit, name) is not None for name in fairaudit.__all__)


def test_what_the_page_leaves_to_the_command_are_fields_of_the_configuration() -> None:
    named = re.findall(r"`(\w+)`", PAGE.split("Its fields ")[1].split("are for the command")[0])
    assert set(named) <= set(fairaudit.AuditConfig.__struct_fields__) and {*fairaudit.Policy.__struct_fields__, "waivers", "write"} <= set(named)


# The same as the command line


CASES: dict[str, tuple[list[str], dict[str, Any]]] = {
    "its own rules": ([], {}),
    "other rules": (["--rule", "equal-opportunity"], {"rules": ["equal-opportunity"]}),
    "a file of waivers": (["--waivers", "w.yaml"], {"waivers": "w.yaml"}),
    "a policy": (["--fail-on", "warn", "--inconclusive", "pass", "--waivers", "w.yaml", "--unused-waivers", "fail"], {"policy": fairaudit.Policy(fail_on="warn", inconclusive="pass", unused_waivers="fail"), "waivers": "w.yaml"}),
    "a baseline": (["--baseline", "old"], {"baseline": "old"}),
    "change, row by row": (["--baseline", "old", "--rule", "ours.yaml"], {"baseline": "old", "rules": ["ours.yaml"]}),
}


@pytest.mark.usefixtures("audits")
@pytest.mark.parametrize("case", CASES)
def test_python_decides_and_writes_to_the_byte_what_the_command_does(case: str) -> None:
    flags, asked = CASES[case]
    assert _run(["waive", "new", "--owner", "Ada L.", "--reason", "data", "--as-of", "2026-11-26", "--to", "w.yaml"]) == 0
    given_ = [f"{format}={path}" for format, paths in WRITES.items() for path in ([paths] if isinstance(paths, str) else paths)]
    code = _run(["gate", "new", *flags, "--as-of", str(DAY), *(word for one in given_ for word in ("--write", f"{one.split('=')[0]}=a/{one.split('=')[1]}"))])
    found = fairaudit.read_audit("new")
    scores = {"scores": "new/scores.parquet", "baseline": asked["baseline"]} if "baseline" in asked else {}
    again = fairaudit.judged(found, asked.get("rules", ()), **scores)
    ruling = fairaudit.ruling(again, asked.get("policy"), waivers=asked.get("waivers", ()), as_of=DAY, baseline=asked.get("baseline"))
    fairaudit.write_gate(again, ruling, {format: [Path("b", path) for path in ([paths] if isinstance(paths, str) else paths)] for format, paths in WRITES.items()}, file="new/audit.json", rules=asked.get("rules", ()))
    assert ruling.exit_code == code and code in (0, 1)
    assert [fairaudit.judged(found, one, **scores) for one in asked.get("rules", ())] == [again] * len(asked.get("rules", ()))  # a name alone is one rule
    assert contents("a") == contents("b") and len(contents("a")) == 7
    assert Path("a/gate.json").read_bytes() == to_json(ruling, hashlib.sha256(Path("new/audit.json").read_bytes()).hexdigest())


def contents(folder: str) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()}


@pytest.mark.usefixtures("audits")
def test_a_configuration_and_waivers_are_read_as_the_command_reads_them() -> None:
    Path("fairaudit.yaml").write_text("data: [new.csv]\nlabel: y\nscore_column: s\nprotected: [sex]\nengines: [native]\nid: id\nsave_scores: true\nrules: [four-fifths, statistical-parity]\n")
    made = fairaudit.audit(fairaudit.read_config("fairaudit.yaml"), scores="rows.parquet")
    assert fairaudit.to_json(made) == Path("new/audit.json").read_bytes() and Path("rows.parquet").read_bytes() == Path("new/scores.parquet").read_bytes()
    assert _run(["waive", "new", "--owner", "Ada L.", "--reason", "data", "--to", "w.yaml"]) == 0
    held = fairaudit.read_waivers("w.yaml")
    assert isinstance(held, fairaudit.Waivers) and [one.owner for one in held.waivers] == ["Ada L."]
    of_file = fairaudit.ruling(made, waivers="w.yaml")
    assert fairaudit.ruling(made, waivers=held) == fairaudit.ruling(made, waivers=held.waivers) == msgspec.structs.replace(of_file, sources=NO_SOURCES) != of_file


@settings(max_examples=60, deadline=None)
@given(rulings())
def test_any_result_of_a_gate_is_read_as_it_was_decided(one: Ruled) -> None:
    """But for texts that UTF-8 cannot hold, which are written out."""
    Path("gate.json").write_bytes(to_json(one.ruling))
    read = fairaudit.read_gate("gate.json")
    assert (read.verdict, read.exit_code, read.policy, read.as_of) == (one.ruling.verdict, one.ruling.exit_code, one.ruling.policy, one.ruling.as_of)
    again = msgspec.structs.replace(one.ruling, standings=read.standings, remarks=tuple(remark for remark in read.remarks if remark.id != "nothing-judged"))
    assert to_json(again) == Path("gate.json").read_bytes()


# What cannot be


@pytest.mark.usefixtures("audits")
def test_bad_input_is_a_sentence() -> None:
    audit = fairaudit.read_audit("new")
    ruling = fairaudit.ruling(audit)
    Path("other.parquet").write_bytes(Path("old/scores.parquet").read_bytes())
    Path("text.json").write_text('{"schema": "fairaudit/gate/2"}')
    bare = msgspec.structs.replace(audit, scores=None)
    for ask, sentence in (
        (lambda: fairaudit.read_gate("none.json"), "none.json: No such file or directory; give the file that"),
        (lambda: fairaudit.read_gate("new/audit.json"), "new/audit.json is not a gate's result that fairaudit can read"),
        (lambda: fairaudit.read_gate("text.json"), "text.json is not a gate's result"),
        (lambda: fairaudit.read_waivers("none.yaml"), "there is no file 'none.yaml'."),
        (lambda: fairaudit.read_config("none.yaml"), "there is no file 'none.yaml'."),
        (lambda: fairaudit.judged(audit, ["four-fifth"]), "did you mean 'four-fifths'?"),
        (lambda: fairaudit.judged(audit, "four-fifth"), "there is no rule 'four-fifth'; did you mean 'four-fifths'?"),
        (lambda: fairaudit.ruling(audit, as_of="2026-12-01"), "as_of is '2026-12-01', which is no day; give a datetime.date"),  # type: ignore[arg-type]
        (lambda: fairaudit.ruling(audit, as_of=datetime(2026, 12, 1)), "which is no day"),
        (lambda: fairaudit.judged(audit, baseline="nowhere"), "--baseline nowhere: No such file"),
        (lambda: fairaudit.judged(audit, scores="new/scores.parquet"), "rows are matched with those of a baseline, and none is given"),
        (lambda: fairaudit.judged(audit, baseline="old", scores="none.parquet"), "none.parquet: No such file"),
        (lambda: fairaudit.judged(audit, baseline="old", scores="other.parquet"), "other.parquet is not what this audit was made with"),
        (lambda: fairaudit.judged(bare, baseline="old", scores="new/scores.parquet"), "this audit kept no rows"),
        (lambda: fairaudit.write_gate(audit, ruling, {"junit": "w/a.xml", "jnit": "w/b.xml"}), "there is no format 'jnit'; did you mean 'junit'?"),
        (lambda: fairaudit.write_gate(audit, ruling, {"junit": "w/a.xml", "badge": "w/a.png"}), "end the name in .svg or .json"),
        (lambda: fairaudit.write_gate(audit, ruling, {"junit": "w/a", "sarif": "w/../w/a"}), "something else is written to"),
        (lambda: fairaudit.write_gate(audit, ruling, {"markdown": "new/report.html"}, file="new/audit.json"), "is a file of the audit itself"),
    ):
        with pytest.raises(fairaudit.ConfigError) as caught:
            ask()
        assert sentence in str(caught.value) and caught.value.exit_code == 2
    assert not Path("w").exists() and json.loads(Path("text.json").read_text())


# What is not what it should be


def _small() -> fairaudit.Audit:
    config = fairaudit.AuditConfig(score_column="s", label="y", protected=("sex",), rules=("four-fifths",), engines=("native",))
    return fairaudit.audit(config, data=pa.table({"sex": ["f", "m"] * 40, "y": [1, 1, 0, 0] * 20, "s": [0.9, 0.9, 0.1, 0.1] * 20}))


Call = Callable[[Any], object]


def _paths(audit: fairaudit.Audit) -> dict[str, Call]:
    ruling = fairaudit.ruling(audit)
    kept = fairaudit.AuditConfig(score_column="s", protected=("sex",), id="i", save_scores=True)
    return {
        "path": fairaudit.read_audit, "path ": fairaudit.read_gate, "path  ": fairaudit.read_config, "path   ": fairaudit.read_cube, "path    ": fairaudit.read_waivers,
        "baseline": lambda one: fairaudit.ruling(audit, baseline=one), "baseline ": lambda one: fairaudit.judged(audit, baseline=one), "scores": lambda one: fairaudit.judged(audit, baseline="audit.json", scores=one),
        "scores ": lambda one: fairaudit.audit(kept, scores=one), "write['json']": lambda one: fairaudit.write_gate(audit, ruling, {"json": one}), "file": lambda one: fairaudit.write_gate(audit, ruling, {"json": "g.json"}, file=one),
        "config": lambda one: fairaudit.write_gate(audit, ruling, {"sarif": "g.sarif"}, config=one),
    }  # fmt: skip


def _values(audit: fairaudit.Audit) -> dict[str, tuple[Call, str]]:
    ruling, audits, rulings_ = fairaudit.ruling(audit), "what `fairaudit.audit` or `fairaudit.read_audit` gives", "what `fairaudit.ruling` gives"
    return {
        "audit": (fairaudit.ruling, audits), "audit ": (fairaudit.judged, audits), "audit  ": (fairaudit.render, audits), "audit   ": (fairaudit.summary, audits), "audit    ": (fairaudit.to_json, audits),
        "audit     ": (lambda one: fairaudit.write_gate(one, ruling, {"json": "g.json"}), audits),
        "ruling": (lambda one: fairaudit.render(audit, one), rulings_), "ruling ": (lambda one: fairaudit.summary(audit, one), rulings_), "ruling  ": (lambda one: fairaudit.write_gate(audit, one, {"json": "g.json"}), rulings_),
        "policy": (lambda one: fairaudit.ruling(audit, one), "a `fairaudit.Policy(…)`"), "as_of": (lambda one: fairaudit.render(audit, as_of=one), "a datetime.date, as date(2026, 7, 5)"),
        "width": (lambda one: fairaudit.summary(audit, width=one), "a whole number"),
    }  # fmt: skip


def test_what_is_no_path_is_said_in_a_sentence_by_everything_that_takes_one() -> None:
    Path("audit.json").write_bytes(fairaudit.to_json(audit := _small()))
    for name, call in _paths(audit).items():
        for wrong in (5, 1.5, b"audit.json", {"a": 1}, object()):
            with pytest.raises(fairaudit.ConfigError) as told:
                call(wrong)
            assert str(told.value).startswith(f"{name.strip()} is ") and str(told.value).endswith(", which is no path; give a text or a pathlib.Path."), (name, told.value)
        with pytest.raises(fairaudit.FairauditError):
            call("a\0b")
    assert [path.name for path in Path().iterdir()] == ["audit.json"]


def test_what_is_no_audit_ruling_policy_day_or_number_is_said_in_a_sentence() -> None:
    for name, (call, advice) in _values(_small()).items():
        for wrong in (0, "", "fail", ["x"], {"inconclusive": "pass"}, object()):
            if name == "width" and wrong == 0:
                continue
            with pytest.raises(fairaudit.ConfigError) as told:
                call(wrong)
            assert str(told.value).startswith(f"{name.strip()} is ") and str(told.value).endswith(f"; give {advice}."), (name, told.value)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda audit, ruling: fairaudit.judged(audit, 5), "rules is 5, which is neither a text or path nor a list of them; give ids or files, as ['four-fifths']."),
        (lambda audit, ruling: fairaudit.judged(audit, ["four-fifths", None]), "rules is ['four-fifths', None], which is neither a text or path nor a list of them; give ids or files, as ['four-fifths']."),
        (lambda audit, ruling: fairaudit.write_gate(audit, ruling, {"sarif": "x"}, rules=None), "rules is None, which is neither a text or path nor a list of them; give ids or files, as ['four-fifths']."),
        (lambda audit, ruling: fairaudit.write_gate(audit, ruling, "gate.json"), "write is 'gate.json', which is no mapping; give a path for each format, as {'json': 'gate.json'}."),
        (lambda audit, ruling: fairaudit.write_gate(audit, ruling, {1: "gate.json"}), "a format of write is 1, which is no text; give a name."),
        (lambda audit, ruling: fairaudit.write_gate(audit, ruling, {"badge": ["a.svg", 3]}), "write['badge'] is 3, which is no path; give a text or a pathlib.Path."),
        (lambda audit, ruling: audit.frame("finding"), "there is no table 'finding'; did you mean 'findings'?"),
        (lambda audit, ruling: audit.frame(2), "name is 2, which is no text; give a name."),
        (lambda audit, ruling: fairaudit.summary(audit, width=True), "width is True, which is no int; give a whole number."),
        (lambda audit, ruling: fairaudit.ruling(audit, as_of=datetime(2026, 11, 26)), "as_of is datetime.datetime(2026, 11, 26, 0, 0), which is no day; give a datetime.date, as date(2026, 7, 5)."),
        (lambda audit, ruling: fairaudit.ruling(audit, ["x" * 100]), f"policy is ['{'x' * 55}…, which is no Policy; give a `fairaudit.Policy(…)`."),
    ],
)
def test_other_wrong_values_are_sentences_too(call: Callable[[fairaudit.Audit, fairaudit.Ruling], object], sentence: str) -> None:
    audit = _small()
    with pytest.raises(fairaudit.ConfigError) as told:
        call(audit, fairaudit.ruling(audit))
    assert str(told.value) == sentence and not list(Path().iterdir())
