"""Fixtures shared by all tests: the shared folder, home folders that are nobody's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with weights and golden outputs; absent at a user's."""
    folder = Path(os.environ.get("YAMKIT_SHARED") or ROOT.parent / "shared")
    if not folder.is_dir():
        reason = f"no shared folder at {folder}; YAMKIT_SHARED names it"
        if os.environ.get("YAMKIT_REQUIRE_SHARED"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(autouse=True)
def _clean_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch):
    """No test reads or writes the user's models, cache or settings."""
    for name in list(os.environ):
        if name.startswith("YAMKIT_") and name not in ("YAMKIT_SHARED", "YAMKIT_REQUIRE_SHARED"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("YAMKIT_HOME", str(tmp_path_factory.mktemp("home")))
