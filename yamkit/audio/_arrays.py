"""Arrays as sources of samples: one that holds all, or blocks of a stream."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from yamkit.audio._notes import Notes
from yamkit.audio._source import (
    MAX_CHANNELS,
    MAX_SAMPLE_RATE_HZ,
    AudioSource,
    Decoded,
    block_samples,
)
from yamkit.errors import AudioValueError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import ArrayLike, NDArray

__all__ = ["array_source", "check_sample_rate", "stream_source"]


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
    return _source("array", rate, samples, _pieces(samples))


def stream_source(blocks: Iterable[ArrayLike], sample_rate: int) -> AudioSource:
    """Take a stream of arrays, each of a kind that `array_source` takes, as a source.

    Parameters
    ----------
    blocks : iterable of array [n] or [n, channels]
        n >= 0, all with as many channels. The first is taken at once.
    sample_rate : int
        In Hz.

    Returns
    -------
    AudioSource
        Named ``the stream``. It raises `AudioValueError` where a block has another shape or type.

    Raises
    ------
    ParameterError
        If the sample rate is out of range.
    AudioValueError
        If there is no block, or the first has another shape or type.
    """
    rate = check_sample_rate(sample_rate)
    others = map(_as_samples, blocks)
    first = next(others, None)
    if first is None:
        raise AudioValueError("the stream holds no samples")
    return _source("the stream", rate, first, _alike(first, others))


def _source(
    name: str, rate: int, samples: NDArray[Any], blocks: Iterator[NDArray[np.float32]]
) -> AudioSource:
    decoded = Decoded(
        rate,
        samples.shape[1],
        blocks,
        Notes(),
        reader="yamkit",
        container="array",
        codec=str(samples.dtype),
    )
    return AudioSource(name, decoded, lambda: None)


def _alike(first: NDArray[Any], others: Iterator[NDArray[Any]]) -> Iterator[NDArray[np.float32]]:
    for block in itertools.chain([first], others):
        if block.shape[1] != first.shape[1]:
            raise AudioValueError(
                f"a block of {block.shape[1]} channels behind blocks of {first.shape[1]}; wanted "
                "as many in all"
            )
        yield from _pieces(block)


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
