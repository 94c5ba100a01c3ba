"""Which files in a folder and below are sound: one rule for commands and labelled sets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from yamkit.suffixes import AUDIO_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["has_audio_suffix", "is_hidden", "sound_files"]

_APPLE_DOUBLE = "._"
"""How macOS names what it keeps of a file on a disk that has no place for it."""


def has_audio_suffix(name: str) -> bool:
    """Tell a sound file by its name, in small or capital letters."""
    return os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES  # noqa: PTH122


def is_hidden(name: str, metadata: Callable[[str], object] | None = None) -> bool:
    """Tell whether a file or folder is hidden: its name begins with a dot.

    Parameters
    ----------
    name : str
        Without its folder.
    metadata : callable, optional
        Receives the name where it is that of metadata of a sound file, ``._*``.
    """
    if metadata is not None and name.startswith(_APPLE_DOUBLE) and has_audio_suffix(name):
        metadata(name)
    return name.startswith(".")


def sound_files(
    folder: str, metadata: Callable[[str], object] | None = None
) -> Iterator[str | OSError]:
    """Give the sound files in a folder and below, sorted by name, folder by folder.

    Hidden files and folders are left out, and pipes and the like. Links to folders are followed,
    and each folder is searched once, however many links lead to it: a link to a folder that is
    found without it gives nothing.

    Parameters
    ----------
    folder : str
    metadata : callable, optional
        Receives the name of each ``._*`` file that was left out: metadata that macOS writes
        beside sound files on other systems' disks.

    Yields
    ------
    str or OSError
        A path that begins with `folder`, that of a link that leads nowhere included; or why a
        folder, the error's `filename`, cannot be read.
    """
    root = os.path.realpath(folder)
    seen = set()
    pending = [(folder, True)]  # a stack, since folders may nest deeper than calls
    while pending:
        path, is_folder = pending.pop()
        if not is_folder:
            yield path
            continue
        try:
            identity = _identity(path)
            if identity in seen:
                continue
            seen.add(identity)
            with os.scandir(path) as listing:
                entries = sorted(listing, key=lambda entry: entry.name, reverse=True)
        except OSError as error:
            yield error
            continue
        for entry in entries:
            if is_hidden(entry.name, metadata):
                continue
            if _is_folder(entry):
                if not (entry.is_symlink() and _is_found_anyway(entry.path, root)):
                    pending.append((entry.path, True))
            elif _is_sound(entry):
                pending.append((entry.path, False))


def _identity(folder: str) -> tuple[int, int] | str:
    """Tell a folder from others, by whatever name it was reached."""
    status = os.stat(folder)  # noqa: PTH116
    # some file systems on Windows number no files
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(folder)


def _is_found_anyway(link: str, root: str) -> bool:
    """Tell whether a link leads to a folder that is reached from the root without links."""
    target = Path(os.path.realpath(link))
    if not target.is_relative_to(root):
        return False
    return not any(part.startswith(".") for part in target.relative_to(root).parts)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_sound(entry: os.DirEntry[str]) -> bool:
    if not has_audio_suffix(entry.name):
        return False
    try:
        # A pipe would wait for a writer; a link that leads nowhere is worth a message of its own.
        return entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path))  # noqa: PTH110
    except OSError:  # a link in a circle, or into a folder that is closed: opening it says so
        return True
