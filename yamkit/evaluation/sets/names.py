"""Matching the names of a list to files: exactly, then as other systems write names.

Each folder is listed once, as a list may have 20,000 clips with 18 names each.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING

from yamkit._util.text import path_to_text, text_to_path
from yamkit.folders import has_audio_suffix

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Matches", "match_names"]

_MOST_PARTS = 32
"""Most parts of a name (folders and file) that are searched for its end."""
_FIRST_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".m4a", ".opus")
"""Preferred suffixes if a name without one fits several files; others follow alphabetically."""


@dataclass(frozen=True)
class Matches:
    """The file of each clip of a list.

    Attributes
    ----------
    files : list of Path or None
        In the order of the clips; None if there is no file.
    renamed : dict of int to str
        By index of the clip, the name in the folder, if it differs from the list's in its first
        folders, case, Unicode form or slashes.
    ambiguous : dict of int to tuple of str
        By index of a clip without a file, the names in the folder that may be meant.
    """

    files: list[Path | None]
    renamed: dict[int, str] = field(default_factory=dict)
    ambiguous: dict[int, tuple[str, ...]] = field(default_factory=dict)


def match_names(
    root: Path, clips: Sequence[Sequence[str]], listed: Sequence[Sequence[str]]
) -> Matches:
    r"""Find the file of each clip: the first of its names that exists.

    Names are first matched exactly. For clips without a file, names are then matched with ``\``
    for ``/``, in another Unicode form, and in another case, in this order; and last without their
    first folders, as few as necessary. A name without the suffix of an audio file matches that name
    with any such suffix. A name that matches several files inexactly gets none, nor do several
    names that match one file inexactly.

    Parameters
    ----------
    root : Path
        Folder of the files.
    clips : sequence of sequence of str
        Names of each clip, relative to the root, with ``/``.
    listed : sequence of sequence of str
        Names of each clip as written in the list; they may be absolute.
    """
    listing = _Listing(root)
    matches = Matches([None] * len(clips))
    claims: dict[str, set[str]] = defaultdict(set)  # names in the list, by file
    for number, names in enumerate(clips):
        for name in names:
            found = listing.find(name)
            if found is not None:
                matches.files[number] = root / text_to_path(found)
                claims[found].add(name)
                break
    unmatched = [number for number, file in enumerate(matches.files) if file is None]
    if not unmatched:
        return matches
    index = _Index(root, (name for number in unmatched for name in clips[number]))
    meant: dict[int, str] = {}
    for number in unmatched:
        for name in clips[number]:
            candidates = index.find(name)
            if len(candidates) > 1:
                matches.ambiguous[number] = tuple(sorted(candidates))
            elif candidates:
                meant[number] = candidates[0]
                claims[candidates[0]].add(name)
            if candidates:
                break
        else:
            for name in listed[number]:
                end = _end_of(name, listing)
                if end is not None:
                    meant[number] = end
                    claims[end].add(name)
                    break
    for number, found in meant.items():
        if len(claims[found]) > 1:
            matches.ambiguous[number] = (found,)
        else:
            matches.files[number] = root / text_to_path(found)
            matches.renamed[number] = found
    return matches


class _Listing:
    """Files in the folders that names lead to; a folder is listed when it is first needed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: set[str] = set()
        self._files: set[str] = set()
        self._stems: dict[str, list[str]] = defaultdict(list)

    def find(self, name: str) -> str | None:
        """Find a file by its exact name, with any audio suffix if the name has none."""
        plain = _plain(name)
        folder = plain.rpartition("/")[0]
        if folder not in self._folders:
            self._folders.add(folder)
            self._list(folder)
        if plain in self._files:
            return plain
        if plain not in self._stems or has_audio_suffix(plain):
            return None
        found = _first_of(self._stems[plain])
        return found[0] if len(found) == 1 else None

    def _list(self, folder: str) -> None:
        for found, is_folder in _entries(self._root, folder):
            if not is_folder:
                self._files.add(found)
                if has_audio_suffix(found):
                    self._stems[_stem(found)].append(found)


class _Index:
    """Files in the folders that names may lead to, found in any case and Unicode form.

    Other folders are not searched, as the list may be in a home folder.
    """

    def __init__(self, root: Path, names: Iterable[str]) -> None:
        self._names: dict[str, list[str]] = defaultdict(list)
        self._stems: dict[str, list[str]] = defaultdict(list)
        folders: set[str] = set()
        for folder in {_caseless(name).rpartition("/")[0] for name in names}:
            folders.update(itertools.accumulate(folder.split("/"), "{}/{}".format))
        pending = [""]
        while pending:
            for found, is_folder in _entries(root, pending.pop()):
                key = _caseless(found)
                if not is_folder:
                    self._names[key].append(found)
                    if has_audio_suffix(found):
                        self._stems[_stem(key)].append(found)
                elif key in folders:
                    pending.append(found)

    def find(self, name: str) -> list[str]:
        """Return the files that a name may mean; several if the name is ambiguous."""
        key = _caseless(name)
        if key in self._names:
            return _nearest(name, self._names[key])
        if key not in self._stems or has_audio_suffix(name):
            return []
        near = _nearest(name, [_stem(found) for found in self._stems[key]])
        return _first_of(found for found in self._stems[key] if _stem(found) in near)


def _entries(root: Path, folder: str) -> list[tuple[str, bool]]:
    """List a folder: names relative to the root, with ``/``, and whether each is a folder."""
    found = []
    try:
        with os.scandir(root / text_to_path(folder)) as entries:
            for entry in entries:
                name = path_to_text(entry.name)
                with contextlib.suppress(OSError):
                    if entry.is_file() or entry.is_dir():
                        found.append((f"{folder}/{name}" if folder else name, entry.is_dir()))
    except (OSError, ValueError):  # no such folder, or not a valid name
        return []
    return found


def _end_of(name: str, listing: _Listing) -> str | None:
    """Find a file by the longest end of its name that exists."""
    if "://" in name:
        return None
    slashed = _slashed(name)
    parts = [part for part in slashed.split("/") if part not in ("", ".")]
    first = 0 if slashed.startswith("/") else 1
    for start in range(max(first, len(parts) - _MOST_PARTS), len(parts)):
        end = "/".join(parts[start:])
        if not os.path.splitdrive(end)[0]:
            found = listing.find(end)
            if found is not None:
                return found
    return None


def _plain(name: str) -> str:
    """Return a name as a listing writes it."""
    is_plain = os.sep == "/" and "//" not in name and "./" not in name and not name.endswith("/")
    return name if is_plain else PurePath(name).as_posix()


def _stem(name: str) -> str:
    return os.path.splitext(name)[0]  # noqa: PTH122


def _first_of(names: Iterable[str]) -> list[str]:
    """Choose among names by suffix; several remain if their suffix is the same."""
    by_suffix: dict[str, list[str]] = defaultdict(list)
    for name in names:
        by_suffix[PurePosixPath(name).suffix.lower()].append(name)
    for suffix in (*_FIRST_SUFFIXES, *sorted(by_suffix)):
        if suffix in by_suffix:
            return sorted(by_suffix[suffix])
    return []


def _nearest(name: str, candidates: list[str]) -> list[str]:
    """Return the candidates that are nearest to a name."""
    if len(candidates) == 1:
        return candidates
    for normalise in (_slashed, _composed):
        near = [each for each in candidates if normalise(each) == normalise(name)]
        if near:
            return near
    return candidates


def _slashed(name: str) -> str:
    return _plain(name.replace("\\", "/"))


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", _slashed(name))


def _caseless(name: str) -> str:
    if name.isascii():
        return _slashed(name).lower()
    decomposed = unicodedata.normalize("NFD", _slashed(name)).casefold()
    return unicodedata.normalize("NFC", decomposed)
