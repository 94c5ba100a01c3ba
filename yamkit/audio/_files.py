"""File names: how they are shown, and which inputs they are."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yamkit._util.text import path_to_text, printable
from yamkit.audio._uris import find_in_uri, is_uri, uri_stamp
from yamkit.errors import AudioFileError
from yamkit.folders import sound_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Found", "NotFound", "display_path", "file_stamp", "find_audio"]


@dataclass(frozen=True)
class Found:
    """An input: a path as given or found; ``-`` for standard input."""

    path: str


@dataclass(frozen=True)
class NotFound:
    """An input that cannot be searched or contains no sound file, and why."""

    path: str
    error: AudioFileError


def display_path(path: str | os.PathLike[str]) -> str:
    r"""Return a path as valid Unicode on one line.

    Bytes that are not UTF-8 become ``\xNN`` and control characters become escapes, so no name can
    break a line or control a terminal.
    """
    return printable(path_to_text(path))


def file_stamp(path: str) -> tuple[int, int] | None:
    """Return the size of a file in bytes and its time of modification in nanoseconds.

    None if there is neither, as for standard input and pipes.
    """
    if is_uri(path):
        return uri_stamp(path)
    try:
        status = os.stat(path)  # noqa: PTH116
    except (OSError, ValueError):
        return None
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


def find_audio(
    paths: Iterable[str], recursive: bool, metadata: Callable[[str], object] | None = None
) -> Iterator[Found | NotFound]:
    """Yield inputs, with folders replaced by the sound files in them.

    Parameters
    ----------
    paths : iterable of str
        Files, folders, URIs and ``-``.
    recursive : bool
        Whether folders are searched. Hidden files and folders are ignored, each subfolder is
        searched once, however many links lead to it, and the suffix decides about a file.
    metadata : callable, optional
        Receives the name of each ignored ``._*`` file: metadata that macOS writes next to sound
        files on disks of other systems.

    Yields
    ------
    Found or NotFound
        In the order of `paths`, the files of a folder sorted by name. Files are yielded as given,
        unchecked; `NotFound` is a folder that must not be searched, cannot be read, or contains
        no sound file.
    """
    for path in paths:
        if is_uri(path):
            yield from _find_elsewhere(path, recursive, metadata)
            continue
        # Path.is_dir raises for some names, such as too long ones
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
            yield from _or_nothing(path, _find_in(path, metadata))


def _find_in(folder: str, metadata: Callable[[str], object] | None) -> Iterator[Found | NotFound]:
    for each in sound_files(folder, metadata):
        if isinstance(each, str):
            yield Found(each)
        else:
            message = f"{display_path(each.filename)}: directory cannot be read: {each.strerror}"
            yield NotFound(each.filename, AudioFileError(message))


def _find_elsewhere(
    uri: str, recursive: bool, metadata: Callable[[str], object] | None
) -> Iterator[Found | NotFound]:
    try:
        found = find_in_uri(uri, metadata) if recursive else None
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
