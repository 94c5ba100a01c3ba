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

__all__ = ["Ratio", "kernel_table", "kernel_values", "phase_weights"]

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
            If one is not positive.
        """
        if from_hz < 1 or to_hz < 1:
            raise ParameterError(f"rates {from_hz} and {to_hz} Hz: wanted 1 Hz or more")
        divisor = gcd(from_hz, to_hz)
        return cls(to_hz // divisor, from_hz // divisor)

    @property
    def scale(self) -> float:
        """How much the kernel is stretched: below 1 where the rate falls."""
        return min(1.0, self.up / self.down)

    @property
    def step(self) -> int:
        """Steps in the table from tap to tap."""
        return max(1, int(self.scale * _PRECISION))

    @property
    def reach(self) -> int:
        """Most taps on one side of a position."""
        return _TABLE_SIZE // self.step

    def outputs(self, inputs: int) -> int:
        """Count the outputs of so many inputs."""
        return inputs * self.up // self.down

    def positions(self, first: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give the whole samples and the phases (in 1/up samples) of consecutive outputs."""
        whole, phase = divmod(first * self.down, self.up)
        steps = phase + np.arange(count, dtype=np.int64) * self.down
        return whole + steps // self.up, steps % self.up


def kernel_values(index: NDArray[np.int64]) -> NDArray[np.float64]:
    """Evaluate the right half of the kernel at steps of the table; the last step is repeated."""
    time = np.minimum(index, _TABLE_SIZE - 1) / _PRECISION  # in zero crossings
    window = np.i0(_KAISER_BETA * np.sqrt(1 - (time / _ZERO_CROSSINGS) ** 2))
    return _ROLLOFF * np.sinc(_ROLLOFF * time) * window / np.i0(_KAISER_BETA)


@lru_cache(maxsize=1)
def kernel_table() -> NDArray[np.float64]:
    """Evaluate the whole table, float64 [50 * 2^13 + 1]."""
    return kernel_values(np.arange(_TABLE_SIZE))


def phase_weights(ratio: Ratio, phases: NDArray[np.int64]) -> NDArray[np.float64]:
    """Compute the weights around each of some positions.

    Parameters
    ----------
    ratio : Ratio
    phases : ndarray, int64 [T]
        Fractions of the positions, in 1/up samples.

    Returns
    -------
    ndarray, float64 [T, 2 * reach]
        For the samples ``whole - reach + 1`` to ``whole + reach`` of each position.
    """
    fraction = ratio.scale * (phases / ratio.up)
    left = _wing(ratio, fraction)[:, ::-1]
    right = _wing(ratio, ratio.scale - fraction)
    return ratio.scale * np.concatenate([left, right], axis=1)


def _wing(ratio: Ratio, fraction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Read one side of the kernel: [T] distances of the first tap -> [T, reach] weights."""
    place = fraction * _PRECISION
    offset = place.astype(np.int64)
    eta = (place - offset)[:, np.newaxis]
    taps = np.arange(ratio.reach)
    index = offset[:, np.newaxis] + taps * ratio.step
    inside = taps < ((_TABLE_SIZE - offset) // ratio.step)[:, np.newaxis]
    index = np.minimum(index, _TABLE_SIZE - 1)
    if index.size < _TABLE_SIZE // 4:  # cheaper than the whole table
        here, there = kernel_values(index), kernel_values(index + 1)
    else:
        table = kernel_table()
        here, there = table[index], table[np.minimum(index + 1, _TABLE_SIZE - 1)]
    return np.where(inside, here + eta * (there - here), 0)
