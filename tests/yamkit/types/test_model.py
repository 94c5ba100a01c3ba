from __future__ import annotations

from yamkit.models.store import find_model
from yamkit.types import LogMelSpec, WaveformSpec


def test_log_mel_patches_in_samples() -> None:
    features = find_model("yamnet-mini").features
    assert isinstance(features, LogMelSpec)
    assert features.patch_window_samples == 400 + 95 * 160 == 15_600
    assert (features.patch_hop_samples, features.hop_step_samples) == (7680, 160)
    assert features.patch_shape == (96, 64)
    assert features.with_hop(1600).patch_hop_samples == 1600
    assert features.with_hop(1600).patch_window_samples == 15_600


def test_waveform_patches_in_samples() -> None:
    features = WaveformSpec("waveform", 16_000, 15_600, 7680)
    assert (features.patch_shape, features.hop_step_samples) == ((15_600,), 1)
    assert features.with_hop(77) == WaveformSpec("waveform", 16_000, 15_600, 77)
