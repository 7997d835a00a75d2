"""Whole processes, ours and a peer's in turn: seconds, the most memory, and the ratio of medians."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
FAIRAUDIT = (sys.executable, "-m", "fairaudit")
Command = Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Runs of one command."""

    seconds: tuple[float, ...]
    mebibytes: float  # the most that any run held

    @property
    def typical(self) -> float:
        return median(self.seconds)


def measure(commands: Mapping[str, Command], *, runs: int) -> dict[str, Measured]:
    """Each command `runs` times, in turn, after one run of each that is not counted.

    Raises:
        SystemExit: one of them failed, so that its time means nothing.
    """
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            one = _run(command)
            if turn or runs == 0:
                found[name].append(one)
    return {
        name: Measured(seconds=tuple(one[0] for one in all_runs), mebibytes=max(one[1] for one in all_runs))
        for name, all_runs in found.items()
    }


_ATTEMPTS = 3


def _run(command: Command) -> tuple[float, float]:
    """Seconds and MiB of one run.

    A bare script of a peer that is aborted is run again, and it is said: pandas.read_parquet was, in 2 of 300 runs. Ours never is run again.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        seconds, memory, code, said = _once(command)
        if code != -signal.SIGABRT or command[1] != "-c" or attempt == _ATTEMPTS:
            break
        print(f"aborted, and run again: {' '.join(command)}", file=sys.stderr)
    if code != 0:
        raise SystemExit(f"{' '.join(command)} ended with {code}:\n{said}")
    return seconds, memory


def _once(command: Command) -> tuple[float, float, int, str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("TF_USE_LEGACY_KERAS", "TF_CPP_MIN_LOG_LEVEL", "PYTHONDONTWRITEBYTECODE")}
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(list(command), stdout=said, stderr=said, env=environment | {"PYTHONPATH": str(ROOT)})
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        return seconds, usage.ru_maxrss / 1024, process.returncode, said.read().decode(errors="replace")[-2000:]


def machine() -> str:
    """What the numbers were measured on."""
    model = next((line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), platform.processor())
    memory = next((int(line.split()[1]) // 2**20 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return f"{model}, {os.cpu_count()} cores, {memory} GiB; Python {platform.python_version()}; {', '.join(_versions())}"


def _versions() -> list[str]:
    found = []
    for package in ("tensorflow", "tensorflow-model-analysis", "aif360", "aequitas", "fairlearn", "duckdb", "pandas"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return found


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def table(title: str, found: Mapping[str, Measured], *, ours: str, against: str, aim: str) -> str:
    """A Markdown table of the runs, with ours as a multiple of the peer named by `against`."""
    lines = [f"### {title}", "", "| command | median s | least | most | peak MiB | ours ÷ this |", "| --- | --- | --- | --- | --- | --- |"]
    for name, one in found.items():
        ratio = "" if name == ours else f"{found[ours].typical / one.typical:.2f}"
        lines.append(f"| {name} | {one.typical:.2f} | {min(one.seconds):.2f} | {max(one.seconds):.2f} | {one.mebibytes:.0f} | {ratio} |")
    return "\n".join([*lines, "", f"Ours is {found[ours].typical / found[against].typical:.2f} × {against}; the aim is {aim}."])
