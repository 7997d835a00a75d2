"""`make bench`: ours against peers, as ratios measured in one run.

python -m benchmarks [--smoke] [--demo-in FOLDER] [QUESTION ...]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.processes import FAIRAUDIT, ROOT, Command, machine, measure, table

PEERS = Path(__file__).parent / "peers"


def _peer(name: str, *arguments: str) -> Command:
    return (sys.executable, str(PEERS / f"{name}.py"), *arguments)


def whole_audit(folder: Path, smoke: bool) -> str:
    """The demo audited by all engines, beside a script that only scores, and that script with TFMA's pipeline."""
    out = str(folder / "audit")
    commands = {
        "fairaudit audit, three engines": (*FAIRAUDIT, "audit", "--config", str(ROOT / "examples" / "adult" / "fairaudit.yaml"), "--out", out),
        "a script that scores": _peer("score"),
    }
    ours, found = next(iter(commands)), measure(commands, runs=0 if smoke else 5)
    told = table("The whole audit of the demo", found, ours=ours, against="a script that scores", aim="at most 1.3")
    pipelines = {"the script and analyze_raw_data": _peer("pipeline", *(["50"] if smoke else []))}
    pipeline = table(
        "…against TFMA's own pipeline",
        {ours: found[ours]} | measure(pipelines, runs=0) if smoke else measure({ours: commands[ours]} | pipelines, runs=3),
        ours=ours,
        against="the script and analyze_raw_data",
        aim="at most 0.25",
    )
    return f"{told}\n\n{pipeline}"


def columns(folder: Path, smoke: bool) -> str:
    """Rows with scores, two attributes and their cross, by the native engine."""
    data = _rows(folder / "rows.parquet", 20_000 if smoke else 1_000_000)
    commands = {
        "fairaudit audit, native": _of_columns(data, folder),
        "pandas.read_parquet": (sys.executable, "-c", f"import pandas; pandas.read_parquet({str(data)!r})"),
    }
    found = measure(commands, runs=0 if smoke else 5)
    commands = {"aequitas crosstabs": _peer("crosstabs", str(data)), "fairlearn MetricFrame": _peer("metric_frame", str(data))}
    found |= measure(commands, runs=0)
    title = f"{20_000 if smoke else 1_000_000:,} rows of Parquet, two attributes and their cross, report included"
    return table(title, found, ours="fairaudit audit, native", against="pandas.read_parquet", aim="at most 3")


def memory(folder: Path, smoke: bool) -> str:
    """Peak memory when the rows are ten times as many."""
    rows = 20_000 if smoke else 1_000_000
    commands = {f"{n:,} rows": _of_columns(_rows(folder / f"{n}.parquet", n), folder) for n in (rows, 10 * rows)}
    found = measure(commands, runs=0 if smoke else 1)
    few, many = found.values()
    ratio = f"Ten times the rows take {many.mebibytes / few.mebibytes:.2f} × the memory; the aim is at most 1.3."
    return f"{table('Memory', found, ours=f'{10 * rows:,} rows', against=f'{rows:,} rows', aim='none for time')}\n\n{ratio}"


def start(folder: Path, smoke: bool) -> str:
    """How long the program takes to say anything."""
    commands = {"fairaudit --help": (*FAIRAUDIT, "--help"), "python -c pass": (sys.executable, "-c", "pass")}
    return table("Start", measure(commands, runs=1 if smoke else 20), ours="fairaudit --help", against="python -c pass", aim="at most 5")


def gate(folder: Path, smoke: bool) -> str:
    """A finished audit judged again."""
    data = _rows(folder / "few.parquet", 20_000)
    measure({"audit": _of_columns(data, folder)}, runs=0)
    commands = {"fairaudit gate": (*FAIRAUDIT, "gate", str(folder / "out" / "audit.json")), "python -c pass": (sys.executable, "-c", "pass")}
    return table(
        "The gate", measure(commands, runs=1 if smoke else 10), ours="fairaudit gate", against="python -c pass", aim="under a second, whatever this is"
    )


def writes(folder: Path, smoke: bool) -> str:
    """A finished audit of ten thousand findings judged again, and all that the gate writes."""
    data, out = _rows(folder / "groups.parquet", 20_000 if smoke else 500_000, "groups"), str(folder / "out")
    sliced = [flag for place in range(1 if smoke else 4) for flag in ("--protected", f"group{place}")]
    flags = ("--label", "label", "--score-column", "score", *sliced, "--metric", "selection_rate", "--engine", "native", "--rule", "four-fifths", "--rule", "equal-opportunity", "--out", out)
    measure({"audit": (*FAIRAUDIT, "audit", "--data", str(data), *flags)}, runs=0)
    # Its verdict may be any: rows are few and slices many.
    gate = (*FAIRAUDIT, "gate", out, "--quiet")
    names = ("json=gate.json", "junit=junit.xml", "sarif=fairness.sarif", "markdown=summary.md", "badge=badge.svg", "blessing=pushed")
    written = [word for name in names for word in ("--write", name.replace("=", f"={folder}/w/"))]
    commands = {"fairaudit gate, six formats": _any_verdict(*gate, *written), "fairaudit gate": _any_verdict(*gate), "fairaudit --help": (*FAIRAUDIT, "--help")}
    title = "What the gate writes of some 10,000 findings"
    return table(title, measure(commands, runs=1 if smoke else 5), ours="fairaudit gate, six formats", against="fairaudit gate", aim="at most 2 s on top of the start, reading and judging included, whatever this is")


def _any_verdict(*command: str) -> Command:
    """The command, ended well also where the verdict is not pass: what is measured is its time."""
    return (sys.executable, "-c", "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode not in (0, 1, 3))", *command)


def thresholds(folder: Path, smoke: bool) -> str:
    """What intervals cost, of all slices at 19 thresholds."""
    data = _rows(folder / "rows.parquet", 20_000 if smoke else 1_000_000, "ages")
    command = [sys.executable, "-m", "benchmarks.sweep", str(data), "1" if smoke else "7"]
    return subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True).stdout.strip()


def methods(folder: Path, smoke: bool) -> str:
    """Fitting each mitigation, beside counting the rows and beside AIF360."""
    data = _rows(folder / "rows.parquet", 2_000 if smoke else 1_000_000)
    command = [sys.executable, "-m", "benchmarks.methods", str(data), *(["1", "--tiny"] if smoke else ["5"])]
    return subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout.strip()


def export(folder: Path, smoke: bool) -> str:
    """How long an exported model takes beside the demo's, which it holds."""
    made = []
    for method in ("thresholds", "equalized-odds", "calibrated-equalized-odds"):
        asked = ("--rule", "equal-opportunity") if method == "thresholds" else ("--cost", "fnr") if method.startswith("calibrated") else ()
        flags = ("--model", "demo/model", "--data", "demo/adult_test.csv", "--label", "income", "--positive", ">50K", "--protected", "sex")
        measure({method: (*FAIRAUDIT, "mitigate", method, *flags, *asked, "--out", str(folder / method))}, runs=0)
        made.append(f"{method}={folder / method / 'saved_model'}")
    command = [sys.executable, "-m", "benchmarks.latency", "demo/adult_test.csv", "5" if smoke else "300", "original=demo/model", *made]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}).stdout.strip()


def _rows(path: Path, rows: int, *more: str) -> Path:
    # By a process of its own: what this one holds, each process that it starts is charged with.
    subprocess.run([sys.executable, "-m", "benchmarks.data", str(path), str(rows), *more], check=True, cwd=ROOT)
    return path


def _of_columns(data: Path, folder: Path) -> Command:
    flags = ("--label", "label", "--score-column", "score", "--protected", "sex", "--protected", "race", "--slice", "sex*race")
    return (*FAIRAUDIT, "audit", "--data", str(data), *flags, "--engine", "native", "--rule", "four-fifths", "--out", str(folder / "out"))


QUESTIONS: dict[str, Callable[[Path, bool], str]] = {
    "start": start,
    "gate": gate,
    "writes": writes,
    "columns": columns,
    "memory": memory,
    "thresholds": thresholds,
    "methods": methods,
    "export": export,
    "whole-audit": whole_audit,
}


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="tiny inputs and single runs, to see that it works")
    parser.add_argument("--demo-in", type=Path, default=ROOT, metavar="FOLDER", help="the folder in which demo/ lies [default: the checkout]")
    parser.add_argument("questions", nargs="*", metavar="QUESTION", help=f"{', '.join(QUESTIONS)} [default: all]")
    chosen = parser.parse_args(arguments)
    unknown = [one for one in chosen.questions if one not in QUESTIONS]
    if unknown:
        parser.error(f"there is no question {unknown[0]!r}; there are {', '.join(QUESTIONS)}")
    os.chdir(chosen.demo_in)
    print(f"Measured on {machine()}.\n", flush=True)
    for name in chosen.questions or QUESTIONS:
        with tempfile.TemporaryDirectory() as folder:
            print(f"{QUESTIONS[name](Path(folder), chosen.smoke)}\n", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
