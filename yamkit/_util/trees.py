"""Folder trees of any depth: create, date, remove. Python's own functions recurse at each level."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["latest_change", "make_folders", "remove_tree"]


def make_folders(folder: Path) -> None:
    """Create a folder and its missing parents.

    Raises
    ------
    OSError
        If one cannot be created.
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


def latest_change(folder: Path) -> float:
    """Return when a folder or anything in it was last changed; links are not followed.

    Returns
    -------
    float
        Seconds since 1970, by the clock of the file system.

    Raises
    ------
    OSError
        If something in it cannot be examined.
    """
    latest, pending = folder.lstat().st_mtime, [os.fspath(folder)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                latest = max(latest, entry.stat(follow_symlinks=False).st_mtime)
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
    return latest


def remove_tree(folder: Path) -> None:
    """Remove a folder and its content, as far as permitted; links are not followed."""
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
