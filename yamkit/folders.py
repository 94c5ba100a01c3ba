"""Sound files in a folder and its subfolders: one rule for commands and labelled sets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["AUDIO_SUFFIXES", "has_audio_suffix", "is_hidden", "sound_files"]

_SUFFIXES = """
.3g2 .3gp .3gp2 .3gpp .8svx .aac .ac3 .adts .aif .aifc .aiff .aiffc .amr .ape .asf .au .avi .avr
.awb .bwf .caf .dts .dtshd .eac3 .ec3 .f4a .f4b .f4p .f4v .flac .flv .g722 .htk .iff .ircam .m2a
.m2t .m2ts .m4a .m4b .m4p .m4r .m4v .mk3d .mka .mkv .mov .mp1 .mp2 .mp3 .mp4 .mpa .mpeg .mpg .mpga
.mts .nist .oga .ogg .ogm .ogv .ogx .opus .paf .pvf .qt .rf64 .sds .sf .snd .sph .spx .svx .tak
.ts .tta .voc .vob .w64 .wav .wave .weba .webm .wma .wmv .wv .wve .xi
"""

AUDIO_SUFFIXES = frozenset(_SUFFIXES.split())
"""Suffixes of sound files and of videos with sound, in lower case; other files are ignored."""

_APPLE_DOUBLE = "._"
"""Prefix of metadata files that macOS writes on disks of other systems."""


def has_audio_suffix(name: str) -> bool:
    """Return whether a file name has the suffix of a sound file, in any case."""
    return os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES  # noqa: PTH122


def is_hidden(name: str, metadata: Callable[[str], object] | None = None) -> bool:
    """Return whether a file or folder is hidden: its name begins with a dot.

    Parameters
    ----------
    name : str
        Without its folder.
    metadata : callable, optional
        Receives the name if it is that of a sound file's metadata, ``._*``.
    """
    if metadata is not None and name.startswith(_APPLE_DOUBLE) and has_audio_suffix(name):
        metadata(name)
    return name.startswith(".")


def sound_files(
    folder: str, metadata: Callable[[str], object] | None = None
) -> Iterator[str | OSError]:
    """Yield the sound files in a folder and its subfolders, sorted by name within each folder.

    Hidden files and folders, and pipes and devices, are ignored. Links to folders are followed, and
    each folder is searched once: a link to a folder that is found without it is ignored.

    Parameters
    ----------
    folder : str
    metadata : callable, optional
        Receives the name of each ignored ``._*`` file: metadata that macOS writes next to sound
        files on disks of other systems.

    Yields
    ------
    str or OSError
        A path that begins with `folder`, dangling links included; or the error of a folder that
        cannot be read, with its `filename`.
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
    """Return what identifies a folder, whatever path leads to it."""
    status = os.stat(folder)  # noqa: PTH116
    # some file systems on Windows have no inode numbers
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(folder)


def _is_found_anyway(link: str, root: str) -> bool:
    """Return whether a link leads to a folder that the search reaches without links."""
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
        # A pipe would wait for a writer; a dangling link deserves a message.
        return entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path))  # noqa: PTH110
    except OSError:  # a circular or unreadable link: opening it reports the error
        return True
