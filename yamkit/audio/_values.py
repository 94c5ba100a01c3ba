"""Values of samples that cannot be sound, or that have another full scale than 1.

NaN, infinity, and values that no scale explains become zero. Values of another scale are kept, with
a warning: integers stored as floats, and 16-bit integers stored in 32 or 64 bits, which are hardly
louder than silence.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from yamkit.audio._notes import place

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from yamkit.audio._notes import Notes

__all__ = ["LARGEST_SAMPLE", "Values"]

LARGEST_SAMPLE = 2.0**32
"""Largest value of a sample: twice the full scale of unscaled 32-bit integers."""
_HIGHEST_PEAK = 32.0
"""Peak from which on full scale is not 1: 30 dB above it."""

_LOWEST_PEAK = 128
"""Peak in integer steps below which samples are silence with dither, at any scale."""


class Values:
    """Examines the samples of a source, block by block, in constant memory.

    Parameters
    ----------
    sample_rate : int
        In Hz.
    is_bounded : bool
        Whether samples are integers in the source, so that none exceeds full scale.
    is_array : bool
        Whether the source is an array, not a file that FFmpeg could rescale.

    Attributes
    ----------
    usable : int
        Number of values so far that can be sound.
    """

    def __init__(self, sample_rate: int, *, is_bounded: bool, is_array: bool) -> None:
        self._rate, self._is_bounded, self._is_array = sample_rate, is_bounded, is_array
        self.usable = self._odd = 0
        self._has_huge = False
        self._first = ""
        self._peak, self._peak_sample = 0.0, 0
        self._faint: _Faint | None = _Faint()

    def take(self, block: NDArray[np.float32], start: int) -> NDArray[np.float32]:
        """Return a block with zeros in place of values that cannot be sound.

        Parameters
        ----------
        block : ndarray, float32 [n, channels]
        start : int
            Place of its first sample in the source.
        """
        if not block.size:  # some decoders return empty blocks
            return block
        if not (self._is_bounded or _is_small(block)):
            block = self._bounded(block, start)
        self.usable += block.size
        if self._faint is not None and not self._faint.take(block):
            self._faint = None
        return block

    def _bounded(self, block: NDArray[np.float32], start: int) -> NDArray[np.float32]:
        high, low = float(block.max()), float(block.min())
        if not (high <= LARGEST_SAMPLE and low >= -LARGEST_SAMPLE):  # NaN is neither
            block = self._clean(block, start)
            high, low = float(block.max()), float(block.min())
        peak = max(high, -low)
        if peak > self._peak:
            self._peak = peak
            if peak >= _HIGHEST_PEAK and not self._peak_sample:
                self._peak_sample = start + int(np.argmax(np.abs(block).max(axis=1))) + 1
        return block

    def no_sound(self) -> str:
        """Return a name for the values that were found and cannot be sound."""
        if self._has_huge:
            return f"NaN, infinity and values beyond {LARGEST_SAMPLE:.0f}, where full scale is 1"
        return "NaN and infinity"

    def report(self, notes: Notes) -> None:
        """Add warnings to the notes."""
        if self._odd:
            samples = "1 sample is" if self._odd == 1 else f"{self._odd} samples are"
            huge = f" or beyond {LARGEST_SAMPLE:.0f}" if self._has_huge else ""
            notes.add(f"{samples} not finite{huge} and counted as zero: {self._first}")
        if self._peak >= _HIGHEST_PEAK:
            bits = 16 if self._peak <= 2**15 else 24 if self._peak <= 2**23 else 32
            notes.add(
                f"samples reach {self._peak:g}, first at "
                f"{place((self._peak_sample - 1) / self._rate)}, where full scale is 1: they look "
                f"like {bits}-bit integers; divide them by {2 ** (bits - 1)}"
                f"{self._with_ffmpeg(f'1/{2 ** (bits - 1)}', 'pcm_f32le')}"
            )
        if self._faint is not None and (found := self._faint.scale()) is not None:
            steps, bits = found
            factor = 2 ** (bits - 16)
            notes.add(
                f"no sample is beyond {steps} of {2 ** (bits - 1)}, the full scale of {bits}-bit "
                f"integers: they look like 16-bit integers that were not scaled; multiply them by "
                f"{factor}{self._with_ffmpeg(str(factor), 'pcm_s32le')}"
            )

    def _with_ffmpeg(self, volume: str, codec: str) -> str:
        if self._is_array:
            return ""
        return f", such as with: ffmpeg -i IN.wav -af volume={volume} -c:a {codec} OUT.wav"

    def _clean(self, block: NDArray[np.float32], start: int) -> NDArray[np.float32]:
        is_sound = np.abs(block) <= LARGEST_SAMPLE
        odd = block.size - int(np.count_nonzero(is_sound))
        if not self._odd:
            row, channel = (int(index) for index in np.argwhere(~is_sound)[0])
            value = float(block[row, channel])
            word = "NaN" if math.isnan(value) else "infinity" if math.isinf(value) else f"{value:g}"
            self._first = (
                f"first {word} at {place((start + row) / self._rate)}, channel {channel + 1}"
            )
        self._odd += odd
        self.usable -= odd
        self._has_huge |= bool(np.isfinite(block[~is_sound]).any())
        return np.where(is_sound, block, np.float32(0))


class _Faint:
    """Finds sources whose samples are all small integers, in steps of 32 or 64 bits.

    In sound of 32-bit integers, the lowest byte is zero if it comes from a 24-bit converter; if it
    was computed, its level is above -96 dB of full scale, silence aside. Floats have finer steps.
    So samples below that level, in whole steps that need the lowest byte, are 16-bit integers in 32
    bits. Those in 64 bits are smaller than any step of 32 bits.
    """

    def __init__(self) -> None:
        self._peak = 0.0
        self._is_whole = {32: True, 64: True}
        self._has_low_byte = False

    def take(self, block: NDArray[np.float32]) -> bool:
        """Process a block; return False once the source is known not to be of this kind."""
        peak = max(float(block.max()), -float(block.min()))
        self._peak = max(self._peak, peak)
        if self._peak > 2.0**-16:
            return False
        if not peak:
            return True
        for bits, is_whole in self._is_whole.items():
            steps = block * np.float32(2.0 ** (bits - 1))
            self._is_whole[bits] = is_whole and bool((steps == np.rint(steps)).all())
        bytes_ = block * np.float32(2.0**23)
        self._has_low_byte = self._has_low_byte or bool((bytes_ != np.rint(bytes_)).any())
        return self._is_whole[32] or self._peak <= 2.0**-48

    def scale(self) -> tuple[int, int] | None:
        """Return the peak in steps, and the bits of a step; None if the scale is correct."""
        if self._is_whole[32] and self._has_low_byte:
            bits = 32
        elif self._is_whole[64] and self._peak <= 2.0**-48:
            bits = 64
        else:
            return None
        steps = round(self._peak * 2.0 ** (bits - 1))
        return (steps, bits) if steps >= _LOWEST_PEAK else None


def _is_small(block: NDArray[np.float32]) -> bool:
    """Return True, in one pass, if all samples are finite and far below the highest peak.

    No sample is larger than the root of the sum of all squares. False is inconclusive.
    """
    rows = block if block.flags.c_contiguous else block.T
    if not rows.flags.c_contiguous:
        return False
    values = rows.reshape(-1)
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.dot(values, values)) < _HIGHEST_PEAK**2
