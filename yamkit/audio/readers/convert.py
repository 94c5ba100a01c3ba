"""Conversion of sample rate and channels to the format that a source began with.

Used for links of a chain, joined files and streams that change midway. PyAV resamples; it is loaded
if rates differ.
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
    "Layout",
    "Piece",
    "converted",
    "in_first_layout",
    "in_layout",
    "silence",
]

MOST_SILENCE_SECONDS = 86_400.0
"""Most silence that time stamps can insert into one file."""

_MOST_RATIO = 256
"""Largest ratio of two sample rates of one file; beyond it one of them is damaged."""

Layout = tuple[int, int]
"""Sample rate in Hz, and number of channels."""

Piece = tuple[Layout, "NDArray[np.float32]"]
"""Format and consecutive samples [n, channels]."""


def in_first_layout(
    pieces: Iterator[Piece], *, at_once: bool = False
) -> tuple[Layout, Iterator[NDArray[np.float32]]]:
    """Convert pieces of any size to blocks in the format of the first piece.

    Parameters
    ----------
    pieces : iterator of Piece
        Those up to the first with a sample are read at once.
    at_once : bool
        Whether blocks are as short as pieces, rather than combined.

    Returns
    -------
    layout : Layout
    blocks : iterator of ndarray, float32 [n, channels]

    Raises
    ------
    DecodeError
        If there are no samples.
    """
    for layout, samples in pieces:
        if len(samples):
            rest = in_layout(itertools.chain([(layout, samples)], pieces), layout)
            return layout, _blocks(rest, block_samples(layout[1]), 1 if at_once else None)
    raise DecodeError("no sample can be decoded")


def silence(samples: int, channels: int) -> Iterator[NDArray[np.float32]]:
    """Yield zeros, float32 [n, channels], in pieces that share their memory."""
    longest = block_samples(channels)
    zeros = np.zeros((min(samples, longest), channels), np.float32)
    for start in range(0, samples, longest):
        yield zeros[: samples - start]


def in_layout(pieces: Iterator[Piece], target: Layout) -> Iterator[NDArray[np.float32]]:
    """Convert pieces to one format."""
    for layout, group in itertools.groupby(pieces, key=operator.itemgetter(0)):
        yield from converted((samples for _, samples in group), layout, target)


def _blocks(
    pieces: Iterator[NDArray[np.float32]], longest: int, shortest: int | None = None
) -> Iterator[NDArray[np.float32]]:
    """Combine pieces that are shorter than half of the longest block, and divide long ones."""
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
    # each channel contiguous: later stages work on channels
    together: NDArray[np.float32] = np.concatenate([piece.T for piece in pieces], axis=1).T
    return together


def converted(
    blocks: Iterable[NDArray[np.float32]], here: Layout, target: Layout
) -> Iterator[NDArray[np.float32]]:
    """Convert a sound to another format.

    Parameters
    ----------
    blocks : iterable of ndarray, float32 [n, channels]
    here, target : tuple of int
        Sample rate in Hz and channels. One channel is copied to all; several become their mean, in
        each channel.

    Yields
    ------
    ndarray, float32 [m, channels]
    """
    if here == target:
        yield from blocks
        return
    (rate, channels), (target_rate, target_channels) = here, target
    if channels != target_channels:
        blocks = (_spread(block, target_channels) for block in blocks)
    yield from (
        blocks if rate == target_rate else _resampled(blocks, rate, target_rate, target_channels)
    )


def _spread(block: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    with np.errstate(over="ignore", invalid="ignore"):  # Values finds infinity later
        mixed = block.mean(axis=1, keepdims=True, dtype=np.float32)
    return np.repeat(mixed, channels, axis=1)


def _resampled(
    blocks: Iterable[NDArray[np.float32]], rate: int, target: int, channels: int
) -> Iterator[NDArray[np.float32]]:
    import av

    if not target <= rate * _MOST_RATIO <= target * _MOST_RATIO**2:
        raise DecodeError(f"sample rate {rate} Hz after one of {target} Hz")
    resamplers = [av.AudioResampler("fltp", "mono", target) for _ in range(channels)]
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
    """Resample a frame of each channel; all return the same number of samples."""
    resampled = [
        np.concatenate([ready.to_ndarray()[0] for ready in resampler.resample(frame)] or [_NONE])
        for resampler, frame in zip(resamplers, frames, strict=True)
    ]
    block = np.stack(resampled, axis=1)
    if len(block):
        yield block


_NONE = np.empty(0, np.float32)
