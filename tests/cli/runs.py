"""What tests of commands that write folders have in common."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb

from fairaudit.cli import _run

ROOT = Path(__file__).parent.parent.parent
KILLED_ROWS = 20_000
_IN_THE_MIDDLE = """\
import time
from fairaudit.cli import main
from fairaudit.data import written
written._CELLS = 2**16
flush = written.RowGroups._flush
written.RowGroups._flush = lambda self, rows: (flush(self, rows), time.sleep(600))
main()
"""  # of a file of which the first rows are written, the program waits to be killed


def files_in(folder: str = "out") -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def killed_and_run_again(signum: int, *arguments: str, writes: str = "*.parquet") -> None:
    """Kill a command that reads big.csv and writes `out` in the middle of a file, see that nothing but what it wrote aside is there, and run it again to its end.

    Args:
        writes: the file that it is writing then; of another than Parquet the program does not wait, and so must have much to do after it.
    """
    duckdb.sql(f"COPY (SELECT i AS person, 'fm'[1 + i % 2] AS sex, i % 3 = 0 AS y, random() AS x, md5(i::VARCHAR) AS t FROM range({KILLED_ROWS}) r(i)) TO 'big.csv' (HEADER)")
    flags = [*arguments, "--data", "big.csv", "--label", "y", "--protected", "sex", "--out", "out"]
    how = ["-c", _IN_THE_MIDDLE] if writes.endswith(".parquet") else ["-m", "fairaudit"]
    process = subprocess.Popen(
        [sys.executable, *how, *flags], env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell that runs these tests in the background lets them ignore it
    )  # fmt: skip
    while process.poll() is None and not (Path("out").exists() and any(path.stat().st_size > 0 for path in Path("out").rglob(writes))):
        time.sleep(0.01)
    process.send_signal(signum)
    told = process.communicate()[1]
    assert process.returncode == (130 if signum == signal.SIGINT else -signal.SIGKILL) and "Traceback" not in told, (process.returncode, told)
    assert not Path("out").exists() or all(path.name.startswith(".fairaudit-") for path in Path("out").iterdir())
    assert _run(flags) == 0
