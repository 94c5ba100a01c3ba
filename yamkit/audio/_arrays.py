"""Arrays as sources of samples: one that holds all, or blocks of a stream.

Which of two axes is that of the channels is decided here alone: the second one. An array with more
columns than rows is most likely [channels, samples], as other libraries have it; it is refused
unless it has at most eight columns, as a short block of a stream may, or the caller states the
number of channels.
"""

from __future__ import annotations

import itertools
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from yamkit._util.bounds import MAX_CHANNELS, MAX_SAMPLE_RATE_HZ
from yamkit.audio._notes import Notes
from yamkit.audio._source import (
    AudioSource,
    Decoded,
    block_samples,
)
from yamkit.errors import AudioValueError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import ArrayLike, NDArray

__all__ = ["array_source", "check_channels", "check_sample_rate", "one_channel", "stream_source"]

_CHANNELS_OF_SHORT_BLOCKS = 8
"""Most columns of an array with fewer rows: those of 7.1, the largest common loudspeaker layout."""


def array_source(
    array: ArrayLike, sample_rate: int | None, channels: int | None = None
) -> AudioSource:
    """Take an array as a source.

    Parameters
    ----------
    array : array [samples] or [samples, channels]
        Floats with full scale at 1, kept even beyond it; or signed integers, divided by
        ``2 ** (bits - 1)``.
    sample_rate : int or None
        In Hz. None is an error: an array does not say it.
    channels : int, optional
        How many columns the array has; needed where it has more than eight, and more columns than
        rows.

    Returns
    -------
    AudioSource
        Named ``array``. It converts the array block by block.

    Raises
    ------
    ParameterError
        If the sample rate is missing, or it or the number of channels is out of range.
    AudioValueError
        If the array has another shape or type, or no sample.
    """
    rate = check_sample_rate(sample_rate)
    samples = _as_array(array)
    _check_shape(samples.shape, check_channels(channels))
    if not len(samples):
        raise AudioValueError("array: holds no samples")
    samples = _with_channels(samples)
    return _source("array", rate, samples, _pieces(samples))


def stream_source(
    blocks: Iterable[ArrayLike], sample_rate: int, channels: int | None = None
) -> AudioSource:
    """Take a stream of arrays, each of a kind that `array_source` takes, as a source.

    Parameters
    ----------
    blocks : iterable of array [n] or [n, channels]
        n >= 0, all with as many channels. The first is taken at once.
    sample_rate : int
        In Hz.
    channels : int, optional
        As in `array_source`. Blocks behind one that has at least as many rows as columns may be
        shorter without it.

    Returns
    -------
    AudioSource
        Named ``the stream``. It raises `AudioValueError` where a block has another shape or type.

    Raises
    ------
    ParameterError
        If the sample rate or the number of channels is out of range.
    AudioValueError
        If there is no block, or the first has another shape or type.
    """
    rate = check_sample_rate(sample_rate)
    samples = _alike(blocks, check_channels(channels))
    first = next(samples, None)
    if first is None:
        raise AudioValueError("the stream holds no samples")
    pieces = (piece for block in itertools.chain([first], samples) for piece in _pieces(block))
    return _source("the stream", rate, first, pieces)


def one_channel(array: ArrayLike) -> NDArray[np.float32]:
    """Take a block of one channel.

    Parameters
    ----------
    array : array [n] or [n, 1]
        n >= 0, of a type that `array_source` takes.

    Returns
    -------
    ndarray, float32 [n]

    Raises
    ------
    AudioValueError
        If the array has another shape or type.
    """
    samples = _as_array(array)
    if samples.shape[1:] not in ((), (1,)):
        raise AudioValueError(
            f"a block of shape {samples.shape}: wanted one channel, [samples]; mix them, or take "
            "one"
        )
    return _as_floats(samples.reshape(-1))


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


def _alike(blocks: Iterable[ArrayLike], channels: int | None) -> Iterator[NDArray[Any]]:
    """Look at the blocks of a stream as [samples, channels], as many channels in each.

    Once the second axis is known to be that of the channels, blocks may have fewer samples.
    """
    columns: int | None = None
    is_known = False
    for each in blocks:
        samples = _as_array(each)
        if not len(samples):
            continue
        if not is_known:
            _check_shape(samples.shape, channels)
        block = _with_channels(samples)
        columns = columns or block.shape[1]
        if block.shape[1] != columns:
            raise AudioValueError(
                f"a block of {block.shape[1]} channels behind blocks of {columns}; wanted "
                "as many in all"
            )
        is_known = is_known or channels is not None or len(block) >= columns
        yield block


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


def check_channels(channels: object) -> int | None:
    """Give a stated number of channels as an int; None where it is left open.

    Raises
    ------
    ParameterError
        If it is no whole number, or out of range.
    """
    if channels is None:
        return None
    try:
        number = 0 if isinstance(channels, bool) else operator.index(channels)  # type: ignore[arg-type]
    except TypeError:
        number = 0
    if not 1 <= number <= MAX_CHANNELS:
        raise ParameterError(
            f"channels {channels!r}: wanted a whole number from 1 to {MAX_CHANNELS}"
        )
    return number


def _as_array(array: ArrayLike) -> NDArray[Any]:
    """Look at something as an array of one or two axes, of a type of samples, without a copy."""
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
    return samples


def _with_channels(samples: NDArray[Any]) -> NDArray[Any]:
    return samples[:, None] if samples.ndim == 1 else samples


def _check_shape(shape: tuple[int, ...], channels: int | None) -> None:
    """Refuse a shape that is not, or most likely not, [samples, channels]."""
    rows, columns = shape if len(shape) == 2 else (*shape, 1)
    if channels is not None and columns != channels:
        remedy = ""
        if rows == channels:
            remedy = "; transpose it"
        elif len(shape) == 1:
            remedy = f"; interleaved samples become that by reshape(-1, {channels})"
        raise AudioValueError(
            f"an array of shape {shape}: with channels={channels}, wanted [samples, {channels}]"
            f"{remedy}"
        )
    if not 1 <= columns <= MAX_CHANNELS:
        raise AudioValueError(
            f"an array of shape {shape} has {columns} channels, wanted 1 to {MAX_CHANNELS}; is it "
            "[channels, samples]? Then transpose it"
        )
    if channels is None and columns > max(rows, _CHANNELS_OF_SHORT_BLOCKS) and rows:
        raise AudioValueError(
            f"an array of shape {shape}: wanted [samples, channels]; transpose it if it is "
            f"[channels, samples], or add channels={columns} if it is not"
        )


def _pieces(samples: NDArray[Any]) -> Iterator[NDArray[np.float32]]:
    step = block_samples(samples.shape[1])
    for start in range(0, len(samples), step):
        yield _as_floats(samples[start : start + step])


def _as_floats(samples: NDArray[Any]) -> NDArray[np.float32]:
    """Convert samples to full scale at 1."""
    with np.errstate(over="ignore"):
        floats = samples.astype(np.float32)
    if samples.dtype.kind == "i":
        # A power of two, so the product is as exact as the conversion.
        floats *= np.float32(2.0 ** (1 - 8 * samples.dtype.itemsize))
    return floats
