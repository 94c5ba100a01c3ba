"""Arrays as sources of samples: one array, or blocks of a stream.

The second axis is that of the channels. An array with more columns than rows is most likely
[channels, samples], as in other libraries; it is refused unless it has at most eight columns, as a
short block of a stream may have, or the caller states the number of channels.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from yamkit._util.bounds import MAX_CHANNELS, MAX_SAMPLE_RATE_HZ
from yamkit._util.numbers import integer_of
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
    """Return an array as a source.

    Parameters
    ----------
    array : array [samples] or [samples, channels]
        Floats with full scale at 1, kept even beyond it; or signed integers, divided by
        ``2 ** (bits - 1)``.
    sample_rate : int or None
        In Hz. None is an error: an array does not state it.
    channels : int, optional
        Number of columns of the array; required if it has more than eight, and more columns than
        rows.

    Returns
    -------
    AudioSource
        Named ``array``; it converts the array block by block.

    Raises
    ------
    ParameterError
        If the sample rate is missing, or it or the number of channels is out of range.
    AudioValueError
        If the array has another shape or type, or no samples.
    """
    rate = check_sample_rate(sample_rate)
    samples = _as_array(array)
    _check_shape(samples.shape, check_channels(channels))
    if not len(samples):
        raise AudioValueError("array: contains no samples")
    samples = _with_channels(samples)
    return _source("array", rate, samples, _pieces(samples))


def stream_source(
    blocks: Iterable[ArrayLike], sample_rate: int, channels: int | None = None
) -> AudioSource:
    """Return a stream of arrays, each as `array_source` accepts it, as a source.

    Parameters
    ----------
    blocks : iterable of array [n] or [n, channels]
        n >= 0, all with the same number of channels. The first is read at once.
    sample_rate : int
        In Hz.
    channels : int, optional
        As in `array_source`. Blocks after one with at least as many rows as columns may be shorter
        without it.

    Returns
    -------
    AudioSource
        Named ``the stream``; it raises `AudioValueError` if a block has another shape or type.

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
        raise AudioValueError("the stream contains no samples")
    pieces = (piece for block in itertools.chain([first], samples) for piece in _pieces(block))
    return _source("the stream", rate, first, pieces)


def one_channel(array: ArrayLike) -> NDArray[np.float32]:
    """Return a block of one channel.

    Parameters
    ----------
    array : array [n] or [n, 1]
        n >= 0, of a type that `array_source` accepts.

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
            f"block of shape {samples.shape}: must have one channel, [samples]; mix the channels "
            "or choose one"
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
    """Yield the blocks of a stream as [samples, channels], all with the same number of channels.

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
                f"block of {block.shape[1]} channels after blocks of {columns}: must have the same "
                "number"
            )
        is_known = is_known or channels is not None or len(block) >= columns
        yield block


def check_sample_rate(sample_rate: object) -> int:
    """Return a sample rate as an int.

    Raises
    ------
    ParameterError
        If it is missing, not a whole number, or out of range.
    """
    if sample_rate is None:
        raise ParameterError("an array does not state its sample rate; add sample_rate=HZ")
    is_number = isinstance(sample_rate, (int, float, np.integer, np.floating))
    if is_number and not isinstance(sample_rate, bool):
        rate = float(sample_rate)  # type: ignore[arg-type]
        if 1 <= rate <= MAX_SAMPLE_RATE_HZ and rate.is_integer():
            return int(rate)
    raise ParameterError(
        f"sample rate {sample_rate!r}: must be a whole number of Hz, 1 to {MAX_SAMPLE_RATE_HZ}"
    )


def check_channels(channels: object) -> int | None:
    """Return a number of channels as an int, or None if it is not stated.

    Raises
    ------
    ParameterError
        If it is not a whole number, or out of range.
    """
    if channels is None:
        return None
    number = None if isinstance(channels, bool) else integer_of(channels)
    if number is None or not 1 <= number <= MAX_CHANNELS:
        raise ParameterError(
            f"channels {channels!r}: must be a whole number from 1 to {MAX_CHANNELS}"
        )
    return number


def _as_array(array: ArrayLike) -> NDArray[Any]:
    """Return an array of one or two axes and a type of samples, without a copy."""
    try:
        samples = np.asarray(array)
    except (TypeError, ValueError) as error:
        raise AudioValueError(
            f"{type(array).__name__}: must be an array, [samples] or [samples, channels]"
        ) from error
    if samples.ndim not in (1, 2):
        raise AudioValueError(
            f"array of shape {samples.shape}: must be [samples] or [samples, channels]"
        )
    if samples.dtype.kind not in "fi" and samples.size:
        raise AudioValueError(
            f"array of {samples.dtype}: must be floats with full scale at 1, or signed integers"
        )
    if samples.dtype.kind == "i" and not hasattr(array, "dtype"):
        raise AudioValueError(
            f"{type(array).__name__} of integers: has no full scale; must be an array, such as "
            "numpy.array(samples, dtype='int16')"
        )
    return samples


def _with_channels(samples: NDArray[Any]) -> NDArray[Any]:
    return samples[:, None] if samples.ndim == 1 else samples


def _check_shape(shape: tuple[int, ...], channels: int | None) -> None:
    """Refuse a shape that is not, or probably not, [samples, channels]."""
    rows, columns = shape if len(shape) == 2 else (*shape, 1)
    if channels is not None and columns != channels:
        remedy = ""
        if rows == channels:
            remedy = "; transpose it"
        elif len(shape) == 1:
            remedy = f"; reshape interleaved samples with reshape(-1, {channels})"
        raise AudioValueError(
            f"array of shape {shape}: with channels={channels}, must be [samples, {channels}]"
            f"{remedy}"
        )
    if not 1 <= columns <= MAX_CHANNELS:
        raise AudioValueError(
            f"array of shape {shape}: has {columns} channels, must have 1 to {MAX_CHANNELS}; "
            "transpose it if it is [channels, samples]"
        )
    if channels is None and columns > max(rows, _CHANNELS_OF_SHORT_BLOCKS) and rows:
        raise AudioValueError(
            f"array of shape {shape}: must be [samples, channels]; transpose it if it is "
            f"[channels, samples], else add channels={columns}"
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
        # a power of two, so the product is exact
        floats *= np.float32(2.0 ** (1 - 8 * samples.dtype.itemsize))
    return floats
