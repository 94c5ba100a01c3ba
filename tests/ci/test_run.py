"""What continuous integration runs is a program that a shell can read, and leaves nothing out."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.test_docs import FOLLOWED

RUN = Path(__file__).resolve().parents[2] / ".ci" / "run"


@pytest.mark.skipif(os.name != "posix", reason="bash reads it")
def test_a_shell_reads_it() -> None:
    done = subprocess.run(["bash", "-n", str(RUN)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_step_runs_once() -> None:
    """Each function is a helper that another calls, or a step."""
    text = RUN.read_text()
    functions = set(re.findall(r"^(\w+)\(\) \{$", text, re.MULTILINE))
    steps = re.findall(r'^ *step (\w+) "', text, re.MULTILINE)
    helpers = {"step", "environment", "add"}
    assert sorted(steps) == sorted(functions - helpers)


def test_the_pages_that_the_suite_leaves_out_are_followed() -> None:
    text = RUN.read_text()
    assert "-m 'not followed'" in text
    readers = text[text.index("readers() {") : text.index("fuzz() {")]
    assert [page for page in FOLLOWED if page not in readers.split('"')[1].split()] == []
