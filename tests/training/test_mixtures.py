"""Mixtures: balanced, bounded, and a function of the random numbers alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.small_recipe import RECIPE
from training.mixtures import Mixer, balanced_weights
from training.recipe import Mixtures, read_recipe
from training.sounds import Sound, Sounds
from yamkit.types import LogMelSpec

FEATURES = LogMelSpec("log-mel", 8000, 200, 80, 256, 20, 60.0, 3800.0, 0.001, 24, 12)
WINDOW = FEATURES.patch_window_samples
SETTINGS = read_recipe(RECIPE).mixtures
PLAIN = dataclasses.replace(
    SETTINGS,
    sounds=[1.0],
    rate_share=0.0,
    reverse_share=0.0,
    gate_share=0.0,
    filter_share=0.0,
    reverb_share=0.0,
    noise_share=0.0,
    clip_share=0.0,
    synthetic_share=0.0,
)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Sounds:
    """A ramp of 3,000 samples and a constant of 50."""
    file = tmp_path_factory.mktemp("sounds") / "sounds.i16"
    np.concatenate([np.arange(1, 3001) * 10, np.full(50, 9000)]).astype("<i2").tofile(file)
    return Sounds(file, (Sound("ramp", "a", 0, 3000), Sound("short", "b", 3000, 50)))


def mixer(sounds: Sounds, how: Mixtures, weights: tuple[float, ...] = (0.5, 0.5)) -> Mixer:
    return Mixer(sounds, np.array([0, 1]), np.array([0, 0]), np.array(weights), FEATURES, how)


def test_balanced_weights() -> None:
    heard = np.array([[0.25, 0.25], [2, 0], [0.5, 0]], np.float32)
    np.testing.assert_allclose(balanced_weights(heard, 0), [1 / 6, 4 / 6, 1 / 6])
    scores = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], np.float32)
    np.testing.assert_allclose(balanced_weights(scores, 1), [1 / 6, 1 / 6, 1 / 6, 1 / 2])
    half = balanced_weights(scores, 0.5)
    assert half[3] / half[0] == pytest.approx(3**0.5)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9))
def test_every_mixture_is_finite_bounded_and_repeatable(sounds: Sounds, seed: int) -> None:
    made = mixer(sounds, SETTINGS)
    first, second = (made.mixture(np.random.default_rng(seed)) for _ in range(2))
    assert first.dtype == np.float32
    assert first.shape == (WINDOW,)
    assert np.isfinite(first).all()
    assert np.abs(first).max() <= 1
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    "share",
    [
        "rate_share",
        "reverse_share",
        "gate_share",
        "filter_share",
        "reverb_share",
        "noise_share",
        "clip_share",
        "synthetic_share",
    ],
)
def test_every_change_changes_something_and_stays_bounded(sounds: Sounds, share: str) -> None:
    plain = mixer(sounds, PLAIN)
    changed = mixer(sounds, dataclasses.replace(PLAIN, **{share: 1.0}))
    differences = 0
    for seed in range(12):
        one = plain.mixture(np.random.default_rng(seed))
        other = changed.mixture(np.random.default_rng(seed))
        assert np.isfinite(other).all()
        assert np.abs(other).max() <= 1
        differences += not np.array_equal(one, other)
    assert differences > 6


def test_a_plain_mixture_is_a_stretch_of_a_sound(sounds: Sounds) -> None:
    ramp = mixer(sounds, PLAIN, (1.0, 0.0)).mixture(np.random.default_rng(0))
    sounding = ramp[np.flatnonzero(ramp)]
    assert len(sounding) > WINDOW // 4
    slope = np.diff(sounding)
    np.testing.assert_allclose(slope, slope.mean(), rtol=1e-3)


def test_the_peak_is_where_the_recipe_has_it(sounds: Sounds) -> None:
    loud = mixer(sounds, dataclasses.replace(PLAIN, gain_db=[-6.0, -6.0]), (1.0, 0.0))
    for seed in range(20):
        peak = np.abs(loud.mixture(np.random.default_rng(seed))).max()
        assert peak == pytest.approx(10 ** (-6 / 20), rel=1e-5)


def test_sounds_travel_without_their_samples(sounds: Sounds) -> None:
    import pickle

    assert sounds.samples[1] == 20
    data = pickle.dumps(sounds)
    assert len(data) < 1000
    assert pickle.loads(data).samples[1] == 20


def test_a_clip_as_float(sounds: Sounds) -> None:
    found = sounds.of(sounds.clips[1])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 9000 / 32768)


def test_the_window_of_the_published_network_fits(sounds: Sounds, tmp_path: Path) -> None:
    features = dataclasses.replace(FEATURES, sample_rate_hz=16000, patch_frames=96)
    made = Mixer(sounds, np.array([0]), np.array([0]), np.ones(1), features, SETTINGS)
    assert made.mixture(np.random.default_rng(3)).shape == (features.patch_window_samples,)
