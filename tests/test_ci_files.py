"""The files for CI systems: the GitHub Action, its script run as a runner would run it, GitLab's job, the hook of pre-commit, and their page."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import click
import pytest
from ruamel.yaml import YAML

from fairaudit.cli import _run, cli
from fairaudit.cli.gating import BASELINE, OPTIONS
from fairaudit.gate.policy import WORDS
from fairaudit.reports.formats import FORMATS

ROOT = Path(__file__).parent.parent
SCRIPT = (ROOT / "ci" / "action.sh").read_text()
PAGE = (ROOT / "docs" / "ci.md").read_text()
FLAGS = "--data {} --label y --score-column s --protected sex --engine native"
FAIR, UNFAIR, FEW = (FLAGS.format(f"{name}.csv") for name in ("fair", "unfair", "few"))
CONFIG = "data: [unfair.csv]\nlabel: y\nscore_column: s\nprotected: [sex]\nengines: [native]\nrules: [four-fifths]\n"
OF_THE_GATE = {names[-1].removeprefix("--") for names, _ in (*OPTIONS, BASELINE)} - {"write"}  # what is written the files say themselves
WRITTEN = {"audit.json", "badge.json", "badge.svg", "cube.parquet", "fairness.sarif", "gate.json", "junit.xml", "report.html", "summary.md"}


def parsed(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


ACTION = parsed((ROOT / "action.yml").read_text())
STEPS = {step.get("id", step["name"]): step for step in ACTION["runs"]["steps"]}
GITLAB = parsed((ROOT / "ci" / "gitlab.yml").read_text())["fairaudit"]
HOOK, WAIVERS_HOOK = parsed((ROOT / ".pre-commit-hooks.yaml").read_text())
WORKFLOW = parsed((ROOT / "examples" / "workflows" / "fairness.yml").read_text())


def flags_of(*names: str) -> set[str]:
    """The flags of a command, as click has them."""
    command: click.Command | None = cli
    for name in names:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), name)
    assert command is not None, names
    return {flag for parameter in command.params for flag in parameter.opts}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A checkout with data, and a runner's folders beside it."""
    folder = tmp_path / "a workspace"
    folder.mkdir()
    (folder / "fair.csv").write_text("sex,y,s\n" + "f,1,0.9\nm,0,0.2\nm,1,0.7\nf,0,0.1\n" * 50)
    (folder / "unfair.csv").write_text("sex,y,s\n" + "f,1,0.1\nm,1,0.9\nf,0,0.1\nm,0,0.9\n" * 50)
    (folder / "few.csv").write_text("sex,y,s\n" + "f,1,0.9\nm,0,0.2\nm,1,0.7\nf,0,0.1\n" * 3)
    (tmp_path / "temp").mkdir()
    (tmp_path / "temp" / "fairaudit").symlink_to(sys.prefix)  # what `install` makes: an environment with fairaudit in it
    return folder


def environment(workspace: Path, **more: str) -> dict[str, str]:
    """What a runner gives to a step, and this checkout's fairaudit."""
    beside = workspace.parent
    return os.environ | {
        "RUNNER_TEMP": str(beside / "temp"), "RUNNER_OS": "Linux", "GITHUB_WORKSPACE": str(workspace), "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_OUTPUT": str(beside / "output"), "GITHUB_STEP_SUMMARY": str(beside / "summary"), "PYTHONPATH": str(ROOT), **more,
    }  # fmt: skip


def step(name: str, workspace: Path, values: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """A step with `run`, as a runner carries it out: its expressions are filled in, and the script is a file for bash."""
    made = STEPS[name]
    variables = {key: re.sub(r"\$\{\{ (.*?) \}\}", lambda found: values.get(found[1], ""), text) for key, text in made.get("env", {}).items()}
    file = workspace.parent / "step.sh"
    file.write_text(made["run"])
    command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(file)]
    return subprocess.run(command, cwd=workspace, env=environment(workspace, **variables), capture_output=True, text=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What the action did: its outputs, the summary on the step's page, what was printed, and the code that it ended with."""

    outputs: dict[str, str]
    summary: str
    log: str
    errors: str
    code: int


def act(workspace: Path, **inputs: str) -> Ran:
    """The action's audit and its last step, with these inputs and the defaults of the others."""
    for name in ("output", "summary"):
        (workspace.parent / name).write_text("")
    given = {name: about["default"] for name, about in ACTION["inputs"].items()} | {name.replace("_", "-"): value for name, value in inputs.items()}
    assert given.keys() == ACTION["inputs"].keys()
    audited = step("audit", workspace, {f"inputs.{name}": value for name, value in given.items()})
    assert audited.returncode == 0, audited.stderr  # or nothing would be uploaded
    of_step = dict(line.split("=", 1) for line in (workspace.parent / "output").read_text().splitlines())
    last = step("Verdict", workspace, {f"steps.audit.outputs.{name}": value for name, value in of_step.items()})
    outputs = {name: of_step[about["value"].removeprefix("${{ steps.audit.outputs.").removesuffix(" }}")] for name, about in ACTION["outputs"].items()}
    return Ran(outputs=outputs, summary=(workspace.parent / "summary").read_text(), log=audited.stdout, errors=audited.stderr, code=last.returncode)


# What the files say


def test_no_run_block_of_the_action_holds_an_expression_whose_value_could_be_code() -> None:
    blocks = [one["run"] for one in ACTION["runs"]["steps"] if "run" in one]
    assert len(blocks) == 3 and not any("${{" in block for block in blocks)
    assert all(one["shell"] == "bash" for one in ACTION["runs"]["steps"] if "run" in one)
    assert not [one for one in WORKFLOW["jobs"]["audit"]["steps"] if "${{" in one.get("run", "")]


def test_every_input_of_the_action_is_used_and_every_output_is_made() -> None:
    assert ACTION["runs"]["using"] == "composite" and all(about["description"] and isinstance(about["default"], str) for about in ACTION["inputs"].values())
    text = json.dumps(ACTION["runs"])
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == ACTION["inputs"].keys()
    made = set(re.findall(r'"([a-z-]+)=\$', SCRIPT.split("audit() {")[1]))
    assert set(re.findall(r"steps\.audit\.outputs\.([\w-]+)", json.dumps(ACTION))) == made == ACTION["outputs"].keys()


def test_the_variables_of_the_steps_are_those_that_the_script_reads() -> None:
    given = {name for step in ("Install fairaudit", "audit") for name in STEPS[step]["env"]}
    assert set(re.findall(r"\$\{?(FAIRAUDIT_\w+)", SCRIPT)) == given


def test_the_action_ends_with_the_verdict_after_what_is_uploaded_whatever_the_verdict() -> None:
    *_, report, alerts, verdict = ACTION["runs"]["steps"]
    assert [one["uses"].split("@")[0] for one in (report, alerts)] == ["actions/upload-artifact", "github/codeql-action/upload-sarif"]
    assert verdict["if"] == "always()" and all(one["if"].startswith("always() && ") for one in (report, alerts))


def test_the_flags_that_the_action_gives_are_the_audits() -> None:
    given = set(re.findall(r'"([a-z-]+)=\$FAIRAUDIT', SCRIPT)) | set(re.findall(r"--([a-z]+)[=\s]", SCRIPT.split("run() {")[1].split("\naudit() {")[0]))
    assert given >= {"config", "waivers", "inconclusive", "fail-on", "rule", "out", "gate", "write"}
    assert {f"--{name}" for name in given} <= flags_of("audit")
    assert {"junit", "sarif", "markdown", "badge"} <= set(re.findall(r"(\w+)=[a-z]+\.[a-z]+", SCRIPT)) <= set(FORMATS)


def test_whatever_the_gate_can_be_asked_is_an_input_of_the_action_and_a_variable_of_gitlabs_job() -> None:
    assert {"baseline", "waivers", "inconclusive"} <= OF_THE_GATE <= set(ACTION["inputs"])
    script = "\n".join(GITLAB["script"])
    for name in OF_THE_GATE:
        variable = f"FAIRAUDIT_{name.replace('-', '_').upper()}"
        assert GITLAB["variables"][variable] == "" and f'${{{variable}:+--{name} "${variable}"}}' in script


def test_the_actions_flags_in_its_descriptions_and_extras_exist() -> None:
    told = " ".join(about["description"] for about in ACTION["inputs"].values())
    assert {flag for flag in re.findall(r"--[a-z-]+", told)} <= flags_of("audit") | {"--help"}
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = re.findall(r"extras\W+(?:`|: )([a-z,]+)", PAGE) + re.findall(r"fairaudit\[(\w+)\]", PAGE + (ROOT / "ci" / "gitlab.yml").read_text())
    assert named and {one for names in named for one in names.split(",")} <= extras.keys()


def test_the_example_workflow_names_inputs_and_outputs_of_the_action() -> None:
    text = (ROOT / "examples" / "workflows" / "fairness.yml").read_text()
    (ours,) = (one for one in WORKFLOW["jobs"]["audit"]["steps"] if "fairaudit" in one.get("uses", ""))
    unused = set(re.findall(r"^ +# ([a-z-]+): ", text, re.MULTILINE))
    assert ours["with"].keys() | unused <= ACTION["inputs"].keys() and unused >= {"args", "rules"}
    assert set(re.findall(r"steps\.fairness\.outputs\.([\w-]+)", text)) <= ACTION["outputs"].keys()
    assert {flag for flag in re.findall(r"(?<!\w)--[a-z-]+", text)} <= flags_of("audit")
    assert WORKFLOW["permissions"]["security-events"] == "write" and ours["with"]["sarif"] is True


# The action, run


@pytest.mark.parametrize(
    ("inputs", "code"), [({"args": FAIR}, 0), ({"args": UNFAIR}, 1), ({"args": FEW}, 3), ({"args": FEW, "inconclusive": "warn"}, 0)], ids=["pass", "fail", "inconclusive", "inconclusive let through"]
)  # fmt: skip
def test_a_verdict_is_the_actions_outputs_files_summary_and_exit_code(workspace: Path, inputs: dict[str, str], code: int) -> None:
    ran = act(workspace, rules="four-fifths", **inputs)
    assert ran.outputs == {"exit-code": str(code), "verdict": WORDS[code], "folder": "fairness", "report": "fairness/report.html"}, ran.errors
    assert ran.code == code and ran.errors == ""
    assert {path.name for path in (workspace / "fairness").iterdir()} == WRITTEN
    assert json.loads((workspace / "fairness" / "gate.json").read_text())["verdict"] == WORDS[code]
    assert ElementTree.parse(workspace / "fairness" / "junit.xml").getroot().tag == "testsuites"
    assert ran.summary.strip() == (workspace / "fairness" / "summary.md").read_text().strip()  # once, by the gate itself


@pytest.mark.parametrize(
    ("inputs", "code", "told"),
    [
        ({"args": f"{FAIR} --proteced sex"}, 2, "No such option"),
        ({"args": FAIR, "inconclusive": "maybe"}, 2, "maybe"),
        ({"args": FAIR, "rules": ""}, 2, "--gate has nothing to judge"),
        ({"config": "no such.yaml"}, 2, "no such.yaml"),
        ({"args": FAIR, "waivers": "none.yaml"}, 2, "none.yaml"),
        ({"args": FAIR, "baseline": "no such"}, 2, "--baseline no such"),
        ({"args": FAIR, "as_of": "yesterday"}, 2, "'yesterday' is no date"),
        ({"args": f"{FAIR} --positive 'yes"}, 2, "the input args cannot be split into words: No closing quotation"),
        ({"args": FAIR, "rules": '"'}, 2, "the input rules cannot be split into words"),
        ({"args": FAIR, "out": "a\nverdict=pass"}, 2, "in one line"),
        ({"args": FAIR, "out": ""}, 2, "the name of a folder"),
        ({"args": f"{FAIR} --help"}, 2, ""),
        ({"args": FLAGS.format("broken.csv")}, 4, "broken.csv"),
    ],
    ids=["flag", "choice", "no rules", "config", "waivers", "baseline", "day", "quote in args", "quote in rules", "two lines", "no out", "help", "content"],
)
def test_where_nothing_was_judged_there_is_no_report_no_pass_and_the_summary_says_so(workspace: Path, inputs: dict[str, str], code: int, told: str) -> None:
    (workspace / "broken.csv").write_text("sex,y,s\nf,1,many\nm,0,0.2\n")
    ran = act(workspace, **({"rules": "four-fifths"} | inputs))
    assert ran.outputs == {"exit-code": str(code), "verdict": WORDS[code], "folder": "", "report": ""}
    assert ran.code == code and told in ran.errors
    assert f"judged nothing** (exit code {code})" in ran.summary and not (workspace / "fairness").exists()


def test_what_an_earlier_run_wrote_is_not_taken_for_this_ones(workspace: Path) -> None:
    assert act(workspace, args=FAIR, rules="four-fifths").code == 0
    ran = act(workspace, args=FAIR, rules="no-such-rule")
    assert (ran.code, ran.outputs["verdict"], ran.outputs["folder"]) == (2, "unjudged", "")
    assert {path.name for path in (workspace / "fairness").iterdir()} == {"audit.json", "cube.parquet", "report.html"}
    assert "no-such-rule" in ran.errors


def made(workspace: Path, *line: str) -> None:
    """What is there before a runner begins."""
    with chdir(workspace):
        assert _run([*line]) == 0


@pytest.fixture
def update(workspace: Path) -> Path:
    """A checkout with an audit of scores that were fair, `old one`, a new model's that select women less, and a waiver of that until New Year's Eve."""
    people = [("f", 1, 0.9), ("m", 0, 0.2), ("m", 1, 0.7), ("f", 0, 0.1)] * 100
    for name, scores in (("old", [score for *_, score in people]), ("new", [0.3 if sex == "f" and place % 5 < 3 and score > 0.5 else score for place, (sex, _, score) in enumerate(people)])):
        lines = (f"{place},{sex},{label},{score:.1f}" for place, ((sex, label, _), score) in enumerate(zip(people, scores, strict=True)))
        (workspace / f"{name}.csv").write_text("id,sex,y,s\n" + "\n".join(lines) + "\n")
    flags = (*FLAGS.format("old.csv").split(), "--id", "id", "--save-scores")
    made(workspace, "audit", *flags, "--rule", "four-fifths", "--out", "old one")
    return workspace


CHANGED = f"{FLAGS.format('new.csv')} --id id --save-scores"


def test_a_baseline_is_what_change_is_judged_against_and_what_has_vanished_since_is_told(update: Path) -> None:
    (update / "ours.yaml").write_text("schema: fairaudit/rule/1\nextends: no-worse-than-baseline\nid: ours\ntitle: Selected as often\nlimit_origin: ours\nmetric: selection_rate\n")
    given = {"rules": "four-fifths ours.yaml", "baseline": "old one"}
    same = act(update, args=f"{FLAGS.format('old.csv')} --id id --save-scores", **given)
    assert (same.code, same.errors) == (0, "")
    worse = act(update, args=CHANGED, **given | {"baseline": "old one/audit.json"})
    failed = {one["finding"]["rule"] for one in json.loads((update / "fairness" / "gate.json").read_text())["standings"] if one["state"] == "fail"}
    assert worse.code == 1 and "ours" in failed, worse.errors
    less = act(update, args=FLAGS.format("old.csv"), rules="ours.yaml", baseline="old one")
    assert (less.code, less.outputs["verdict"]) == (3, "inconclusive") and "four-fifths was judged in the baseline and is not judged here" in less.summary


def test_waivers_are_judged_on_the_day_that_is_given_and_a_stale_one_fails_where_that_is_asked(update: Path) -> None:
    made(update, "audit", *CHANGED.split(), "--rule", "four-fifths", "--out", "new one")
    made(update, "waive", "new one", "--owner", "Ada L.", "--reason", "new data", "--as-of", "2026-11-01", "--expires", "2026-12-31", "--to", "our waivers.yaml")
    given = {"args": CHANGED, "rules": "four-fifths", "waivers": "our waivers.yaml"}
    assert [act(update, as_of=day, **given).code for day in ("2026-12-31", "2027-01-01")] == [0, 1]
    stale = given | {"args": FLAGS.format("old.csv"), "as_of": "2026-11-20"}
    assert [act(update, **stale).code, act(update, unused_waivers="fail", **stale).code] == [0, 1]


def test_a_rule_that_only_warns_fails_the_build_where_that_is_asked(workspace: Path) -> None:
    (workspace / "ours.yaml").write_text("schema: fairaudit/rule/1\nextends: four-fifths\nid: ours\ntitle: Ours\nlimit_origin: ours\nseverity: warn\n")
    given = {"args": UNFAIR, "rules": "ours.yaml"}
    assert [act(workspace, **given).code, act(workspace, fail_on="warn", **given).code] == [0, 1]


ODD = ["two  spaces", "it's", 'say "f"', "$(touch pwned)", "`touch pwned`", "a; touch pwned #", "*", "back\\slash", "two\nlines", "é ≥ ${HOME}"]


def test_arguments_reach_the_audit_letter_by_letter(workspace: Path) -> None:
    header = ",".join('"' + odd.replace('"', '""') + '"' for odd in ODD)
    (workspace / "odd.csv").write_text(f"{header},y,s\n" + "".join(f"{','.join([sex] * len(ODD))},{rest}\n" for sex, rest in (("f", "1,0.9"), ("m", "0,0.2"), ("m", "1,0.7"), ("f", "0,0.1")) * 200))
    args = "--data odd.csv\n--label y --score-column s --engine native\n" + "\n".join(f"--protected {shlex.quote(odd)}" for odd in ODD)
    ran = act(workspace, args=args, rules="four-fifths", out="out")
    assert ran.code == 0, ran.errors
    assert json.loads((workspace / "out" / "audit.json").read_text())["manifest"]["config"]["protected"] == ODD
    assert not list(workspace.rglob("pwned"))


def test_every_input_is_taken_letter_by_letter(workspace: Path) -> None:
    odd = "it's $(touch pwned) `touch pwned` \"; touch pwned"
    (workspace / odd).mkdir()
    (workspace / odd / "ours.yaml").write_text(CONFIG)
    made(workspace, "audit", "--config", f"{odd}/ours.yaml", "--out", f"{odd}/old", "--quiet")
    made(workspace, "waive", f"{odd}/old", "--owner", "Ada L.", "--reason", "new data", "--days", "5", "--to", f"{odd}/waivers.yaml")
    made(workspace, "rules", "new", "our-fifths", "--extends", "four-fifths", "--out", f"{odd}/rule.yaml")
    ran = act(workspace, config=f"{odd}/ours.yaml", waivers=f"{odd}/waivers.yaml", baseline=f"{odd}/old", out=f"{odd}/out")
    assert (ran.code, ran.outputs["folder"], ran.outputs["report"]) == (0, f"{odd}/out", f"{odd}/out/report.html"), ran.errors
    assert {path.name for path in (workspace / odd / "out").iterdir()} == WRITTEN
    ran = act(workspace, config=f"{odd}/ours.yaml", rules=f"four-fifths\n{shlex.quote(f'{odd}/rule.yaml')}")
    assert ran.code == 1 and {one["rule"] for one in json.loads((workspace / "fairness" / "audit.json").read_text())["findings"]} == {"four-fifths", "our-fifths"}
    assert not list(workspace.rglob("pwned"))


def test_what_is_printed_between_two_secret_words_is_no_command_of_the_runner(workspace: Path) -> None:
    said = [act(workspace, args=UNFAIR, rules="four-fifths").log.splitlines() for _ in range(2)]
    tokens = {lines[0].removeprefix("::stop-commands::") for lines in said}
    assert len(tokens) == 2 and all(re.fullmatch("[0-9a-f]{32}", token) for token in tokens)
    assert all(lines[-1] == f"::{lines[0].removeprefix('::stop-commands::')}::" and lines[1].startswith("FAIL") for lines in said)


def test_a_job_whose_audit_never_began_is_no_pass(workspace: Path) -> None:
    assert step("Verdict", workspace, {}).returncode == 4


def test_install_makes_an_environment_with_this_checkouts_fairaudit(workspace: Path) -> None:
    """Without the network: what fairaudit needs, and the tool that builds it, are those of the tests."""
    (workspace.parent / "temp" / "fairaudit").unlink()
    site = str(Path(pytest.__file__).parent.parent)
    offline = environment(workspace, FAIRAUDIT_PYTHON=sys.executable, FAIRAUDIT_EXTRAS="consistency", PYTHONPATH=site, PIP_NO_DEPS="1", PIP_NO_INDEX="1", PIP_NO_BUILD_ISOLATION="0")
    done = subprocess.run(["bash", "-c", STEPS["Install fairaudit"]["run"]], cwd=workspace, env=offline, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    made = workspace.parent / "temp" / "fairaudit"
    told = subprocess.run([made / "bin" / "python", "-P", "-c", "import fairaudit; print(fairaudit.__file__)"], env=os.environ | {"PYTHONPATH": ""}, capture_output=True, text=True)
    assert told.stdout.startswith(str(made)), told.stderr
    assert subprocess.run([made / "bin" / "fairaudit", "--help"], env=offline, capture_output=True).returncode == 0


@pytest.mark.parametrize("extras", ["tensorflow] @ https://example.org/x.whl", "a;b", "$(touch pwned)"])
def test_extras_that_are_no_names_are_refused(workspace: Path, extras: str) -> None:
    done = step("Install fairaudit", workspace, {"inputs.extras": extras, "steps.python.outputs.python-path": sys.executable})
    assert done.returncode == 2 and f"it is '{extras}'" in done.stderr
    assert not list(workspace.rglob("pwned"))


# GitLab, pre-commit


def test_gitlabs_job_runs_and_keeps_the_report_whatever_the_verdict(workspace: Path) -> None:
    (workspace / "our config.yaml").write_text(CONFIG)
    variables = GITLAB["variables"] | {"FAIRAUDIT_CONFIG": "our config.yaml", "PATH": f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-e", "-c", "\n".join(GITLAB["script"])], cwd=workspace, env=environment(workspace, **variables), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "")
    assert {path.name for path in (workspace / "fairness").iterdir()} == WRITTEN
    assert GITLAB["artifacts"]["when"] == "always" and GITLAB["artifacts"]["paths"] == ["fairness/"]
    assert ElementTree.parse(workspace / GITLAB["artifacts"]["reports"]["junit"]).getroot().tag == "testsuites"
    assert set(re.findall(r"\$(\w+)", " ".join([*GITLAB["script"], *GITLAB["before_script"]]))) == GITLAB["variables"].keys()


def test_gitlabs_variables_are_the_gates_flags_where_they_are_not_empty(update: Path) -> None:
    (update / "ours.yaml").write_text(CONFIG.replace("unfair", "new"))
    made(update, "audit", "--config", "ours.yaml", "--out", "new one", "--quiet")
    made(update, "waive", "new one", "--owner", "Ada L.", "--reason", "new data", "--as-of", "2026-11-01", "--expires", "2026-12-31", "--to", "our waivers.yaml")

    def code(**given: str) -> int:
        variables = GITLAB["variables"] | {"FAIRAUDIT_CONFIG": "ours.yaml", "PATH": f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}"} | {f"FAIRAUDIT_{name}": value for name, value in given.items()}
        return subprocess.run(["sh", "-e", "-c", "\n".join(GITLAB["script"])], cwd=update, env=environment(update, **variables), capture_output=True).returncode

    waived = {"WAIVERS": "our waivers.yaml", "AS_OF": "2026-12-31"}
    assert [code(), code(**waived), code(**waived | {"AS_OF": "2027-01-01"})] == [1, 0, 1]
    assert [code(**waived, BASELINE="old one"), code(**waived, BASELINE="no such")] == [0, 2]
    (update / "few.yaml").write_text(CONFIG.replace("unfair", "few"))
    assert [code(CONFIG="few.yaml"), code(CONFIG="few.yaml", INCONCLUSIVE="warn")] == [3, 0]
    (update / "rule.yaml").write_text("schema: fairaudit/rule/1\nextends: four-fifths\nid: ours\ntitle: Ours\nlimit_origin: ours\nseverity: warn\n")
    (update / "warns.yaml").write_text(CONFIG.replace("four-fifths", "rule.yaml"))
    assert [code(CONFIG="warns.yaml"), code(CONFIG="warns.yaml", FAIL_ON="warn")] == [0, 1]
    assert [code(CONFIG="warns.yaml", **waived), code(CONFIG="warns.yaml", **waived, UNUSED_WAIVERS="fail")] == [0, 1]


def hooked(workspace: Path, hook: dict[str, Any] = HOOK) -> subprocess.CompletedProcess[str]:
    """The hook's entry with the names that its pattern finds, relative, as pre-commit calls it."""
    found = [path.relative_to(workspace).as_posix() for path in sorted(workspace.rglob("*")) if path.is_file()]
    names = [name for name in found if re.search(hook["files"], name)]
    env = environment(workspace, PATH=f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}")
    return subprocess.run([*shlex.split(hook["entry"]), *names], cwd=workspace, env=env, capture_output=True, text=True)


def test_the_hook_of_pre_commit_tells_every_mistake_of_the_rules_in_its_place(workspace: Path) -> None:
    assert HOOK["id"] == "fairaudit-rules" and HOOK["language"] == "python" and HOOK["types"] == ["yaml"]
    (workspace / "rules" / "packs").mkdir(parents=True)
    (workspace / "rules" / "packs" / "ours.yaml").write_text("not: a rule\n")
    (workspace / "config.yaml").write_text("not: a rule\n")
    sound = (ROOT / "rules" / "four-fifths.yaml").read_text()
    (workspace / "rules" / "four-fifths.yaml").write_text(sound)
    done = hooked(workspace)
    assert (done.returncode, done.stdout) == (0, "rules/four-fifths.yaml: four-fifths is sound.\n"), done.stderr
    (workspace / "rules" / "again.yml").write_text(sound.replace("limit: 0.8", "limit: much"))
    (workspace / "rules" / "twice.yaml").write_text(sound)
    done = hooked(workspace)
    assert done.returncode == 2 and "rules/again.yml" in done.stderr and "four-fifths" in done.stderr and len(done.stderr.splitlines()) == 2


def test_the_hook_for_waivers_tells_every_mistake_of_theirs_and_what_is_not_in_force(workspace: Path) -> None:
    assert WAIVERS_HOOK["id"] == "fairaudit-waivers" and WAIVERS_HOOK["language"] == "python" and WAIVERS_HOOK["types"] == ["yaml"]
    (workspace / "ours").mkdir()
    entry = "{rule: four-fifths, slice: {sex: f}, owner: A, reason: r, created: 2020-01-01, expires: 2020-02-01, holds_to: 0.5}"
    (workspace / "ours" / "fairness-waivers.yaml").write_text(f"schema: fairaudit/waivers/1\nwaivers:\n  - {entry}\n")
    done = hooked(workspace, WAIVERS_HOOK)
    assert done.returncode == 1 and done.stdout.startswith("ours/fairness-waivers.yaml: 1 waiver, 1 of them not in force on ") and "has expired on 2020-02-01" in done.stdout
    (workspace / "fairness-waivers.yml").write_text(f"schema: fairaudit/waivers/1\nwaivers:\n  - {entry.replace('0.5', 'much')}\n")
    done = hooked(workspace, WAIVERS_HOOK)
    assert done.returncode == 2 and "fairness-waivers.yml" in done.stderr and "holds_to" in done.stderr and len(done.stderr.splitlines()) == 1


# The page


def test_the_page_lists_the_actions_inputs_and_outputs_with_their_defaults() -> None:
    inputs, outputs = PAGE.split("### Inputs")[1].split("### Outputs")
    assert re.findall(r"^\| `([\w-]+)` \| `?([^|`]*)`? \|", inputs, re.MULTILINE) == [(name, about["default"] or "none") for name, about in ACTION["inputs"].items()]
    assert re.findall(r"^\| `([\w-]+)` \|", outputs, re.MULTILINE) == list(ACTION["outputs"])


def test_the_pages_yaml_is_yaml_and_names_what_there_is() -> None:
    blocks = [parsed(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    steps = [one for block in blocks if isinstance(block, list) for one in block if isinstance(one, dict)]
    ours = [one for one in steps if "/fairaudit@" in one.get("uses", "")]
    assert ours and all(one["with"].keys() <= ACTION["inputs"].keys() for one in ours)
    hooks = [hook["id"] for block in blocks if isinstance(block, dict) and "repos" in block for repository in block["repos"] for hook in repository["hooks"]]
    assert hooks == [HOOK["id"], WAIVERS_HOOK["id"]]
    included = [block for block in blocks if isinstance(block, dict) and "include" in block]
    assert included and all((ROOT / one["file"].lstrip("/")).is_file() for block in included for one in block["include"])
    assert all(block["fairaudit"]["variables"].keys() <= GITLAB["variables"].keys() for block in included if "fairaudit" in block)


def test_the_commands_of_the_page_and_of_gitlabs_job_have_flags_that_exist() -> None:
    text = PAGE + "\n".join(GITLAB["script"])
    commands = re.findall(r"fairaudit (audit|gate|waive|report) ([^'`\n]*--[^'`\n]*)", text)
    assert len(commands) >= 3 and flags_of("rules", "validate") and HOOK["entry"] == "fairaudit rules validate"
    for name, arguments in commands:
        assert set(re.findall(r"(?<!\S)--[a-z-]+", arguments)) <= flags_of(name) | {"--help"}, arguments
