"""Resamples are drawn with replacement, by the seed only, and counted exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.evaluation.tags.bootstrap import interval, on_resamples


def drawn(clips: int, count: int, **options) -> np.ndarray:
    parts = on_resamples(lambda weights: weights.copy(), clips, count, **options)
    return np.concatenate(parts, axis=1) if parts else np.empty((clips, 0))


@given(st.integers(1, 30), st.integers(0, 80), st.integers(0, 2**40))
def test_each_resample_has_as_many_clips(clips: int, count: int, seed: int) -> None:
    weights = drawn(clips, count, seed=seed, threads=1)
    assert weights.shape == (clips, count)
    assert (weights.sum(axis=0) == clips).all()
    assert (weights == weights.astype(int)).all()


def test_threads_do_not_change_the_draw() -> None:
    first = drawn(50, 100, seed=1, threads=1)
    assert (drawn(50, 100, seed=1, threads=4) == first).all()
    assert (drawn(50, 100, seed=2, threads=1) != first).any()
    # the first resamples are the same, however many follow in the same call
    assert (drawn(50, 40, seed=1)[:, :32] == first[:, :32]).all()


def test_intervals_are_percentiles_of_defined_values() -> None:
    values = np.append(np.arange(101.0), np.nan)
    assert interval(values, 0.8) == pytest.approx((10, 90))
    assert interval(np.full(3, np.nan), 0.95) == (None, None)
    assert interval(np.empty(0), 0.95) == (None, None)
