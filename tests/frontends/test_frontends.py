"""Both front ends: shapes, purity, agreement with each other and with a direct evaluation."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yamkit.errors import IncompatibleError
from yamkit.features import fourier_basis, mel_matrix, periodic_hann
from yamkit.types import LogMelSpec, WaveformSpec
from yamkit_logmel._frontend import LogMel
from yamkit_waveform._frontend import Waveform

YAMNET = LogMelSpec(
    kind="log-mel",
    sample_rate_hz=16000,
    stft_window_samples=400,
    stft_hop_samples=160,
    fft_length=512,
    mel_bands=64,
    mel_low_hz=125.0,
    mel_high_hz=7500.0,
    log_offset=0.001,
    patch_frames=96,
    patch_hop_frames=48,
)
OTHER = replace(
    YAMNET,
    sample_rate_hz=8000,
    stft_window_samples=201,
    stft_hop_samples=100,
    fft_length=300,
    mel_bands=21,
    mel_high_hz=4000.0,
    patch_frames=37,
    patch_hop_frames=50,
)


def make(name: str, features: LogMelSpec):
    if name == "logmel":
        return LogMel(features)
    pytest.importorskip("tensorflow")
    from yamkit_logmel_tf._frontend import LogMelTf

    return LogMelTf(features)


NAMES = ["logmel", pytest.param("logmel-tf", marks=pytest.mark.tensorflow)]


def segment(features: LogMelSpec, patches: int, seed: int = 0) -> np.ndarray:
    length = features.patch_window_samples + (patches - 1) * features.patch_hop_samples
    return np.random.default_rng(seed).normal(0, 0.1, length).astype(np.float32)


def by_hand(features: LogMelSpec, samples: np.ndarray, patch: int) -> np.ndarray:
    """One patch in float64: a sum of cosines a bin, a triangle a band."""
    window = features.stft_window_samples
    time = np.arange(window)
    hann = np.sin(np.pi * time / window) ** 2
    bins = np.arange(features.fft_length // 2 + 1)
    waves = np.exp(-2j * np.pi * np.outer(bins, time) / features.fft_length)
    rows = []
    for frame in range(features.patch_frames):
        start = (patch * features.patch_hop_frames + frame) * features.stft_hop_samples
        rows.append(abs(waves @ (samples[start : start + window].astype(float) * hann)))
    magnitudes = np.array(rows)

    def mel(hz: float) -> float:
        return 1127 * np.log(1 + hz / 700)

    low, high = mel(features.mel_low_hz), mel(features.mel_high_hz)
    width = (high - low) / (features.mel_bands + 1)
    result = np.zeros((features.patch_frames, features.mel_bands))
    for band in range(features.mel_bands):
        for number in bins[1:]:
            place = mel(number * features.sample_rate_hz / features.fft_length)
            weight = 1 - abs(place - (low + (band + 1) * width)) / width
            if weight > 0:
                result[:, band] += weight * magnitudes[:, number]
    return np.log(result + features.log_offset)


@pytest.mark.parametrize("name", NAMES)
def test_the_hook_describes_it(name: str) -> None:
    (info,) = import_module(f"yamkit_{name.replace('-', '_')}").yamkit_frontends()
    assert (info.name, info.api, info.produces) == (name, 1, YAMNET.kind)
    module, _, factory = info.factory.partition(":")
    front = make(name, YAMNET)
    assert type(front) is getattr(import_module(module), factory)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("features", [YAMNET, OTHER], ids=["yamnet", "other"])
def test_equal_to_the_definition(name: str, features: LogMelSpec) -> None:
    samples = segment(features, 3)
    patches = make(name, features).patches(samples)
    assert patches.shape == (3, *features.patch_shape)
    assert patches.dtype == np.float32
    for number in (0, 2):
        wanted = by_hand(features, samples, number)
        np.testing.assert_allclose(patches[number], wanted, rtol=0, atol=5e-4)


@pytest.mark.parametrize("name", NAMES)
def test_silence_is_the_logarithm_of_the_offset(name: str) -> None:
    patches = make(name, YAMNET).patches(np.zeros(15600, np.float32))
    np.testing.assert_allclose(patches, np.full((1, 96, 64), np.log(0.001)), rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_segment_is_not_changed(name: str) -> None:
    samples = segment(YAMNET, 2)
    before = samples.copy()
    samples.setflags(write=False)
    make(name, YAMNET).patches(samples)
    np.testing.assert_array_equal(samples, before)


@settings(max_examples=20, deadline=None)
@given(patches=st.integers(1, 9), hop_frames=st.integers(1, 150), seed=st.integers(0, 9))
def test_a_patch_is_the_same_in_any_segment(patches: int, hop_frames: int, seed: int) -> None:
    features = replace(YAMNET, patch_hop_frames=hop_frames)
    front = LogMel(features)
    samples = segment(features, patches, seed)
    together = front.patches(samples)
    for number in range(patches):
        start = number * features.patch_hop_samples
        alone = front.patches(samples[start : start + features.patch_window_samples])
        # where a frame lies in a matrix product may change its last bit
        np.testing.assert_allclose(together[number], alone[0], rtol=0, atol=2e-6)


@pytest.mark.parametrize("patches", [2, 5, 16])
def test_yamnets_patches_have_the_same_bits_in_any_segment(patches: int) -> None:
    front = LogMel(YAMNET)
    samples = segment(YAMNET, patches)
    alone = [front.patches(samples[7680 * i :][:15600])[0] for i in range(patches)]
    np.testing.assert_array_equal(front.patches(samples), alone)


@pytest.mark.parametrize(("bins", "bands"), [(3, 2), (257, 64), (513, 128), (4097, 4096)])
@pytest.mark.long(reason="many features")
def test_any_number_of_bands(bins: int, bands: int) -> None:
    features = replace(
        YAMNET, fft_length=2 * bins - 2, stft_window_samples=4, mel_bands=bands, patch_frames=3
    )
    patches = LogMel(features).patches(segment(features, 2))
    assert patches.shape == (2, 3, bands)
    assert np.isfinite(patches).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "waveform"}, "features 'waveform': this front end computes 'log-mel'"),
        ({"fft_length": 256}, "fft_length 256: must be at least the 400 samples"),
        ({"mel_high_hz": 9000.0}, "mel bands"),
        ({"mel_low_hz": 7500.0}, "mel bands"),
    ],
)
def test_features_that_cannot_be_computed(name: str, changes: dict, message: str) -> None:
    with pytest.raises(IncompatibleError, match=message):
        make(name, replace(YAMNET, **changes))


def test_tables() -> None:
    window = periodic_hann(8)
    np.testing.assert_allclose(window, 0.5 - 0.5 * np.cos(np.pi * np.arange(8) / 4))
    weights = mel_matrix(YAMNET)
    assert weights.shape == (257, 64)
    assert weights[0].max() == 0
    assert weights.max() <= 1
    assert (weights.sum(axis=0) > 0).all()


@pytest.mark.tensorflow
def test_the_mel_matrix_is_tensorflows() -> None:
    tf = pytest.importorskip("tensorflow")
    wanted = tf.signal.linear_to_mel_weight_matrix(64, 257, 16000, 125.0, 7500.0).numpy()
    np.testing.assert_allclose(mel_matrix(YAMNET), wanted, rtol=0, atol=2e-5)


WAVEFORM = WaveformSpec("waveform", 8000, 300, 100)


@given(patches=st.integers(1, 20), hop=st.integers(1, 500), seed=st.integers(0, 9))
def test_windows_of_samples(patches: int, hop: int, seed: int) -> None:
    features = WAVEFORM.with_hop(hop)
    samples = segment(features, patches, seed)
    found = Waveform(features).patches(samples)
    assert found.flags["C_CONTIGUOUS"]
    np.testing.assert_array_equal(found, [samples[i * hop :][:300] for i in range(patches)])


def test_windows_of_samples_are_no_log_mel() -> None:
    with pytest.raises(IncompatibleError, match="features 'log-mel': this front end computes 'wav"):
        Waveform(YAMNET)


def test_the_fourier_basis_is_the_transform() -> None:
    for features in (YAMNET, OTHER):
        window = features.stft_window_samples
        frame = np.random.default_rng(0).normal(size=window)
        wanted = np.fft.rfft(frame * periodic_hann(window), features.fft_length)
        found = frame @ fourier_basis(features)
        np.testing.assert_allclose(found, np.concatenate([wanted.real, wanted.imag]), atol=1e-10)
