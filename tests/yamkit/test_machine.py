"""How many cores a process may use, as Linux says it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from yamkit import _machine


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
