"""Clips: files, or parts of files, and how they are read."""

from __future__ import annotations

import hashlib
import os
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from yamkit._util.text import path_text, printable
from yamkit.audio import display_path, open_audio
from yamkit.errors import AudioValueError, YamkitError
from yamkit.types import ClipFailure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import ExitStack

    import numpy as np
    from numpy.typing import NDArray

    from yamkit.audio import AudioSource
    from yamkit.errors import AudioError
    from yamkit.pipeline.compose import Pipeline
    from yamkit.types import Patches

__all__ = ["Clip", "clip_failure", "in_shard", "read_clip"]

_SLACK_SECONDS = 1.0
"""A file that is longer than its part by more than this holds more than the part."""


@dataclass(eq=False, slots=True)
class Clip:
    """A clip to be tagged: a file, or a part of it.

    Attributes
    ----------
    path : str
        ``-`` for standard input.
    start_seconds, end_seconds : float or None
        The part, where the file may hold more; None for all of it.
    error : AudioError or None
        Why it cannot be tagged, if that is already known.
    key : str
        Its key in a journal; empty for the path.
    audio : AudioSource or None
        The open file, while the clip is tagged.
    stamp : tuple of int or None
        Identifies the content of the file in a journal; see `yamkit.audio.file_stamp`.
    """

    path: str
    start_seconds: float | None = None
    end_seconds: float | None = None
    error: AudioError | None = None
    key: str = ""
    audio: AudioSource | None = field(default=None, init=False, repr=False)
    stamp: tuple[int, int] | None = field(default=None, init=False, repr=False)


def in_shard(path: str, shard: tuple[int, int]) -> bool:
    """Return whether a file belongs to part I of N; only its path decides."""
    part, parts = shard
    digest = hashlib.sha256(os.fsencode(path)).digest()
    return int.from_bytes(digest[:8], "big") % parts == part - 1


def read_clip(
    clip: Clip,
    opened: ExitStack,
    pipeline: Pipeline,
    channel: str | int = "mix",
    stream: int | None = None,
) -> Iterator[Patches]:
    """Open a clip and return its patches, piece by piece.

    Parameters
    ----------
    clip : Clip
    opened : ExitStack
        Closes what was opened.
    pipeline : Pipeline
    channel : "mix" or int
        The mean of all channels, or the number of one, from 1.
    stream : int, optional
        Number of the sound stream, from 1; None for the default one.

    Raises
    ------
    AudioError
        If it cannot be opened; from the iterator, if it cannot be decoded.
    """
    if clip.error is not None:
        raise clip.error
    clip.audio = audio = opened.enter_context(open_audio(clip.path, stream=stream))
    samples = audio.mono(channel)
    if clip.start_seconds is not None and clip.end_seconds is not None:
        samples = _cut(samples, audio.sample_rate, clip.start_seconds, clip.end_seconds)
    segments = pipeline.segments(samples, audio.sample_rate)
    return map(pipeline.transform, opened.enter_context(closing(segments)))


def clip_failure(path: str, error: Exception) -> ClipFailure:
    """Describe in one line why a clip failed, unforeseen exceptions included."""
    message = str(error)
    if not isinstance(error, YamkitError):  # no file may end a run of many
        message = " ".join(f"{display_path(path)}: {message}".split())
    return ClipFailure(path_text(path), type(error).__name__, printable(message))


def _cut(
    blocks: Iterable[NDArray[np.float32]], rate: int, start_seconds: float, end_seconds: float
) -> Iterator[NDArray[np.float32]]:
    """Yield the part of a file that holds more than the part, else all of it.

    The file holds more if it has more samples than the part and some slack. Until that is known,
    the samples are kept.
    """
    start, end = round(start_seconds * rate), round(end_seconds * rate)
    enough = end - start + round(_SLACK_SECONDS * rate)
    kept: list[NDArray[np.float32]] = []
    position = 0
    source = iter(blocks)
    for block in source:
        kept.append(block)
        position += len(block)
        if position > enough:
            break
    else:
        yield from kept
        return
    position = 0
    found = False
    for block in _chain(kept, source):
        first, last = max(start - position, 0), min(end - position, len(block))
        if first < last:
            found = True
            yield block[first:last]
        position += len(block)
        if position >= end:
            return
    if not found:
        raise AudioValueError(
            f"lasts {position / rate:.1f} s, but its labelled part begins at {start_seconds:g} s"
        )


def _chain(
    first: list[NDArray[np.float32]], rest: Iterator[NDArray[np.float32]]
) -> Iterator[NDArray[np.float32]]:
    while first:
        yield first.pop(0)
    yield from rest
