"""resampy's `kaiser_best` kernel: exact positions of outputs, and the weights of a position.

A sinc of 50 zero crossings a side under a Kaiser window (J. O. Smith, "Digital Audio Resampling
Home Page", the method of resampy 0.4.3), read from a table of 2^13 steps a zero crossing with
linear interpolation. To give resampy's numbers the table's steps are kept: when the rate falls, the
step from tap to tap is ``int(scale * 2^13)``, cut to an integer.
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
# The constants behind resampy's packaged table, which holds no more than these give.
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
        """Reduce two rates.

        Raises
        ------
        ParameterError
            If one is not positive, or the table is too coarse for so great a fall.
        """
        if from_hz < 1 or to_hz < 1:
            raise ParameterError(f"rates {from_hz} and {to_hz} Hz: wanted 1 Hz or more")
        if from_hz > to_hz * _PRECISION:
            raise ParameterError(f"from {from_hz} to {to_hz} Hz: wanted 1/{_PRECISION} or more")
        divisor = gcd(from_hz, to_hz)
        return cls(to_hz // divisor, from_hz // divisor)

    @property
    def scale(self) -> float:
        """How much the kernel is stretched: below 1 where the rate falls."""
        return min(1.0, self.up / self.down)

    @property
    def step(self) -> int:
        """Steps in the table from tap to tap."""
        return int(self.scale * _PRECISION)

    @property
    def reach(self) -> int:
        """Most taps on one side of a position."""
        return _TABLE_SIZE // self.step

    def outputs(self, inputs: int) -> int:
        """Count the outputs of so many inputs."""
        return inputs * self.up // self.down

    def place(self, output: int) -> int:
        """Give the whole sample at or before an output."""
        return output * self.down // self.up

    def positions(self, first: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give the whole samples and the phases (in 1/up samples) of consecutive outputs."""
        whole, phase = divmod(first * self.down, self.up)
        steps = phase + np.arange(count, dtype=np.int64) * self.down
        return whole + steps // self.up, steps % self.up

    def short_outputs(self, first: int, count: int) -> NDArray[np.int64]:
        """Find the outputs on a whole sample that resampy places a hair before it.

        resampy counts in floating point. There it takes the wings the other way round, at phase
        `up` of the sample before, and since the step is cut they are not quite each other's mirror.
        """
        outputs = np.arange(-(-first // self.up) * self.up, first + count, self.up)
        return outputs[outputs * (1.0 / (self.up / self.down)) < outputs // self.up * self.down]


def kernel_values(index: NDArray[np.int64]) -> NDArray[np.float64]:
    """Evaluate the right half of the kernel at steps of the table; the last step is repeated."""
    time = np.minimum(index, _TABLE_SIZE - 1) / _PRECISION  # in zero crossings
    window = np.i0(_KAISER_BETA * np.sqrt(1 - (time / _ZERO_CROSSINGS) ** 2))
    return _ROLLOFF * np.sinc(_ROLLOFF * time) * window / np.i0(_KAISER_BETA)


def phase_weights(ratio: Ratio, phases: NDArray[np.int64]) -> NDArray[np.float32]:
    """Compute the weights around each of some positions.

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
    """Interpolate one side of the kernel: [T] distances of the first tap -> [T, reach] weights."""
    place = fraction * _PRECISION
    offset = place.astype(np.int64)
    eta = (place - offset).astype(np.float32)[:, np.newaxis]
    if len(offset) < ratio.step // 8:  # cheaper than the whole table
        here, slope = _rows(ratio, offset)
    else:
        here, slope = (table[offset] for table in _all_rows(ratio))
    return here + eta * slope


@lru_cache(maxsize=1)
def _all_rows(ratio: Ratio) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Lay the table out by first step, so that a wing is one row: a copy, not a search."""
    offsets = np.array_split(np.arange(ratio.step + 1), 16)  # in pieces, to stay in the cache
    pieces = [_rows(ratio, part) for part in offsets]
    here, slope = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    return here, slope


def _rows(
    ratio: Ratio, offset: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Read taps from each first step on: their values and the way to the next step's, scaled."""
    taps = np.arange(ratio.reach)
    index = offset[:, np.newaxis] + taps * ratio.step
    # As resampy counts them: the last whole step before the end of the table has no tap.
    inside = taps < ((_TABLE_SIZE - offset) // ratio.step)[:, np.newaxis]
    here = kernel_values(index)
    slope = kernel_values(index + 1) - here
    gain = ratio.scale * inside
    return (gain * here).astype(np.float32), (gain * slope).astype(np.float32)
