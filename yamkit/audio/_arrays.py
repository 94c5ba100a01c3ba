"""Arrays as sources of samples, and the mix of all channels to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from yamkit.audio._source import (
    MAX_CHANNELS,
    MAX_SAMPLE_RATE_HZ,
    AudioSource,
    Decoded,
    block_samples,
    check_finite,
)
from yamkit.errors import AudioValueError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import ArrayLike, NDArray

__all__ = ["array_source", "check_sample_rate", "float_blocks", "mono"]

# NumPy adds fewer values than this one after the other, and only then is a sum over columns the
# same to the last bit as its mean along a row.
_PAIRWISE = 8


def array_source(array: ArrayLike, sample_rate: int | None) -> AudioSource:
    """Take an array as a source.

    Parameters
    ----------
    array : array [samples] or [samples, channels]
        Floats with full scale at 1, kept even beyond it; or signed integers, divided by
        ``2 ** (bits - 1)``.
    sample_rate : int or None
        In Hz. None is an error: an array does not say it.

    Returns
    -------
    AudioSource
        Named ``array``. It converts the array block by block.

    Raises
    ------
    ParameterError
        If the sample rate is missing or out of range.
    AudioValueError
        If the array has another shape or type, or no sample.
    """
    rate = check_sample_rate(sample_rate)
    samples = _as_samples(array)
    if not len(samples):
        raise AudioValueError("array: holds no samples")
    decoded = Decoded(rate, samples.shape[1], _pieces(samples))
    return AudioSource("array", decoded, lambda: None)


def float_blocks(blocks: Iterable[ArrayLike]) -> Iterator[NDArray[np.float32]]:
    """Convert a stream of arrays, each of a kind that `array_source` takes.

    Parameters
    ----------
    blocks : iterable of array [n] or [n, channels]
        n >= 0.

    Yields
    ------
    ndarray, float32 [m, channels]
        m >= 1; longer blocks come in pieces.

    Raises
    ------
    AudioValueError
        If a block has another shape or type.
    """
    for block in blocks:
        yield from _pieces(_as_samples(block))


def mono(
    blocks: Iterable[NDArray[np.float32]], sample_rate: int, channel: int | None = None
) -> Iterator[NDArray[np.float32]]:
    """Average the channels, or take one.

    Parameters
    ----------
    blocks : iterable of ndarray, float32 [n, channels]
        Consecutive samples.
    sample_rate : int
        In Hz; it only says when, should a sample be refused.
    channel : int, optional
        Its number, from 1; None for the mean of all.

    Yields
    ------
    ndarray, float32 [n]

    Raises
    ------
    AudioValueError
        At a NaN or an infinity.
    ParameterError
        If there is no such channel.
    """
    start = 0
    for block in blocks:
        if channel is not None:
            check_channel(channel, block.shape[1], "the stream")
            block = block[:, channel - 1 : channel]
        with np.errstate(over="ignore", invalid="ignore"):
            samples = _mean(block)
        if not np.isfinite(samples).all():
            check_finite(block, start, sample_rate)
            # All samples are finite, so it was their sum that left float32.
            samples = block.mean(axis=1, dtype=np.float64).astype(np.float32)
        yield samples
        start += len(block)


def check_channel(channel: int | None, channels: int, name: str) -> None:
    """Refuse a channel that a source does not have.

    Raises
    ------
    ParameterError
        Naming the source.
    """
    if channel is not None and channel > channels:
        count = "1 channel" if channels == 1 else f"{channels} channels"
        raise ParameterError(f"{name}: has {count}; channel {channel} is none of them")


def check_sample_rate(sample_rate: object) -> int:
    """Give a sample rate as an int.

    Raises
    ------
    ParameterError
        If it is missing, no whole number, or out of range.
    """
    if sample_rate is None:
        raise ParameterError("an array does not say its sample rate; add sample_rate=HZ")
    is_number = isinstance(sample_rate, (int, float, np.integer, np.floating))
    if is_number and not isinstance(sample_rate, bool):
        rate = float(sample_rate)  # type: ignore[arg-type]
        if 1 <= rate <= MAX_SAMPLE_RATE_HZ and rate.is_integer():
            return int(rate)
    raise ParameterError(
        f"sample rate {sample_rate!r}: wanted a whole number of Hz, 1 to {MAX_SAMPLE_RATE_HZ}"
    )


def _as_samples(array: ArrayLike) -> NDArray[Any]:
    """Look at an array as [samples, channels], without a copy."""
    try:
        samples = np.asarray(array)
    except (TypeError, ValueError) as error:
        raise AudioValueError(
            f"a {type(array).__name__} that is no array: wanted [samples] or [samples, channels]"
        ) from error
    if samples.ndim not in (1, 2):
        raise AudioValueError(
            f"an array of shape {samples.shape}: wanted [samples] or [samples, channels]"
        )
    if samples.dtype.kind not in "fi" and samples.size:
        raise AudioValueError(
            f"an array of {samples.dtype}: wanted floats with full scale at 1, or signed integers"
        )
    if samples.dtype.kind == "i" and not hasattr(array, "dtype"):
        raise AudioValueError(
            f"a {type(array).__name__} of integers has no full range; wanted an array, such as "
            "numpy.array(samples, dtype='int16')"
        )
    if samples.ndim == 1:
        return samples[:, None]
    if not 1 <= samples.shape[1] <= MAX_CHANNELS:
        raise AudioValueError(
            f"an array of shape {samples.shape} has {samples.shape[1]} channels, wanted 1 to "
            f"{MAX_CHANNELS}; is it [channels, samples]? Then transpose it"
        )
    return samples


def _pieces(samples: NDArray[Any]) -> Iterator[NDArray[np.float32]]:
    step = block_samples(samples.shape[1])
    for start in range(0, len(samples), step):
        piece = samples[start : start + step]
        if piece.dtype.kind == "i":
            # A power of two, so the product is as exact as the conversion.
            scale = np.float32(2.0 ** (1 - 8 * piece.dtype.itemsize))
            yield piece.astype(np.float32) * scale
        else:
            with np.errstate(over="ignore"):
                yield piece.astype(np.float32)


def _mean(block: NDArray[np.float32]) -> NDArray[np.float32]:
    channels = block.shape[1]
    mean: NDArray[np.float32]
    if channels == 1:
        return block[:, 0]
    if channels >= _PAIRWISE:
        # NumPy adds in another order where the channels do not lie beside each other.
        mean = np.ascontiguousarray(block).mean(axis=1)
    else:
        mean = block[:, 0] + block[:, 1]
        for channel in range(2, channels):
            mean += block[:, channel]
        mean /= np.float32(channels)
    return mean
