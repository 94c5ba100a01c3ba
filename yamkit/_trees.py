"""Folders made and removed at any depth: Python's own functions call themselves at each level."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["make_folders", "remove_tree"]


def make_folders(folder: Path) -> None:
    """Make a folder and those above it, where they are missing.

    Raises
    ------
    OSError
        If one cannot be made.
    """
    missing = []
    while True:
        try:
            folder.mkdir(exist_ok=True)
            break
        except FileNotFoundError:
            if folder == folder.parent:
                raise
            missing.append(folder)
            folder = folder.parent
    for each in reversed(missing):
        each.mkdir(exist_ok=True)


def remove_tree(folder: Path) -> None:
    """Remove a folder and all in it, as far as that is allowed; links are not followed."""
    found, pending = [], [os.fspath(folder)]
    while pending:
        found.append(path := pending.pop())
        with contextlib.suppress(OSError), os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                else:
                    with contextlib.suppress(OSError):
                        os.unlink(entry.path)  # noqa: PTH108
    for path in reversed(found):
        with contextlib.suppress(OSError):
            os.rmdir(path)  # noqa: PTH106
