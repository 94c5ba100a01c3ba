"""Many clips through one pipeline: files, or parts of files, several at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from yamkit.audio import open_audio
from yamkit.errors import AudioValueError
from yamkit.run.scheduler import tag_streams

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from yamkit.audio import AudioSource
    from yamkit.errors import AudioError
    from yamkit.pipeline.compose import Pipeline
    from yamkit.run.scheduler import Ended, Failed
    from yamkit.types import Batch, Patches

__all__ = ["Clip", "tag_clips"]

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
        Why it cannot be tagged, if that is known.
    key : str
        Names it in a journal; the path where it is empty.
    audio : AudioSource or None
        While it is tagged, from the time the file is open.
    stamp : tuple of int or None
        Of the file, for its journal; see `yamkit.audio.file_stamp`.
    """

    path: str
    start_seconds: float | None = None
    end_seconds: float | None = None
    error: AudioError | None = None
    key: str = ""
    audio: AudioSource | None = field(default=None, init=False, repr=False)
    stamp: tuple[int, int] | None = field(default=None, init=False, repr=False)


_Clip = TypeVar("_Clip", bound=Clip)


def tag_clips(
    pipeline: Pipeline,
    clips: Iterable[_Clip],
    *,
    jobs: int,
    channel: str | int = "mix",
    stream: int | None = None,
) -> Generator[tuple[_Clip, Batch | Ended | Failed], None, None]:
    """Tag clips, several at a time, a long one on several threads.

    Memory grows neither with their number nor their length.

    Parameters
    ----------
    pipeline : Pipeline
    clips : iterable of Clip
        Asked for one by one, some ahead of what is given.
    jobs : int
        Threads; with 1, all is done in the caller's own.
    channel : "mix" or int
        The mean of all channels is heard, or the one of this number, from 1.
    stream : int, optional
        Number of the sound stream that is heard, from 1; None for the default one.

    Yields
    ------
    clip : Clip
        In their order.
    event : Batch, Ended or Failed
        Batches in order, then one of the others.
    """

    def read(clip: _Clip) -> Generator[Patches, None, None]:
        if clip.error is not None:
            raise clip.error
        with open_audio(clip.path, stream=stream) as audio:
            clip.audio = audio
            samples = audio.mono(channel)
            if clip.start_seconds is not None and clip.end_seconds is not None:
                samples = _cut(samples, audio.sample_rate, clip.start_seconds, clip.end_seconds)
            yield from pipeline.patches(samples, audio.sample_rate)

    return tag_streams(
        clips,
        read,
        pipeline.infer,
        jobs=jobs,
        batch_size=pipeline.batch_size,
        is_live=lambda clip: clip.path == "-",
    )


def _cut(
    blocks: Iterable[NDArray[np.float32]], rate: int, start_seconds: float, end_seconds: float
) -> Iterator[NDArray[np.float32]]:
    """Take the labelled part of a file that holds more, else all of it.

    Whether it does is known once more samples have come than the part and some slack have: up to
    there they are kept.
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
            f"lasts {position / rate:.1f} s, the labelled part begins at {start_seconds:g} s"
        )


def _chain(
    first: list[NDArray[np.float32]], rest: Iterator[NDArray[np.float32]]
) -> Iterator[NDArray[np.float32]]:
    while first:
        yield first.pop(0)
    yield from rest
