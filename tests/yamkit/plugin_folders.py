"""Distributions on the path, as pip leaves them, without pip."""

from __future__ import annotations

from pathlib import Path

__all__ = ["install"]


def install(site: Path, distribution: str, points: dict[str, str], version: str = "1.0") -> None:
    """Write a dist-info folder with entry points into a folder that is, or comes, on the path."""
    folder = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
    )
    lines = [f"{name} = {module}" for name, module in points.items()]
    (folder / "entry_points.txt").write_text("\n".join(["[yamkit]", *lines]) + "\n")
