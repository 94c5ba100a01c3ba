"""CI runs on the Pythons that it says it runs on, or fails."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-ins are scripts of a shell")


@pytest.fixture
def find_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The program, where no Python is installed but those a test makes."""
    spec = importlib.util.spec_from_file_location("find_python", ROOT / ".ci" / "find_python.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "PATH"):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.setenv(name, str(folder))
    return module


def make(place: Path, answer: str, code: int = 0) -> str:
    """What answers like a Python."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"#!/bin/sh\necho '{answer}'\nexit {code}\n")
    place.chmod(0o755)
    return str(place)


def run(module, capsys, monkeypatch, *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", ["find_python.py", *arguments])
    module.main()
    return capsys.readouterr().out.strip()


def test_the_newest_of_a_range_is_found(find_python, tmp_path: Path, capsys, monkeypatch) -> None:
    old = make(tmp_path / "PATH" / "python3", "3 11 7 final 0")
    pyenv = tmp_path / "PYENV_ROOT" / "versions"
    make(pyenv / "3.9.1" / "bin" / "python3", "3 9 1 final 0")
    newer = make(pyenv / "3.12.10" / "bin" / "python3", "3 12 10 final 0")
    make(pyenv / "3.12.9" / "bin" / "python3", "3 12 9 final 0")
    newest = make(tmp_path / "UV_PYTHON_INSTALL_DIR" / "x" / "bin" / "python3", "3 14 0 final 0")
    make(tmp_path / "PATH" / "python3.15", "3 15 0 beta 1")
    make(tmp_path / "PATH" / "python3.16", "", code=127)
    assert run(find_python, capsys, monkeypatch, "3.11", "3.11") == old
    assert run(find_python, capsys, monkeypatch, "3.12") == newest
    assert run(find_python, capsys, monkeypatch, "3.10", "3.13") == newer


@pytest.mark.parametrize(
    ("arguments", "wanted"), [(["3.12"], "3.12 or newer"), (["3.9", "3.9"], "3.9")]
)
def test_none_is_a_failure(find_python, tmp_path: Path, monkeypatch, arguments, wanted) -> None:
    make(tmp_path / "PATH" / "python3", "3 11 7 final 0")
    monkeypatch.setattr(sys, "argv", ["find_python.py", *arguments])
    with pytest.raises(SystemExit, match=f"no Python {wanted} here; install one"):
        find_python.main()
