"""Log-mel patches with NumPy: frame, window, transform, mel bands, logarithm.

All numbers come from the `FeatureSpec`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from yamkit.errors import IncompatibleError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from yamkit.types import FeatureSpec

__all__ = ["LogMel", "mel_matrix", "periodic_hann"]

_CHUNK_FRAMES = 96
"""Frames transformed at once: they stay in a second-level cache."""

_UNSHARED_MULTIPLICATIONS = 2**18
"""Most in one matrix product that OpenBLAS does not share out to threads.

Threads gain nothing here, and on a busy machine waiting for them takes far longer than the work.
"""


class LogMel:
    """The front end; holds tables alone, so any thread may use it.

    Parameters
    ----------
    features : FeatureSpec
        Of kind ``log-mel``.

    Raises
    ------
    IncompatibleError
        If the features are of another kind, or contradict each other.
    """

    def __init__(self, features: FeatureSpec) -> None:
        _check(features)
        self._features = features
        self._window = periodic_hann(features.stft_window_samples).astype(np.float32)
        self._mel = mel_matrix(features).astype(np.float32)  # [bins, bands]
        self._rows = _rows_of_a_product(self._mel.size)

    def patches(self, segment: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute the patches of a segment; see `yamkit.plugin.Frontend`."""
        spec = self._features
        frames = sliding_window_view(segment, spec.stft_window_samples)[:: spec.stft_hop_samples]
        log_mel = np.empty((len(frames), spec.mel_bands), np.float32)  # [frames, bands]
        chunk = np.zeros((_CHUNK_FRAMES, spec.stft_window_samples), np.float32)
        for start in range(0, len(frames), _CHUNK_FRAMES):
            part = frames[start : start + _CHUNK_FRAMES]  # [n, window]
            np.multiply(part, self._window, out=chunk[: len(part)])
            filled = chunk[: -(-len(part) // self._rows) * self._rows]  # whole products
            magnitudes = np.abs(np.fft.rfft(filled, spec.fft_length))  # [filled, bins] float32
            stacks = magnitudes.reshape(-1, self._rows, magnitudes.shape[1])
            mel = (stacks @ self._mel).reshape(-1, spec.mel_bands)[: len(part)]  # [n, bands]
            log_mel[start : start + len(part)] = np.log(mel + spec.log_offset)
        windows = sliding_window_view(log_mel, spec.patch_frames, axis=0)  # [.., bands, frames]
        return np.ascontiguousarray(windows[:: spec.patch_hop_frames].swapaxes(1, 2))


def _rows_of_a_product(weights: int) -> int:
    """Choose how many frames meet the mel matrix at once: a power of two, a part of a chunk."""
    most = min(_UNSHARED_MULTIPLICATIONS // weights, 32)
    return 1 << max(most.bit_length() - 1, 0)


def periodic_hann(samples: int) -> NDArray[np.float64]:
    """Make a Hann window for spectral analysis: one period, its last zero left out.

    Returns
    -------
    ndarray, float64 [samples]
    """
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(samples) / samples)


def mel_matrix(features: FeatureSpec) -> NDArray[np.float64]:
    """Make the weights from magnitudes to mel bands.

    Triangles over the HTK mel scale, ``1127 ln(1 + f / 700)`` (S. Young et al., The HTK Book,
    section 5.4), their edges evenly spaced in mel and their slopes linear in mel, without
    normalisation of area. The bin at 0 Hz belongs to no band.

    Returns
    -------
    ndarray, float64 [fft_length // 2 + 1, mel_bands]
    """
    bins = features.fft_length // 2 + 1
    frequencies = np.linspace(0, features.sample_rate_hz / 2, bins)  # Hz
    edges = np.linspace(
        _mel(features.mel_low_hz), _mel(features.mel_high_hz), features.mel_bands + 2
    )
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]  # mel, [bands]
    position = _mel(frequencies)[:, np.newaxis]  # [bins, 1]
    rising = (position - lower) / (centre - lower)  # [bins, bands]
    falling = (upper - position) / (upper - centre)
    weights = np.maximum(0, np.minimum(rising, falling))
    weights[0] = 0
    return weights


def _mel(frequency: float | NDArray[np.float64]) -> NDArray[np.float64]:
    return 1127 * np.log1p(np.asarray(frequency, np.float64) / 700)


def _check(features: FeatureSpec) -> None:
    if features.kind != "log-mel":
        raise IncompatibleError(f"features {features.kind!r}: this front end computes 'log-mel'")
    if features.fft_length < features.stft_window_samples:
        raise IncompatibleError(
            f"fft_length {features.fft_length}: wanted at least the "
            f"{features.stft_window_samples} samples of the STFT window"
        )
    nyquist = features.sample_rate_hz / 2
    if not 0 <= features.mel_low_hz < features.mel_high_hz <= nyquist:
        raise IncompatibleError(
            f"mel bands from {features.mel_low_hz:g} to {features.mel_high_hz:g} Hz: wanted "
            f"a rising range within 0 to {nyquist:g} Hz"
        )
