"""Samples of another rate or number of channels, in the form that a source began with.

Links of a chain, joined files and streams that change midway need it. PyAV resamples; it loads
when rates differ.
"""

from __future__ import annotations

import itertools
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from yamkit.audio._source import block_samples
from yamkit.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

__all__ = [
    "MOST_SILENCE_SECONDS",
    "Form",
    "Piece",
    "converted",
    "in_first_form",
    "in_form",
    "silence",
]

MOST_SILENCE_SECONDS = 86_400.0
"""Most silence that time stamps can put into one file."""

_MOST_RATIO = 256
"""Between two sample rates of one file; beyond it, one of them is damaged, and means days."""

Form = tuple[int, int]
"""Sample rate in Hz, and number of channels."""

Piece = tuple[Form, "NDArray[np.float32]"]
"""Consecutive samples [n, channels], and their form."""


def in_first_form(
    pieces: Iterator[Piece], *, at_once: bool = False
) -> tuple[Form, Iterator[NDArray[np.float32]]]:
    """Bring pieces, however small, into blocks of the form that the first has.

    Parameters
    ----------
    pieces : iterator of Piece
        Those before the first that has a sample are taken at once.
    at_once : bool
        Whether blocks are as short as pieces are, rather than put together.

    Returns
    -------
    form : Form
    blocks : iterator of ndarray, float32 [n, channels]

    Raises
    ------
    DecodeError
        If there is no sample.
    """
    for form, samples in pieces:
        if len(samples):
            rest = in_form(itertools.chain([(form, samples)], pieces), form)
            return form, _blocks(rest, block_samples(form[1]), 1 if at_once else None)
    raise DecodeError("not a sample can be decoded")


def silence(samples: int, channels: int) -> Iterator[NDArray[np.float32]]:
    """Give zeros, float32 [n, channels], piece by piece; none of them takes memory of its own."""
    longest = block_samples(channels)
    zeros = np.zeros((min(samples, longest), channels), np.float32)
    for start in range(0, samples, longest):
        yield zeros[: samples - start]


def in_form(pieces: Iterator[Piece], wanted: Form) -> Iterator[NDArray[np.float32]]:
    """Bring pieces to one form."""
    for form, group in itertools.groupby(pieces, key=operator.itemgetter(0)):
        yield from converted((samples for _, samples in group), form, wanted)


def _blocks(
    pieces: Iterator[NDArray[np.float32]], longest: int, shortest: int | None = None
) -> Iterator[NDArray[np.float32]]:
    """Put small pieces together, up to half of the longest if need be, and cut long ones."""
    shortest = longest // 2 if shortest is None else shortest
    waiting: list[NDArray[np.float32]] = []
    length = 0
    for piece in pieces:
        if shortest <= len(piece) <= longest:
            if waiting:
                yield _together(waiting)
                waiting, length = [], 0
            yield piece
            continue
        waiting.append(piece)
        length += len(piece)
        if length >= longest:
            block = _together(waiting)
            for start in range(0, length - longest + 1, longest):
                yield block[start : start + longest]
            rest = block[length - length % longest :]
            waiting, length = ([rest], len(rest)) if len(rest) else ([], 0)
    if length:
        yield _together(waiting)


def _together(pieces: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    # each channel as one row in memory: what follows works on channels
    together: NDArray[np.float32] = np.concatenate([piece.T for piece in pieces], axis=1).T
    return together


def converted(
    blocks: Iterable[NDArray[np.float32]], here: Form, wanted: Form
) -> Iterator[NDArray[np.float32]]:
    """Bring a sound to another form.

    Parameters
    ----------
    blocks : iterable of ndarray, float32 [n, channels]
    here, wanted : tuple of int
        Sample rate in Hz and channels. One channel becomes several alike; several become their
        mean, in each channel.

    Yields
    ------
    ndarray, float32 [m, channels]
    """
    if here == wanted:
        yield from blocks
        return
    (rate, channels), (wanted_rate, wanted_channels) = here, wanted
    if channels != wanted_channels:
        blocks = (_spread(block, wanted_channels) for block in blocks)
    yield from (
        blocks if rate == wanted_rate else _resampled(blocks, rate, wanted_rate, wanted_channels)
    )


def _spread(block: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    with np.errstate(over="ignore", invalid="ignore"):  # what is no sound is found later
        mixed = block.mean(axis=1, keepdims=True, dtype=np.float32)
    return np.repeat(mixed, channels, axis=1)


def _resampled(
    blocks: Iterable[NDArray[np.float32]], rate: int, wanted: int, channels: int
) -> Iterator[NDArray[np.float32]]:
    import av

    if not wanted <= rate * _MOST_RATIO <= wanted * _MOST_RATIO**2:
        raise DecodeError(f"a sample rate of {rate} Hz behind one of {wanted} Hz")
    resamplers = [av.AudioResampler("fltp", "mono", wanted) for _ in range(channels)]
    for block in blocks:
        frames = []
        for channel in range(channels):
            samples = np.ascontiguousarray(block[np.newaxis, :, channel])
            frame = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
            frame.sample_rate = rate
            frames.append(frame)
        yield from _resampled_frames(resamplers, frames)
    yield from _resampled_frames(resamplers, [None] * channels)


def _resampled_frames(resamplers: list[Any], frames: list[Any]) -> Iterator[NDArray[np.float32]]:
    """Resample a frame of each channel; all give as many samples."""
    given = [
        np.concatenate([ready.to_ndarray()[0] for ready in resampler.resample(frame)] or [_NONE])
        for resampler, frame in zip(resamplers, frames, strict=True)
    ]
    block = np.stack(given, axis=1)
    if len(block):
        yield block


_NONE = np.empty(0, np.float32)
