"""What continuous integration runs is a program that a shell can read."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).resolve().parents[2] / ".ci" / "run"


@pytest.mark.skipif(os.name != "posix", reason="bash reads it")
def test_a_shell_reads_it() -> None:
    done = subprocess.run(["bash", "-n", str(RUN)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
