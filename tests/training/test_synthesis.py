"""Sounds made by formula: repeatable, audible, of many kinds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.synthesis import Synthesiser


@given(seed=st.integers(0, 2**32), length=st.integers(800, 24000))
@settings(deadline=None, max_examples=60)
def test_any_sound(seed: int, length: int) -> None:
    synthesiser = Synthesiser(length, 16000)
    sound = synthesiser.sound(np.random.default_rng(seed))
    assert sound.shape == (length,)
    assert sound.dtype == np.float32
    assert np.abs(sound).max() == pytest.approx(0.5, abs=1e-6) or not sound.any()
    again = synthesiser.sound(np.random.default_rng(seed))
    np.testing.assert_array_equal(sound, again)


@pytest.mark.long(reason="starts processes")
def test_they_differ_in_colour_and_course() -> None:
    synthesiser = Synthesiser(16000, 16000)
    random = np.random.default_rng(0)
    sounds = np.array([synthesiser.sound(random) for _ in range(300)])
    power = np.abs(np.fft.rfft(sounds)) ** 2 + 1e-12
    centres = (power * np.fft.rfftfreq(16000, 1 / 16000)).sum(1) / power.sum(1)
    assert np.percentile(centres, 10) < 300
    assert np.percentile(centres, 90) > 2000
    tonal = power.max(1) / power.sum(1)
    assert (tonal > 0.2).mean() > 0.1
    assert (tonal < 0.01).mean() > 0.1
    levels = np.sqrt(np.mean(sounds.reshape(300, 50, 320) ** 2, axis=2))
    steadiness = levels.std(1) / (levels.mean(1) + 1e-9)
    assert (steadiness < 0.3).mean() > 0.1
    assert (steadiness > 1).mean() > 0.1
    assert (np.abs(sounds).max(1) > 0.4).mean() > 0.98


def test_no_partial_is_folded_back(monkeypatch: pytest.MonkeyPatch) -> None:
    rate = 8000
    synthesiser = Synthesiser(rate, rate)
    # the second partial would lie at 0.6 to 0.72 of the rate, and be heard at 0.28 to 0.4
    monkeypatch.setattr(synthesiser, "_pitch", lambda *_: np.full(rate, 0.3 * rate))
    for seed in range(20):
        sound = synthesiser._partials(np.random.default_rng(seed))
        power = np.abs(np.fft.rfft(sound * np.hanning(rate))) ** 2
        peak = int(power.argmax())
        assert 0.3 * rate <= peak <= 0.33 * rate
        assert power[max(peak - 10, 0) : peak + 10].sum() > 0.99 * power.sum()
