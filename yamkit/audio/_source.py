"""What every source of samples looks like, and the limits that all of them keep.

A decoder fills in a `Decoded`; `AudioSource` counts its samples, checks them, and turns an end
that came too soon into a warning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from yamkit.errors import AudioFileError, AudioValueError, DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from typing_extensions import Self

__all__ = [
    "MAX_CHANNELS",
    "MAX_SAMPLE_RATE_HZ",
    "AudioSource",
    "Decoded",
    "block_samples",
    "check_finite",
    "spoken",
]

MAX_CHANNELS = 1024
"""Most channels of a source; libsndfile has the same limit."""

MAX_SAMPLE_RATE_HZ = 10_000_000
"""Highest sample rate of a source: beyond any recorder, below what damaged headers claim."""

_BLOCK_VALUES = 1 << 16


def block_samples(channels: int) -> int:
    """Give the samples of a block, so that no number of channels makes it larger in memory."""
    return max(1, _BLOCK_VALUES // channels)


@dataclass(frozen=True)
class Decoded:
    """What a decoder gives.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    channels : int
    blocks : iterator of ndarray, float32 [n, channels]
        Ends with a `DecodeError` (a reason, without the name of the source) where less could be
        decoded than the source promises.
    """

    sample_rate: int
    channels: int
    blocks: Iterator[NDArray[np.float32]]

    def check(self) -> Decoded:
        """Refuse a sample rate or a number of channels that makes no sense.

        Raises
        ------
        DecodeError
            Without the name of the source.
        """
        if not 1 <= self.sample_rate <= MAX_SAMPLE_RATE_HZ:
            raise DecodeError(
                f"a sample rate of {self.sample_rate} Hz; wanted 1 to {MAX_SAMPLE_RATE_HZ}"
            )
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise DecodeError(f"{self.channels} channels; wanted 1 to {MAX_CHANNELS}")
        return self


class AudioSource:
    """An open source of samples. Use it as a context manager, or call `close`.

    Attributes
    ----------
    name : str
        As `display_path` gives it for a path; ``-`` for standard input.
    sample_rate : int
        In Hz.
    channels : int
    samples : int
        Decoded so far, in each channel.
    """

    def __init__(self, name: str, decoded: Decoded, close: Callable[[], object]) -> None:
        self.name = name
        self.sample_rate = decoded.sample_rate
        self.channels = decoded.channels
        self.samples = 0
        self._blocks = decoded.blocks
        self._close = close
        self._warnings: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was odd about the source, such as a truncated file; filled while it is decoded."""
        return tuple(self._warnings)

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Decode the source, once.

        Samples have full scale at 1; floating-point sources that go beyond it are kept as they
        are, never clipped. A source that breaks off is decoded as far as it goes, and `warnings`
        says so.

        Yields
        ------
        ndarray, float32 [n, channels]
            n >= 1, and at most 65,536 values in all (one sample where there are more channels).

        Raises
        ------
        DecodeError
            If not a single sample can be decoded.
        AudioValueError
            If there is no sample, or at a NaN or an infinity.
        AudioFileError
            If the system fails to read the source.
        """
        name = spoken(self.name)
        try:
            for block in self._blocks:
                check_finite(block, self.samples, self.sample_rate, f"{name}: ")
                self.samples += len(block)
                yield block
        except DecodeError as error:
            if not self.samples:
                raise DecodeError(f"{name}: {error}") from error
            self._warnings.append(str(error))
        except OSError as error:
            raise AudioFileError(f"{name}: {error.strerror or error}") from error
        if not self.samples:
            raise AudioValueError(f"{name}: holds no samples")

    def mono(self, channel: int | None = None) -> Iterator[NDArray[np.float32]]:
        """Decode the source, once, into one channel.

        Parameters
        ----------
        channel : int, optional
            Its number, from 1; None for the mean of all.

        Returns
        -------
        iterator of ndarray, float32 [n]

        Raises
        ------
        ParameterError
            If the source has no such channel.
        AudioError
            As `blocks` does.
        """
        from yamkit.audio._arrays import check_channel, mono

        check_channel(channel, self.channels, spoken(self.name))
        return mono(self.blocks(), self.sample_rate, channel)

    def close(self) -> None:
        """Free what the decoder holds. Calling it again does nothing."""
        self._close()


def spoken(name: str) -> str:
    """Give a source's name as messages have it."""
    return "standard input" if name == "-" else name


def check_finite(
    block: NDArray[np.floating[Any]], start: int, sample_rate: int, prefix: str = ""
) -> None:
    """Refuse NaN and infinity.

    Parameters
    ----------
    block : ndarray [n, channels]
    start : int
        Place of its first sample in the stream.
    sample_rate : int
        In Hz.
    prefix : str
        What the message begins with.

    Raises
    ------
    AudioValueError
        Naming the first one: its place counted from 0, its time, its channel counted from 1.
    """
    finite = np.isfinite(block)
    if finite.all():
        return
    row, channel = (int(index) for index in np.argwhere(~finite)[0])
    sample = start + row
    value = "NaN" if np.isnan(block[row, channel]) else "infinity"
    raise AudioValueError(
        f"{prefix}{value} at sample {sample} ({sample / sample_rate:.6g} s), channel "
        f"{channel + 1}; only finite samples can be tagged"
    )
