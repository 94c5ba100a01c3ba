"""resampy's `kaiser_best` kernel: exact positions of outputs, and the weights at a position.

It is a sinc with 50 zero crossings on each side under a Kaiser window (J. O. Smith, "Digital Audio
Resampling Home Page"), computed as in resampy 0.4.3: by linear interpolation in a table of 2^13
steps for each zero crossing. To match resampy's numbers, the steps are the same: when the rate is
reduced, the step from tap to tap is ``int(scale * 2^13)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from typing import TYPE_CHECKING

import numpy as np

from yamkit.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Ratio", "kernel_values", "phase_weights"]

_ZERO_CROSSINGS = 50
_PRECISION = 2**13
_TABLE_SIZE = _ZERO_CROSSINGS * _PRECISION + 1
# The constants that resampy's packaged table was computed with.
_ROLLOFF = 0.9173473712608761
_KAISER_BETA = 12.98458524704001


@dataclass(frozen=True)
class Ratio:
    """A change of rate in lowest terms: `up` outputs for `down` inputs.

    Output t lies at input ``t * down / up``: a whole sample and a phase, both exact integers.
    """

    up: int
    down: int

    @classmethod
    def of(cls, from_hz: int, to_hz: int) -> Ratio:
        """Return the ratio of two rates in lowest terms.

        Raises
        ------
        ParameterError
            If one is not positive, or the table is too coarse for so large a reduction.
        """
        if from_hz < 1 or to_hz < 1:
            raise ParameterError(f"rates {from_hz} and {to_hz} Hz: must be at least 1 Hz")
        if from_hz > to_hz * _PRECISION:
            raise ParameterError(
                f"from {from_hz} to {to_hz} Hz: ratio must be at least 1/{_PRECISION}"
            )
        divisor = gcd(from_hz, to_hz)
        return cls(to_hz // divisor, from_hz // divisor)

    @property
    def scale(self) -> float:
        """Relative bandwidth of the kernel: below 1 if the rate is reduced."""
        return min(1.0, self.up / self.down)

    @property
    def step(self) -> int:
        """Steps of the table from tap to tap."""
        return int(self.scale * _PRECISION)

    @property
    def reach(self) -> int:
        """Largest number of taps on one side of a position."""
        return _TABLE_SIZE // self.step

    def outputs(self, inputs: int) -> int:
        """Return the number of outputs for a number of inputs."""
        return inputs * self.up // self.down

    def place(self, output: int) -> int:
        """Return the whole sample at or before an output."""
        return output * self.down // self.up

    def positions(self, first: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return whole samples and phases (in 1/up samples) of consecutive outputs."""
        whole, phase = divmod(first * self.down, self.up)
        steps = phase + np.arange(count, dtype=np.int64) * self.down
        return whole + steps // self.up, steps % self.up

    def short_outputs(self, first: int, count: int) -> NDArray[np.int64]:
        """Return the outputs on a whole sample that resampy places just before it.

        resampy computes positions in floating point. For these outputs it swaps the wings, at phase
        `up` of the sample before; as the step is truncated, the wings are not exactly symmetric.
        """
        outputs = np.arange(-(-first // self.up) * self.up, first + count, self.up)
        return outputs[outputs * (1.0 / (self.up / self.down)) < outputs // self.up * self.down]


def kernel_values(index: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the right half of the kernel at steps of the table; the last step is repeated."""
    time = np.minimum(index, _TABLE_SIZE - 1) / _PRECISION  # in zero crossings
    window = np.i0(_KAISER_BETA * np.sqrt(1 - (time / _ZERO_CROSSINGS) ** 2))
    return _ROLLOFF * np.sinc(_ROLLOFF * time) * window / np.i0(_KAISER_BETA)


def phase_weights(ratio: Ratio, phases: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the weights of the samples around each position.

    Parameters
    ----------
    ratio : Ratio
    phases : ndarray, int64 [T]
        Fractions of the positions, in 1/up samples.

    Returns
    -------
    ndarray, float32 [T, 2 * reach]
        For the samples ``whole - reach + 1`` to ``whole + reach`` of each position.
    """
    fraction = ratio.scale * (phases / ratio.up)
    left = _wing(ratio, fraction)[:, ::-1]
    right = _wing(ratio, ratio.scale - fraction)
    return np.concatenate([left, right], axis=1)


def _wing(ratio: Ratio, fraction: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return one side of the kernel: [T] distances of the first tap -> [T, reach] weights."""
    place = fraction * _PRECISION
    offset = place.astype(np.int64)
    eta = (place - offset).astype(np.float32)[:, np.newaxis]
    if len(offset) < ratio.step // 8:  # for few outputs the whole table costs more
        here, slope = _rows(ratio, offset)
    else:
        here, slope = (table[offset] for table in _all_rows(ratio))
    return here + eta * slope


@lru_cache(maxsize=1)
def _all_rows(ratio: Ratio) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the table with a row for each first step, so that a wing is a copy of one row."""
    offsets = np.array_split(np.arange(ratio.step + 1), 16)  # in pieces that fit the cache
    pieces = [_rows(ratio, part) for part in offsets]
    here, slope = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    return here, slope


def _rows(
    ratio: Ratio, offset: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the taps from each first step on: scaled values, and differences to the next step."""
    taps = np.arange(ratio.reach)
    index = offset[:, np.newaxis] + taps * ratio.step
    # as in resampy, the last whole step before the end of the table has no tap
    inside = taps < ((_TABLE_SIZE - offset) // ratio.step)[:, np.newaxis]
    here = kernel_values(index)
    slope = kernel_values(index + 1) - here
    gain = ratio.scale * inside
    return (gain * here).astype(np.float32), (gain * slope).astype(np.float32)
