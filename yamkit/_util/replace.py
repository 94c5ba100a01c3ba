"""Output files and folders that appear in their place complete, or not at all.

Until they are complete they are in a hidden folder next to their place. The writer holds a lock on
that folder, so a later process recognises and removes what a killed process left. On a shared file
system a lock may be valid on one machine only, so the folder's name includes the machine, and other
machines remove it only when it is old. A symbolic link in the place is refused: it may come from a
stranger's archive and lead anywhere.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import re
import secrets
import stat
import sys
import time
from typing import TYPE_CHECKING

from yamkit._util.machine import boot_mark
from yamkit._util.trees import latest_change, remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Part", "abandoned", "refuse_link", "replaced", "working_folder"]

_FOLDER = re.compile(r"\.yamkit-(?P<machine>[0-9a-f]{6})-[0-9a-f]{8}\.part")
_CONTENT = "output"
_OLD_SECONDS = 7 * 24 * 3600
"""A week: an older folder of another machine is a leftover."""


def refuse_link(place: Path) -> None:
    """Refuse a symbolic link in the place of an output, a dangling one included.

    Links among the parent folders are followed.

    Raises
    ------
    OSError
        If the place is a symbolic link.
    """
    if place.is_symlink():
        raise OSError(
            errno.ELOOP,
            "is a symbolic link; name its target, or remove the link",
            str(place),
        )


class Part:
    """An output that is being written next to its place.

    Parameters
    ----------
    place : Path
        Final path of the output.

    Attributes
    ----------
    path : Path
        Temporary path: a file or folder that the caller creates.

    Raises
    ------
    OSError
        If the place is a symbolic link, or cannot be written.
    """

    def __init__(self, place: Path) -> None:
        refuse_link(place)
        if place.exists() and not os.access(place, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(place))
        self._place = place
        _sweep(place.parent.absolute())
        self._folder, self._lock = _make_folder(place.parent)
        self.path = self._folder / _CONTENT

    def keep(self) -> None:
        """Move the output to its place, with the permissions of the file that it replaces.

        A folder in the place is never replaced.
        """
        if self._place.is_file() and self.path.is_file():
            self.path.chmod(stat.S_IMODE(self._place.stat().st_mode))
        self.path.replace(self._place)
        self.discard()

    def discard(self) -> None:
        """Remove the temporary folder; a file in the place stays."""
        remove_tree(self._folder)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


@contextlib.contextmanager
def replaced(place: Path) -> Iterator[Path]:
    """Yield a temporary path next to a place; at the end, move what is there to the place.

    After an exception nothing is left, and a file in the place stays: see `Part`.
    """
    part = Part(place)
    try:
        yield part.path
        part.keep()
    finally:
        part.discard()


def _make_folder(parent: Path) -> tuple[Path, int | None]:
    """Make a hidden folder and lock it, if the system supports locks."""
    while True:
        # a short name: that of the place may have the maximum length
        folder = parent / f".yamkit-{boot_mark()}-{secrets.token_hex(4)}.part"
        folder.mkdir(0o700)
        lock = None
        with contextlib.suppress(OSError):
            lock = _open_folder(folder)
            _lock(lock, wait=True)
        if folder.exists():
            return folder, lock
        if lock is not None:  # another process removed it as a leftover before it was locked
            os.close(lock)


@contextlib.contextmanager
def working_folder(parent: Path) -> Iterator[Path]:
    """Make a hidden folder and hold its lock, so that no other process takes it for abandoned.

    The caller removes the folder.
    """
    folder, lock = _make_folder(parent)
    try:
        yield folder
    finally:
        if lock is not None:
            os.close(lock)


def abandoned(parent: Path) -> Iterator[Path]:
    """Yield the hidden folders that killed processes left, each locked until the next one.

    Only folders of this user with a name of this module count, and those of other machines only
    when they are old.
    """
    with contextlib.suppress(OSError):
        for folder in parent.iterdir():
            if match := _FOLDER.fullmatch(folder.name):
                with contextlib.suppress(OSError), _locked(folder) as lock:
                    is_from_here = match["machine"] == boot_mark()
                    if os.fstat(lock).st_uid == os.geteuid() and (
                        is_from_here or time.time() - latest_change(folder) > _OLD_SECONDS
                    ):
                        yield folder


@functools.cache
def _sweep(parent: Path) -> None:
    """Remove abandoned folders with nothing in them but what `Part` puts there, once a process."""
    for folder in abandoned(parent):
        with contextlib.suppress(OSError):
            if {path.name for path in folder.iterdir()} <= {_CONTENT}:
                remove_tree(folder)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[int]:
    lock = _open_folder(folder)
    try:
        _lock(lock, wait=False)
        yield lock
    finally:
        os.close(lock)


def _open_folder(folder: Path) -> int:
    if sys.platform == "win32":
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def _lock(descriptor: int, *, wait: bool) -> None:
    """Lock a folder until its descriptor is closed or the process ends."""
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
