"""Names of files: how they are shown, and which ones a folder offers."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from yamkit._text import printable
from yamkit.audio._uris import find_in_uri, is_uri, uri_stamp
from yamkit.errors import AudioFileError
from yamkit.suffixes import AUDIO_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Found", "NotFound", "display_path", "file_stamp", "find_audio"]


@dataclass(frozen=True)
class Found:
    """An input to open: a path as it was given or found, ``-`` for standard input."""

    path: str


@dataclass(frozen=True)
class NotFound:
    """An input that cannot be searched or holds nothing, and why."""

    path: str
    error: AudioFileError


def display_path(path: str | os.PathLike[str]) -> str:
    r"""Give a path as valid Unicode on one line.

    Bytes that are no text become ``\xNN``; control characters become escapes, so that no name can
    break a line or drive a terminal.
    """
    return printable(os.fsdecode(path))


def file_stamp(path: str) -> tuple[int, int] | None:
    """Give the size of a file in bytes and its time of modification in nanoseconds.

    None where there is no telling, such as for standard input and pipes.
    """
    if is_uri(path):
        return uri_stamp(path)
    try:
        status = os.stat(path)  # noqa: PTH116
    except (OSError, ValueError):
        return None
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


def find_audio(paths: Iterable[str], recursive: bool) -> Iterator[Found | NotFound]:
    """Replace folders by the sound files in them.

    Parameters
    ----------
    paths : iterable of str
        Files, folders, URIs and ``-``.
    recursive : bool
        Whether folders may be searched. Hidden files and folders are left out, links to folders
        below the one that was named are not followed, and a file counts by its suffix.

    Yields
    ------
    Found or NotFound
        In the order of `paths`, the files of a folder sorted by name. Files are yielded as they
        were given, whatever they are; `NotFound` stands for a folder that was not to be searched,
        that cannot be read, or that holds no sound file.
    """
    for path in paths:
        if is_uri(path):
            yield from _find_elsewhere(path, recursive)
            continue
        # Path.is_dir raises for names that are too long, and others.
        if path == "-" or not os.path.isdir(path):  # noqa: PTH112
            yield Found(path)
        elif not recursive:
            yield NotFound(
                path,
                AudioFileError(
                    f"{display_path(path)} is a directory; add --recursive to take the files in it"
                ),
            )
        else:
            yield from _or_nothing(path, _walk(path))


def _find_elsewhere(uri: str, recursive: bool) -> Iterator[Found | NotFound]:
    try:
        found = find_in_uri(uri) if recursive else None
    except AudioFileError as error:
        yield NotFound(uri, error)
        return
    yield from [Found(uri)] if found is None else _or_nothing(uri, map(Found, found))


def _or_nothing(
    folder: str, found: Iterator[Found] | Iterator[Found | NotFound]
) -> Iterator[Found | NotFound]:
    empty = True
    for each in found:
        empty = False
        yield each
    if empty:
        message = f"{display_path(folder)}: no sound file in this directory"
        yield NotFound(folder, AudioFileError(message))


def _walk(folder: str) -> Iterator[Found | NotFound]:
    pending = [(folder, True)]  # a stack, since folders may nest deeper than calls
    while pending:
        path, is_folder = pending.pop()
        if not is_folder:
            yield Found(path)
            continue
        try:
            with os.scandir(path) as listing:
                entries = sorted(listing, key=lambda entry: entry.name, reverse=True)
        except OSError as error:
            message = f"{display_path(path)}: directory cannot be read: {error.strerror}"
            yield NotFound(path, AudioFileError(message))
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                pending.append((entry.path, True))
            elif _is_audio(entry):
                pending.append((entry.path, False))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _is_audio(entry: os.DirEntry[str]) -> bool:
    if Path(entry.name).suffix.lower() not in AUDIO_SUFFIXES:
        return False
    try:
        # A pipe would wait for a writer; a link that leads nowhere is worth a message of its own.
        return entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path))  # noqa: PTH110
    except OSError:  # a link in a circle, or into a folder that is closed: opening it says so
        return True
