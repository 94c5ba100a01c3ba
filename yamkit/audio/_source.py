"""Sources of samples, and the limits that apply to all of them.

A reader returns a `Decoded`; `AudioSource` counts and checks its samples, selects a channel or
mixes all, and collects warnings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from yamkit._util.bounds import MAX_CHANNELS, MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ
from yamkit.audio._mix import Cancellation, mean
from yamkit.audio._notes import Notes, place
from yamkit.audio._values import Values
from yamkit.errors import AudioFileError, AudioValueError, DecodeError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "AudioSource",
    "Decoded",
    "block_samples",
    "source_name",
]

_LONGEST_SECONDS = 1e9
"""Thirty years: a longer stated duration is ignored."""

_BLOCK_VALUES = 1 << 16


def block_samples(channels: int) -> int:
    """Return the samples of a block, so that its memory does not depend on the channels."""
    return max(1, _BLOCK_VALUES // channels)


@dataclass(frozen=True)
class Decoded:
    """Sound that a reader has opened.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    channels : int
    blocks : iterator of ndarray, float32 [n, channels]
        May end with a `DecodeError` (a reason without the name of the source).
    notes : Notes
        Complete once all blocks have been read.
    reader : str
        Name of the library that decodes.
    container, codec : str
        Names by the reader.
    streams, stream : int
        Number of sound streams, and number of the one that is used, from 1.
    seconds_promised : float or None
        Duration that the container states; 0 to thirty years after `check`.
    is_bounded : bool
        Whether samples are integers in the source, so that none exceeds full scale.
    """

    sample_rate: int
    channels: int
    blocks: Iterator[NDArray[np.float32]]
    notes: Notes
    reader: str
    container: str
    codec: str
    streams: int = 1
    stream: int = 1
    seconds_promised: float | None = None
    is_bounded: bool = False

    def check(self) -> Decoded:
        """Refuse a sample rate or number of channels out of range; drop such a duration.

        Raises
        ------
        DecodeError
            Without the name of the source.
        """
        if not MIN_SAMPLE_RATE_HZ <= self.sample_rate <= MAX_SAMPLE_RATE_HZ:
            raise DecodeError(
                f"sample rate {self.sample_rate} Hz: must be {MIN_SAMPLE_RATE_HZ} to "
                f"{MAX_SAMPLE_RATE_HZ}"
            )
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise DecodeError(f"{self.channels} channels: must be 1 to {MAX_CHANNELS}")
        seconds = self.seconds_promised
        if seconds is None or 0 <= seconds <= _LONGEST_SECONDS:
            return self
        return replace(self, seconds_promised=None)


class AudioSource:
    """An open source of samples. Use it as a context manager, or call `close`.

    Attributes
    ----------
    name : str
        `display_path` of a path; ``-`` for standard input.
    sample_rate : int
        In Hz.
    channels : int
    decoded : Decoded
        The sound as its reader opened it.
    samples : int
        Samples decoded so far, in each channel.
    """

    def __init__(self, name: str, decoded: Decoded, close: Callable[[], object]) -> None:
        self.name = name
        self.sample_rate = decoded.sample_rate
        self.channels = decoded.channels
        self.decoded = decoded
        self.samples = 0
        self._notes = decoded.notes
        self._close = close

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about the source, such as a damaged spot; complete once it is decoded."""
        return self._notes.lines()

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Decode the source, once.

        Samples have full scale at 1; samples of floating-point sources that exceed it are not
        clipped. NaN, infinity and values beyond 2 ** 32 become zero. `warnings` report what cannot
        be decoded, and other problems.

        Yields
        ------
        ndarray, float32 [n, channels]
            n >= 1, and at most 65,536 values (one sample if there are more channels). No value
            exceeds 2 ** 32.

        Raises
        ------
        DecodeError
            If no sample can be decoded.
        AudioValueError
            If there are no samples, or only NaN, infinity and values beyond 2 ** 32.
        AudioFileError
            If the source cannot be read.
        """
        name = source_name(self.name)
        check = Values(
            self.sample_rate,
            is_bounded=self.decoded.is_bounded,
            is_array=self.decoded.container == "array",
        )
        try:
            for block in self.decoded.blocks:
                checked = check.take(block, self.samples)
                self.samples += len(block)
                yield checked
        except DecodeError as error:
            if not self.samples:
                raise DecodeError(f"{name}: {error}") from error
            self._notes.add(f"{error}, from {place(self.samples / self.sample_rate)} on")
        except OSError as error:
            raise AudioFileError(f"{name}: {error.strerror or error}") from error
        finally:  # a caller may stop before the end
            check.report(self._notes)
        if not self.samples:
            if self.warnings:
                raise DecodeError(f"{name}: no sample can be decoded: {self.warnings[0]}")
            raise AudioValueError(f"{name}: contains no samples")
        if not check.usable:
            raise AudioValueError(f"{name}: contains only {check.no_sound()}")

    def mono(self, channel: int | str = "mix") -> Iterator[NDArray[np.float32]]:
        """Decode the source, once, as one channel.

        Parameters
        ----------
        channel : int or "mix"
            Its number from 1; or the mean of all. `warnings` report where the channels cancel each
            other in the mean.

        Returns
        -------
        iterator of ndarray, float32 [n]

        Raises
        ------
        ParameterError
            If there is no such channel.
        DecodeError, AudioValueError, AudioFileError
            As `blocks` does.
        """
        if channel == "mix":
            return self._mixed() if self.channels > 1 else self._channel(1)
        if not (type(channel) is int and 1 <= channel <= self.channels):
            have = "1 channel" if self.channels == 1 else f"{self.channels} channels"
            raise ParameterError(
                f"{source_name(self.name)}: has {have}; channel {channel} does not exist"
            )
        return self._channel(channel)

    def _channel(self, number: int) -> Iterator[NDArray[np.float32]]:
        for block in self.blocks():
            yield block[:, number - 1]

    def _mixed(self) -> Iterator[NDArray[np.float32]]:
        cancellation = Cancellation(self.sample_rate, self.channels)
        try:
            for block in self.blocks():
                mixed = mean(block)
                cancellation.take(block, mixed)
                yield mixed
        finally:
            cancellation.report(self._notes)

    def close(self) -> None:
        """Close the decoder. Calling it again does nothing."""
        self._close()


def source_name(name: str) -> str:
    """Return the name of a source in messages."""
    return "standard input" if name == "-" else name
