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


@pytest.mark.skipif(os.name != "posix", reason="bash runs it")
@pytest.mark.parametrize(
    ("function", "is_passed"),
    [
        ("true", True),
        ("echo before; true", True),
        ("false; echo after", False),
        ("false | tail -n 1; echo after", False),
        ("(cd /nowhere; true); echo after", False),
    ],
)
def test_a_step_fails_where_a_command_of_it_fails(
    function: str, is_passed: bool, tmp_path: Path
) -> None:
    (step,) = re.findall(r"^TIMEFORMAT=.*?^}$", RUN.read_text(), re.MULTILINE | re.DOTALL)
    script = f"set -euo pipefail; work=.\n{step}\ntried() {{ {function}; }}\n"
    lane = '(step tried "what is tried"; echo next) & wait "$!" || exit 1\n'
    done = subprocess.run(
        ["bash", "-c", script + lane], cwd=tmp_path, capture_output=True, text=True
    )
    assert re.search(r"^=== what is tried: \d+ s, of the processor ", done.stdout, re.MULTILINE)
    assert done.returncode == (0 if is_passed else 1)
    assert ("next" in done.stdout) is is_passed
    assert "after" not in done.stdout


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
