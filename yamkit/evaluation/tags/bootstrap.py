"""The bootstrap: metrics on resamples of the clips, and confidence intervals from them.

The intervals are percentiles (B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from yamkit._util.machine import usable_cores

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["interval", "on_resamples"]

_AT_ONCE = 32
"""Resamples per call: a matrix of so many stays in the processor's caches."""

_Result = TypeVar("_Result")


def on_resamples(
    compute: Callable[[NDArray[np.floating]], _Result],
    clips: int,
    count: int,
    *,
    seed: int,
    threads: int | None = None,
) -> list[_Result]:
    """Call a function on resamples of the clips, drawn with replacement.

    The same seed, number of clips and number of resamples draw the same resamples.

    Parameters
    ----------
    compute : callable
        Takes weights, float [N, R]: how often each of the N clips was drawn in R resamples.
    clips : int
        N.
    count : int
        Number of resamples.
    seed : int
    threads : int, optional
        None: the cores that this process may use.

    Returns
    -------
    list
        What each call returned, in order; there are `count` resamples in all.
    """

    def call(number: int) -> _Result:
        random = np.random.default_rng((seed, number))
        columns = min(_AT_ONCE, count - number * _AT_ONCE)
        # float32 adds up whole numbers exactly to 16 million clips
        dtype = np.float32 if clips < 2**24 else np.float64
        weights = np.empty((clips, columns), dtype)
        for column in range(columns):
            weights[:, column] = np.bincount(random.integers(0, clips, clips), minlength=clips)
        return compute(weights)

    with ThreadPoolExecutor(threads or usable_cores()) as pool:
        return list(pool.map(call, range(-(-count // _AT_ONCE))))


def interval(
    values: NDArray[np.float64], confidence: float
) -> tuple[float, float] | tuple[None, None]:
    """Return the ends of a confidence interval, or None twice if no resample has a value.

    Parameters
    ----------
    values : ndarray, float64 [R]
        NaN where undefined.
    confidence : float
        Between 0 and 1.
    """
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None, None
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)
