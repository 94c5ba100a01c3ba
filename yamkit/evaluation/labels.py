"""Labelled sets: who reads a list, which of its clips are wanted, where their files are."""

from __future__ import annotations

import math
import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yamkit._util.text import listed, path_to_text, printable, text_to_path
from yamkit.errors import LabelError, MissingRequirementError, ParameterError
from yamkit.evaluation._names import Matches, match_names
from yamkit.registry import registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from yamkit.types import LabelledClip

__all__ = ["LabelledSet", "find_files", "read_set"]

_KIND = "label reader"
_HEAD_LINES = 5
_HEAD_BYTES = 65_536


@dataclass(frozen=True)
class LabelledSet:
    """Clips with their labels.

    Attributes
    ----------
    path : Path
        The list, or the folder.
    layout : str
        Name of the reader.
    clips : tuple of LabelledClip
    labels : tuple of str
        Every label of the clips and the vocabulary, each once, sorted; a selection of clips keeps
        them all.
    vocabulary : mapping of str to str
        Display name by label, where the publishers say it.
    """

    path: Path
    layout: str
    clips: tuple[LabelledClip, ...]
    labels: tuple[str, ...]
    vocabulary: Mapping[str, str]

    @property
    def is_strong(self) -> bool:
        """Whether the list says when labels sound."""
        return any(clip.events is not None for clip in self.clips)

    def select(
        self,
        *,
        folds: str | Iterable[str] = (),
        splits: str | Iterable[str] = (),
        limit: int | None = None,
    ) -> LabelledSet:
        """Take some of the clips.

        Parameters
        ----------
        folds, splits : str, or iterable of str
            Those alone; all if empty.
        limit : int, optional
            At most so many, the first ones.

        Raises
        ------
        ParameterError
            If no clip has such a fold or split, or the limit is less than 1.
        """
        clips = self.clips
        for name, wanted in (("fold", listed(folds)), ("split", listed(splits))):
            there = {getattr(clip, name) for clip in self.clips} - {""}
            for value in wanted:
                if value not in there:
                    known = ", ".join(sorted(there)) or f"the list has no {name}s"
                    raise ParameterError(f"{name} {value!r}: none in {self.path}; known: {known}")
            if wanted:
                clips = tuple(clip for clip in clips if getattr(clip, name) in wanted)
        if limit is not None and limit < 1:
            raise ParameterError(f"limit {limit}: wanted at least 1")
        if not clips:
            raise ParameterError(f"{self.path}: no clip is in these folds and splits at once")
        return replace(self, clips=clips[:limit])


def read_set(path: str | os.PathLike[str], layout: str | None = None) -> LabelledSet:
    """Read a labelled set.

    Parameters
    ----------
    path : path-like
        A list, or a folder.
    layout : str, optional
        Name of a label reader; None: the one that recognises the list.

    Raises
    ------
    LabelError
        If the list is not what it should be, or no reader or several recognise it.
    PluginError
        If the reader named is unknown or broken.
    """
    place = Path(path)
    name, reader = _reader(place) if layout is None else (layout, _load(layout))
    clips = tuple(reader.read(place))
    if not clips:
        wanted = "; wanted a folder a class, with sound files in it" if place.is_dir() else ""
        raise LabelError(f"{printable(place)}: lists no clip{wanted}")
    _check(place, clips)
    vocabulary = reader.vocabulary(place)
    labels = {label for clip in clips for label in clip.labels} | set(vocabulary)
    return LabelledSet(place, name, clips, tuple(sorted(labels)), vocabulary)


def find_files(labelled: LabelledSet, folder: str | os.PathLike[str]) -> Matches:
    """Find the file of every clip: the first of its names that is there; None if none is.

    Names are matched as they are, and then without regard to case, Unicode form and the direction
    of slashes, and at last by their ends, where that leaves no doubt. Absolute paths that lead into
    the folder are taken; of others the end alone counts, so no file outside it is ever read.

    Raises
    ------
    ParameterError
        If the folder is none, or holds no file of the set.
    """
    root = Path(folder)
    if not os.path.isdir(root):  # noqa: PTH112 - Path raises where a name is too long
        raise ParameterError(f"{printable(root)}: no such folder of audio; name it with --audio")
    below = _Below(root)
    names = []
    for clip in labelled.clips:
        inside = (below.name(name) for name in clip.names)
        names.append([name for name in inside if name is not None])
    matches = match_names(root, names, [clip.names for clip in labelled.clips])
    if not any(matches.files):
        for number, found in matches.ambiguous.items():
            raise ParameterError(
                f"{printable(labelled.path)}: {printable(labelled.clips[number].names[0])} may be "
                f"{' or '.join(map(printable, found))} in {printable(root)}; name it exactly"
            )
        raise ParameterError(
            f"{printable(root)}: none of the {len(names)} files of {printable(labelled.path)} is "
            f"in it, such as {printable(labelled.clips[0].names[0])}; name the folder with --audio"
        )
    return matches


class _Below:
    """Makes names relative to a folder."""

    def __init__(self, root: Path) -> None:
        self._root = Path(os.path.realpath(root))
        self._roots = (Path(os.path.abspath(root)), self._root)  # noqa: PTH100
        self._real: dict[Path, Path] = {}  # a list has many files in few folders

    def name(self, name: str) -> str | None:
        """Give a name relative to the folder; None for an absolute one that is not in it."""
        drive, rest = os.path.splitdrive(name)  # Path takes seconds for the names of a large list
        if not drive and not rest.startswith((os.sep, os.altsep or os.sep)):
            return name
        path = Path(text_to_path(name))
        if path.parent not in self._real:
            self._real[path.parent] = Path(os.path.realpath(path.parent))
        choices = [(path, root) for root in self._roots]
        choices.append((self._real[path.parent] / path.name, self._root))
        for place, root in choices:
            if place.is_relative_to(root):
                return path_to_text(place.relative_to(root))
        return None


def _load(name: str) -> Any:
    return registry().load(registry().resolve(_KIND, name))()


def _reader(path: Path) -> tuple[str, Any]:
    head = _head(path)
    found = []
    for name in registry().names(_KIND):
        try:
            reader = _load(name)
        except MissingRequirementError:
            continue
        if reader.recognises(path, head):
            found.append((name, reader))
    if len(found) == 1:
        return found[0]
    names = ", ".join(name for name, _ in found) or ", ".join(registry().names(_KIND))
    if found:
        raise LabelError(f"{printable(path)}: its layout may be {names}; say which with --layout")
    if any("\N{REPLACEMENT CHARACTER}" in line for line in head):
        raise LabelError(
            f"{printable(path)}: no list of clips, or not UTF-8 text; save it as UTF-8 (in a "
            "spreadsheet: CSV UTF-8, not Unicode text)"
        )
    first = f" ({printable(head[0])!r:.80})" if head else ""
    raise LabelError(
        f"{printable(path)}: its header{first} is of no known layout; name one with "
        f"--layout: {names}"
    )


def _head(path: Path) -> tuple[str, ...]:
    if os.path.isdir(path):  # noqa: PTH112 - Path raises where a name is too long
        return ()
    try:
        with path.open("rb") as stream:
            data = stream.read(_HEAD_BYTES)
    except OSError as error:
        raise LabelError(f"{printable(path)}: {error.strerror or 'cannot be read'}") from None
    return tuple(data.decode("utf-8-sig", errors="replace").splitlines()[:_HEAD_LINES])


def _check(path: Path, clips: tuple[LabelledClip, ...]) -> None:
    for clip in clips:
        start, end = clip.start_seconds, clip.end_seconds
        where = _where(path, clip)
        if start is not None and end is not None and not 0 <= start < end < math.inf:
            raise LabelError(
                f"{where}: from {start} to {end} s; the start must come before the end"
            )
        if not all(clip.names):
            raise LabelError(f"{where}: no name of a file")
        for name in clip.names:
            if "\0" in name:
                raise LabelError(f"{where}: {printable(name)!r} is no name of a file")
            if ".." in name.replace("\\", "/").split("/"):
                raise _leads_out(where, name)
    keys = Counter((clip.names[0], clip.start_seconds) for clip in clips)
    (name, _), count = keys.most_common(1)[0]
    if count > 1:
        lines = ", ".join(str(clip.line) for clip in clips if clip.names[0] == name)
        raise LabelError(
            f"{printable(path)}: {printable(name)} stands there {count} times (lines {lines}); "
            "leave one, with all its labels"
        )


def _where(path: Path, clip: LabelledClip) -> str:
    return printable(path) + (f", line {clip.line}" if clip.line else "")


def _leads_out(where: str, name: str) -> LabelError:
    return LabelError(f"{where}: {printable(name)!r} leads out of the folder of audio")
