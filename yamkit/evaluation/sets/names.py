"""Finding the files of a list: names are matched exactly, then as other systems write them.

Folders are listed once, not asked for each name: a list may have 20,000 clips of 18 names each.
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
"""Of a name, folders counted, that its end is looked for."""
_FIRST_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".m4a", ".opus")
"""The preferred ones where a name without suffix fits several files; then alphabetical order."""


@dataclass(frozen=True)
class Matches:
    """Which file each clip of a list has.

    Attributes
    ----------
    files : list of Path or None
        In the order of the clips.
    renamed : dict of int to str
        By the number of the clip, the name in the folder, where it differs from that on the list in
        its first folders, case, Unicode form or slashes.
    ambiguous : dict of int to tuple of str
        By the number of the clip, the names in the folder that it may mean. It has no file.
    """

    files: list[Path | None]
    renamed: dict[int, str] = field(default_factory=dict)
    ambiguous: dict[int, tuple[str, ...]] = field(default_factory=dict)


def match_names(
    root: Path, clips: Sequence[Sequence[str]], listed: Sequence[Sequence[str]]
) -> Matches:
    r"""Find the file of each clip: the first of its names that is there.

    Names are matched as they are; then, for clips that have no file yet, with ``\`` for ``/``, in
    another Unicode form, and in another case, in this order; and at last without the first folders
    of the name, as few as it takes. A name without the suffix of a sound
    file stands for that name with any such suffix. A name that may mean several files has none, and
    so have several names that mean one file in another form.

    Parameters
    ----------
    root : Path
        Folder of the files.
    clips : sequence of sequence of str
        For each clip its names, relative to the root, with ``/``.
    listed : sequence of sequence of str
        For each clip its names as they stand on the list, absolute ones among them.
    """
    listing = _Listing(root)
    matches = Matches([None] * len(clips))
    claims: dict[str, set[str]] = defaultdict(set)  # by file, the names on the list
    for number, names in enumerate(clips):
        for name in names:
            found = listing.find(name)
            if found is not None:
                matches.files[number] = root / text_to_path(found)
                claims[found].add(name)
                break
    left = [number for number, file in enumerate(matches.files) if file is None]
    if not left:
        return matches
    index = _Index(root, (name for number in left for name in clips[number]))
    meant: dict[int, str] = {}
    for number in left:
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
    """The files in the folders that names lead to, each folder listed when it is first named."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: set[str] = set()
        self._files: set[str] = set()
        self._stems: dict[str, list[str]] = defaultdict(list)

    def find(self, name: str) -> str | None:
        """Find a file by exactly its name, with any suffix where the name has none."""
        wanted = _plain(name)
        folder = wanted.rpartition("/")[0]
        if folder not in self._folders:
            self._folders.add(folder)
            self._list(folder)
        if wanted in self._files:
            return wanted
        if wanted not in self._stems or has_audio_suffix(wanted):
            return None
        found = _first_of(self._stems[wanted])
        return found[0] if len(found) == 1 else None

    def _list(self, folder: str) -> None:
        for found, is_folder in _entries(self._root, folder):
            if not is_folder:
                self._files.add(found)
                if has_audio_suffix(found):
                    self._stems[_stem(found)].append(found)


class _Index:
    """The files in the folders that names may lead to, found whatever case and form they have.

    Other folders are not searched: a list may lie in somebody's home.
    """

    def __init__(self, root: Path, names: Iterable[str]) -> None:
        self._names: dict[str, list[str]] = defaultdict(list)
        self._stems: dict[str, list[str]] = defaultdict(list)
        wanted: set[str] = set()
        for folder in {_caseless(name).rpartition("/")[0] for name in names}:
            wanted.update(itertools.accumulate(folder.split("/"), "{}/{}".format))
        pending = [""]
        while pending:
            for found, is_folder in _entries(root, pending.pop()):
                key = _caseless(found)
                if not is_folder:
                    self._names[key].append(found)
                    if has_audio_suffix(found):
                        self._stems[_stem(key)].append(found)
                elif key in wanted:
                    pending.append(found)

    def find(self, name: str) -> list[str]:
        """Find the files that a name may mean: none, one, or those that it cannot tell apart."""
        key = _caseless(name)
        if key in self._names:
            return _nearest(name, self._names[key])
        if key not in self._stems or has_audio_suffix(name):
            return []
        near = _nearest(name, [_stem(found) for found in self._stems[key]])
        return _first_of(found for found in self._stems[key] if _stem(found) in near)


def _entries(root: Path, folder: str) -> list[tuple[str, bool]]:
    """List a folder: names from the root on, with ``/``, and whether each is of a folder."""
    found = []
    try:
        with os.scandir(root / text_to_path(folder)) as entries:
            for entry in entries:
                name = path_to_text(entry.name)
                with contextlib.suppress(OSError):
                    if entry.is_file() or entry.is_dir():
                        found.append((f"{folder}/{name}" if folder else name, entry.is_dir()))
    except (OSError, ValueError):  # no such folder, or no name of one
        return []
    return found


def _end_of(name: str, listing: _Listing) -> str | None:
    """Find a file by the end of its name, the longest that is there."""
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
    """Write a name as the listing does."""
    is_plain = os.sep == "/" and "//" not in name and "./" not in name and not name.endswith("/")
    return name if is_plain else PurePath(name).as_posix()


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
    if len(candidates) == 1:
        return candidates
    for form in (_slashed, _composed):
        near = [candidate for candidate in candidates if form(candidate) == form(name)]
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
