"""Distributions with one entry point, on the path, as pip leaves them."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request) -> Callable[..., str]:
    """Put a distribution with one entry point on the path; give its module's name."""
    monkeypatch.syspath_prepend(tmp_path)
    serial = 0

    def make(source: str, *, distribution: str = "other-kit", entry_point: str = "other") -> str:
        nonlocal serial
        serial += 1
        module = f"plugin_{abs(hash(request.node.nodeid))}_{serial}"
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(source))
        folder = tmp_path / f"{distribution.replace('-', '_')}-2.5.dist-info"
        folder.mkdir(exist_ok=True)
        (folder / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 2.5\n"
        )
        points = folder / "entry_points.txt"
        before = points.read_text() if points.exists() else "[yamkit]\n"
        points.write_text(before + f"{entry_point} = {module}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)
        return module

    return make
