"""Finding the files of a list: names are matched exactly, then as other systems write them.

Folders are listed once, not asked for each name: a list may have 20,000 clips of 18 names each.
"""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING

from yamkit._text import path_to_text, text_to_path
from yamkit.folders import has_audio_suffix, sound_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Matches", "match_names"]

_FIRST_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".m4a", ".opus")
"""Which file is taken where a name without suffix has several; the others come by the alphabet."""


@dataclass(frozen=True)
class Matches:
    """Which file each clip of a list has.

    Attributes
    ----------
    files : list of Path or None
        In the order of the clips.
    renamed : dict of int to str
        By the number of the clip, the name in the folder, where it differs from that on the list in
        case, Unicode form or slashes.
    ambiguous : dict of int to tuple of str
        By the number of the clip, the names in the folder that it may mean. It has no file.
    """

    files: list[Path | None]
    renamed: dict[int, str] = field(default_factory=dict)
    ambiguous: dict[int, tuple[str, ...]] = field(default_factory=dict)


def match_names(root: Path, clips: Sequence[Sequence[str]]) -> Matches:
    r"""Find the file of each clip: the first of its names that is there.

    Names are matched as they are; then, for clips that have no file yet, with ``\`` for ``/``, in
    another Unicode form, and in another case, in this order. A name without the suffix of a sound
    file stands for that name with any such suffix. A name that may mean several files has none, and
    so have several names that mean one file in another form.

    Parameters
    ----------
    root : Path
        Folder of the files.
    clips : sequence of sequence of str
        For each clip its names, relative to the root, with ``/``.
    """
    listing = _Listing(root)
    matches = Matches([None] * len(clips))
    claims: dict[str, set[str]] = defaultdict(set)  # by file, the names on the list
    for number, names in enumerate(clips):
        for name in names:
            found = listing.find(name)
            if found is not None:
                matches.files[number] = listing.path(found)
                claims[found].add(name)
                break
    left = [number for number, file in enumerate(matches.files) if file is None]
    if not left:
        return matches
    index = _Index(root)
    meant: dict[int, str] = {}
    for number in left:
        for name in clips[number]:
            candidates = index.find(name)
            if len(candidates) > 1:
                matches.ambiguous[number] = tuple(candidates)
            elif candidates:
                meant[number] = candidates[0]
                claims[candidates[0]].add(name)
            if candidates:
                break
    for number, found in meant.items():
        if len(claims[found]) > 1:
            matches.ambiguous[number] = (found,)
        else:
            matches.files[number] = index.path(found)
            matches.renamed[number] = found
    return matches


class _Listing:
    """The files in the folders that names lead to, each folder listed when it is first named."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: set[str] = set()
        self._files: set[str] = set()
        self._stems: dict[str, list[str]] = defaultdict(list)

    def find(self, name: str) -> str | None:
        """Find a file by exactly its name, with any suffix where the name has none."""
        wanted = PurePath(name).as_posix()
        folder, _, last = wanted.rpartition("/")
        if folder not in self._folders:
            self._folders.add(folder)
            self._list(folder)
        if wanted in self._files:
            return wanted
        if has_audio_suffix(last):
            return None
        found = _first_of(self._stems.get(wanted, ()))
        return found[0] if len(found) == 1 else None

    def path(self, found: str) -> Path:
        """Give the path of what was found."""
        return self._root / text_to_path(found)

    def _list(self, folder: str) -> None:
        try:
            with os.scandir(self._root / text_to_path(folder)) as entries:
                names = [entry.name for entry in entries if _is_file(entry)]
        except (OSError, ValueError):  # no such folder, or no name of one
            return
        for name in map(path_to_text, names):
            found = f"{folder}/{name}" if folder else name
            self._files.add(found)
            if has_audio_suffix(name):
                self._stems[_stem(found)].append(found)


class _Index:
    """All sound files in the root and below, by their names without case, Unicode form, slashes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names: dict[str, list[str]] = defaultdict(list)
        self._stems: dict[str, list[str]] = defaultdict(list)
        start = len(os.fspath(root / "x")) - 1
        for each in sound_files(os.fspath(root)):
            if isinstance(each, str):
                found = PurePath(path_to_text(each[start:])).as_posix()
                self._names[_caseless(found)].append(found)
                self._stems[_caseless(_stem(found))].append(found)

    def find(self, name: str) -> list[str]:
        """Find the files that a name may mean: none, one, or those that it cannot tell apart."""
        key = _caseless(name)
        if key in self._names:
            return _nearest(name, self._names[key])
        if has_audio_suffix(name) or key not in self._stems:
            return []
        near = _nearest(name, [_stem(found) for found in self._stems[key]])
        return _first_of(found for found in self._stems[key] if _stem(found) in near)

    def path(self, found: str) -> Path:
        """Give the path of what was found."""
        return self._root / text_to_path(found)


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _stem(name: str) -> str:
    return os.path.splitext(name)[0]  # noqa: PTH122


def _first_of(names: Iterable[str]) -> list[str]:
    """Choose among files that differ in their suffixes; several where the suffix is the same."""
    by_suffix: dict[str, list[str]] = defaultdict(list)
    for name in names:
        by_suffix[PurePosixPath(name).suffix.lower()].append(name)
    for suffix in (*_FIRST_SUFFIXES, *sorted(by_suffix)):
        if suffix in by_suffix:
            return sorted(by_suffix[suffix])
    return []


def _nearest(name: str, candidates: list[str]) -> list[str]:
    """Leave the candidates that are nearest to a name."""
    for form in (_slashed, _composed):
        near = [candidate for candidate in candidates if form(candidate) == form(name)]
        if near:
            return near
    return candidates


def _slashed(name: str) -> str:
    return name.replace("\\", "/")


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", _slashed(name))


def _caseless(name: str) -> str:
    if name.isascii():
        return _slashed(name).lower()
    decomposed = unicodedata.normalize("NFD", _slashed(name)).casefold()
    return unicodedata.normalize("NFC", decomposed)
