"""A program that is asked to end cleans up first, and one that was told to ignore the question goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
_PROGRAM = """
import os, signal, sys
from fairaudit.ending import end_by_callers
if sys.argv[2] == "ignored":
    signal.signal(int(sys.argv[1]), signal.SIG_IGN)
asked_to_end = end_by_callers()
try:
    os.kill(os.getpid(), int(sys.argv[1]))
    print("goes on")
finally:
    os.kill(os.getpid(), int(sys.argv[1]))
    print("cleaned up", asked_to_end() is not None)
"""


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("is_ignored", [False, True])
def test_what_cleans_up_is_not_cut_short_and_who_ignores_a_signal_goes_on(signum: int, code: int, is_ignored: bool) -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM, str(int(signum)), "ignored" if is_ignored else "heard"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == ((0, "goes on\ncleaned up False\n", "") if is_ignored else (code, "cleaned up True\n", ""))
