"""What a machine is and how many cores a process may use; no program is asked."""

from __future__ import annotations

import os
import platform
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from yamkit._util import machine as _machine


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A process on eight cores in a container with these files."""

    def make(**files: str) -> int:
        monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
        for name, constant in (
            ("max", "_CPU_MAX"),
            ("quota", "_QUOTA"),
            ("period", "_PERIOD"),
        ):
            path = tmp_path / name
            if name in files:
                path.write_text(files[name])
            monkeypatch.setattr(_machine, constant, path)
        return _machine.usable_cores()

    return make


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 8),
        ({"max": "max 100000\n"}, 8),
        ({"max": "200000 100000\n"}, 2),
        ({"max": "150000 100000\n"}, 2),
        ({"max": "50000 100000\n"}, 1),
        ({"max": "9900000 100000\n"}, 8),
        ({"max": "100000 0\n"}, 8),
        ({"max": "what is this\n"}, 8),
        ({"quota": "300000\n", "period": "100000\n"}, 3),
        ({"quota": "-1\n", "period": "100000\n"}, 8),
        ({"quota": "300000\n"}, 8),
    ],
    ids=str,
)
def test_the_share_of_a_container(machine, files: dict[str, str], cores: int) -> None:
    assert machine(**files) == cores


def test_without_affinity_all_cores_count(machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine()
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert _machine.usable_cores() == 5
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert _machine.usable_cores() == 1


@pytest.mark.parametrize("facts", ["", "model name\t: Some CPU @ 2 GHz\n", None])
def test_no_program_is_run_to_name_the_machine(
    facts: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "cpuinfo"
    if facts is not None:
        path.write_text(facts)
    monkeypatch.setattr(_machine, "_CPU_INFO", path)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a program was run"))
    platform._uname_cache = None  # or what another test asked would do
    name = _machine.processor_name()
    assert name == ("Some CPU @ 2 GHz" if facts else platform.machine())
    assert _machine.system_name().startswith(platform.system())


NO_PROGRAM = """
import sys

def refuse(event, arguments):
    if event in ("os.exec", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen"):
        print("ran", arguments[:2], file=sys.__stderr__)

sys.addaudithook(refuse)
from yamkit.cli import main
main()
"""


@pytest.mark.parametrize(
    "command",
    [
        ("classify", "{sound}"),
        ("classify", "{sound}", "--backend", "numpy", "--resampler", "resampy"),
        ("info", "{sound}"),
        ("models", "list"),
        ("plugins",),
        ("selftest",),
    ],
    ids=" ".join,
)
@pytest.mark.long(reason="starts processes")
def test_no_command_runs_what_is_on_the_path(command: tuple[str, ...]) -> None:
    """A folder of a stranger may be on it, with a uname of its own."""
    if "resampy" in command:
        pytest.importorskip("resampy")
    sound = str(Path(__file__).parents[3] / "docs" / "assets" / "four-events.wav")
    arguments = [part.format(sound=sound) for part in command]
    # TensorFlow itself runs uname when it is imported
    ours = {**os.environ, "YAMKIT_PLUGINS": "-yamkit:keras,-yamkit:logmel-tf"}
    done = subprocess.run(
        [sys.executable, "-c", NO_PROGRAM, *arguments], capture_output=True, env=ours
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"ran (" not in done.stderr, done.stderr.decode()


def test_a_machine_has_a_mark_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def marks(boot: str | None, host: str) -> str:
        (tmp_path / "boot_id").unlink(missing_ok=True)
        if boot is not None:
            (tmp_path / "boot_id").write_text(boot)
        monkeypatch.setattr(socket, "gethostname", lambda: host)
        _machine.boot_mark.cache_clear()
        return _machine.boot_mark()

    monkeypatch.setattr(_machine, "_BOOT_ID", tmp_path / "boot_id")
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a program was run"))
    try:
        made = [marks(boot, host) for boot in ("one\n", "two\n", None) for host in ("a", "b")]
    finally:
        _machine.boot_mark.cache_clear()
    assert made[0] == made[1] != made[2] == made[3]  # one kernel, one mark
    assert len(set(made)) == 4
    assert all(re.fullmatch("[0-9a-f]{6}", mark) for mark in made)


def test_the_peak_of_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert _machine.peak_memory_bytes() > 10**7
    (tmp_path / "empty").touch()
    for name in ("none", "empty"):
        monkeypatch.setattr(_machine, "_STATUS", tmp_path / name)
        assert _machine.peak_memory_bytes() > 10**7
    monkeypatch.setitem(sys.modules, "resource", None)
    assert _machine.peak_memory_bytes() is None
