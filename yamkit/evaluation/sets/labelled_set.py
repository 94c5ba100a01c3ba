"""Labelled sets: reading a list with the right label reader, and selecting clips from it."""

from __future__ import annotations

import math
import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yamkit._util.text import listed, printable
from yamkit.errors import LabelError, MissingRequirementError, ParameterError
from yamkit.registry import registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from yamkit.types import LabelledClip

__all__ = ["LabelledSet", "clip_key", "read_set"]

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
        Name of the label reader.
    clips : tuple of LabelledClip
    labels : tuple of str
        Every label of the clips and the vocabulary, each once, sorted. A selection of clips keeps
        all labels.
    vocabulary : mapping of str to str
        Display name by label, where the publishers give one.
    """

    path: Path
    layout: str
    clips: tuple[LabelledClip, ...]
    labels: tuple[str, ...]
    vocabulary: Mapping[str, str]

    @property
    def is_strong(self) -> bool:
        """Whether the labels have onsets and offsets."""
        return any(clip.events is not None for clip in self.clips)

    def select(
        self,
        *,
        folds: str | Iterable[str] = (),
        splits: str | Iterable[str] = (),
        limit: int | None = None,
    ) -> LabelledSet:
        """Select some of the clips.

        Parameters
        ----------
        folds, splits : str, or iterable of str
            Keep only clips of these; all if empty.
        limit : int, optional
            Keep only the first clips, at most this many.

        Raises
        ------
        ParameterError
            If no clip has such a fold or split, no clip remains, or the limit is less than 1.
        """
        clips = self.clips
        for name, chosen in (("fold", listed(folds)), ("split", listed(splits))):
            existing = {getattr(clip, name) for clip in self.clips} - {""}
            for value in chosen:
                if value not in existing:
                    known = ", ".join(sorted(existing)) or f"the list has no {name}s"
                    raise ParameterError(f"{name} {value!r}: not in {self.path}; known: {known}")
            if chosen:
                clips = tuple(clip for clip in clips if getattr(clip, name) in chosen)
        if limit is not None and limit < 1:
            raise ParameterError(f"limit {limit}: must be at least 1")
        if not clips:
            raise ParameterError(f"{self.path}: no clip is in both these folds and these splits")
        return replace(self, clips=clips[:limit])


def clip_key(clip: LabelledClip) -> str:
    """Return the name of a clip in a scores file: its first name and, for a part, its seconds."""
    if clip.start_seconds is None:
        return clip.names[0]
    return f"{clip.names[0]} {clip.start_seconds:g}-{clip.end_seconds:g}"


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
        If the list is invalid, or is recognised by no reader or by several.
    PluginError
        If the named reader is unknown or broken.
    """
    path = Path(path)
    name, reader = _recognised_reader(path) if layout is None else (layout, _load(layout))
    clips = tuple(reader.read(path))
    if not clips:
        expected = "; expected one folder per class, with audio files" if path.is_dir() else ""
        raise LabelError(f"{printable(path)}: lists no clips{expected}")
    _check(path, clips)
    vocabulary = reader.vocabulary(path)
    labels = {label for clip in clips for label in clip.labels} | set(vocabulary)
    return LabelledSet(path, name, clips, tuple(sorted(labels)), vocabulary)


def _load(name: str) -> Any:
    return registry().load(registry().resolve(_KIND, name))()


def _recognised_reader(path: Path) -> tuple[str, Any]:
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
        raise LabelError(f"{printable(path)}: recognised as {names}; choose one with --layout")
    if any("\N{REPLACEMENT CHARACTER}" in line for line in head):
        raise LabelError(
            f"{printable(path)}: not a list of clips, or not UTF-8 text; save it as UTF-8 (in a "
            "spreadsheet: CSV UTF-8, not Unicode text)"
        )
    first = f" ({printable(head[0])!r:.80})" if head else ""
    raise LabelError(f"{printable(path)}: unknown layout{first}; name one with --layout: {names}")


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
            raise LabelError(f"{where}: empty file name")
        for name in clip.names:
            if "\0" in name:
                raise LabelError(f"{where}: {printable(name)!r} is not a valid file name")
            if ".." in name.replace("\\", "/").split("/"):
                raise LabelError(f"{where}: {printable(name)!r} leads out of the audio folder")
    keys = Counter((clip.names[0], clip.start_seconds) for clip in clips)
    (name, _), count = keys.most_common(1)[0]
    if count > 1:
        lines = ", ".join(str(clip.line) for clip in clips if clip.names[0] == name)
        raise LabelError(
            f"{printable(path)}: {printable(name)} is listed {count} times (lines {lines}); keep "
            "one line with all its labels"
        )


def _where(path: Path, clip: LabelledClip) -> str:
    return printable(path) + (f", line {clip.line}" if clip.line else "")
