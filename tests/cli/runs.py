"""What tests of commands that write folders have in common."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb

ROOT = Path(__file__).parent.parent.parent
KILLED_ROWS = 1_500_000  # enough that a command is in the middle of them when it is killed


def files_in(folder: str = "out") -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def killed_and_run_again(signum: int, *arguments: str, rows: int = KILLED_ROWS, writes: str = "*.parquet") -> None:
    """Kill a command that reads big.csv and writes `out` as soon as it writes, see that nothing but what it wrote aside is there, and run it to its end.

    Args:
        writes: a file by which it is known to be in the middle.
    """
    duckdb.sql(f"COPY (SELECT i AS person, 'fm'[1 + i % 2] AS sex, i % 3 = 0 AS y, random() AS x, md5(i::VARCHAR) AS t FROM range({rows}) r(i)) TO 'big.csv' (HEADER)")
    command = [sys.executable, "-m", "fairaudit", *arguments, "--data", "big.csv", "--label", "y", "--protected", "sex", "--out", "out"]
    process = subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell that runs these tests in the background lets them ignore it
    )  # fmt: skip
    while process.poll() is None and not (Path("out").exists() and any(path.stat().st_size > 0 for path in Path("out").rglob(writes))):
        time.sleep(0.01)
    process.send_signal(signum)
    told = process.communicate()[1]
    assert process.returncode == (130 if signum == signal.SIGINT else -signal.SIGKILL) and "Traceback" not in told, (process.returncode, told)
    assert not Path("out").exists() or all(path.name.startswith(".fairaudit-") for path in Path("out").iterdir())
    subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True, stdout=subprocess.DEVNULL)
