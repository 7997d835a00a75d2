"""What README and the help say is so."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from fairaudit.cli import _COMMANDS, cli

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
HEAVY = "'tensorflow', 'tensorflow_model_analysis', 'aif360', 'pandas', 'scipy.stats', 'sklearn'"


def _said(*arguments: str) -> str:
    done = CliRunner().invoke(cli, list(arguments))
    assert done.exit_code == 0, done.output
    return done.output


def _examples(text: str) -> list[list[str]]:
    """The commands in a text that call fairaudit, their continued lines joined."""
    joined = text.replace("\\\n", " ")
    lines = [line.split(" #")[0].split(" | ")[0].strip() for line in joined.splitlines()]
    return [shlex.split(line)[1:] for line in lines if re.match(r"(\.venv/bin/)?fairaudit \w+ ", line)]


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_command_has_help_with_an_example_whose_flags_exist(command: str) -> None:
    help = _said(command, "--help")
    flags = set(re.findall(r"(--[a-z-]+)", help))
    made = cli.get_command(None, command)  # type: ignore[arg-type]
    assert made is not None and made.help is not None
    examples = [one for one in _examples(made.help.replace("\b", "")) if one[0] == command]
    assert examples or command == "completion"
    assert {word for one in examples for word in one if word.startswith("--")} <= flags
    assert _COMMANDS[command].rstrip(".") in " ".join(help.split())


def test_the_readmes_commands_have_flags_that_exist() -> None:
    examples = _examples(README)
    assert {one[0] for one in examples} >= {"audit", "gate", "report"}
    for one in examples:
        named = one[:2] if one[0] in ("rules", "mitigate") else one[:1]  # a command of its own below it
        assert {word for word in one if word.startswith("--")} <= set(re.findall(r"(--[a-z-]+)", _said(*named, "--help")))


def test_the_readmes_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in ("README.md", "CONTRIBUTING.md", "docs/design.md"):
        assert set(re.findall(r"`make ([a-z-]+)`", (ROOT / page).read_text())) <= targets


def test_the_tours_chain_of_imports_is_the_one_that_is_checked() -> None:
    checked = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    told = re.search(r"Imports point one way only: `(.*?)`", (ROOT / "CONTRIBUTING.md").read_text())
    assert told is not None and [layer.split(", ") for layer in told[1].split(" ← ")] == [layer.split(" : ") for layer in reversed(checked)]


def test_the_readme_tells_how_every_extra_is_installed() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(re.findall(r"pip install '\.\[(\w+)\]'", README)) == extras.keys() - {"all"}


def test_links_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_exit_codes_of_readme_and_help_are_the_programs() -> None:
    from fairaudit import errors

    by_signal = {128 + signal.SIGTERM, 128 + signal.SIGHUP}
    codes = by_signal | {errors.PASSED, errors.VIOLATED, errors.MISCONFIGURED, errors.NOT_ENOUGH_EVIDENCE, errors.CONTENT_FAILED, errors.INTERRUPTED}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)} == codes
    assert {int(code) for code in re.findall(r"\b(\d+) [a-z]", _said("--help").split("Exit codes:")[1].split("Options:")[0])} == codes


def _imported(code: str) -> str:
    told = subprocess.run([sys.executable, "-c", f"{code}; import sys; print([m for m in ({HEAVY}) if m in sys.modules])"], capture_output=True, text=True, check=True, cwd=ROOT)
    return told.stdout.strip().splitlines()[-1]


def test_help_imports_nothing_heavy_and_no_engine() -> None:
    assert _imported("from fairaudit.cli import _run; _run(['--help']); import sys; assert 'numpy' not in sys.modules and 'duckdb' not in sys.modules") == "[]"
    assert _imported("from fairaudit.cli import _run; _run(['audit', '--help']); import sys; assert 'numpy' not in sys.modules") == "[]"
    assert _imported("from fairaudit.cli import _run; _run(['mitigate', 'search', '--help']); import sys; assert 'numpy' not in sys.modules") == "[]"


def test_a_score_column_with_the_native_engine_imports_no_heavy_library(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sex,y,s\n" + "f,1,0.9\nm,0,0.2\n" * 40)
    flags = f"'--data', '{tmp_path}/a.csv', '--label', 'y', '--score-column', 's', '--protected', 'sex', '--engine', 'native', '--rule', 'four-fifths', '--out', '{tmp_path}/out'"
    assert _imported(f"from fairaudit.cli import _run; assert _run(['audit', {flags}]) == 0") == "[]"
    assert _imported(f"from fairaudit.cli import _run; _run(['gate', '{tmp_path}/out/audit.json'])") == "[]"
    assert _imported(f"from fairaudit.cli import _run; _run(['report', '{tmp_path}/out/audit.json'])") == "[]"


def test_version_names_the_engines() -> None:
    assert re.match(r"fairaudit \d+\.\d+\.\d+\n  engine native: .*\n  engine tfma: .*\n  engine aif360: .*\n", _said("--version"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(shell: str) -> None:
    assert "_FAIRAUDIT_COMPLETE" in _said("completion", shell)
