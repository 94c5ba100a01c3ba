"""Log-mel features as tables: the window and the mel bands, from their definitions.

The front end `logmel` and every exported graph use them, so each formula is in one place;
`logmel-tf` uses TensorFlow's mel matrix, as the published program does. Nothing here processes
samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from yamkit.types import LogMelSpec

__all__ = ["fourier_basis", "mel_matrix", "periodic_hann"]


def periodic_hann(samples: int) -> NDArray[np.float64]:
    """Return a Hann window for spectral analysis: one period without its last zero.

    Returns
    -------
    ndarray, float64 [samples]
    """
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(samples) / samples)


def mel_matrix(features: LogMelSpec) -> NDArray[np.float64]:
    """Return the weights from magnitudes to mel bands.

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


def fourier_basis(features: LogMelSpec) -> NDArray[np.float64]:
    """Return the windowed Fourier transform of one STFT frame as a matrix.

    A frame times the matrix is the real parts of all bins, then the imaginary parts. Engines
    without a Fourier transform use it.

    Returns
    -------
    ndarray, float64 [stft_window_samples, 2 * (fft_length // 2 + 1)]
    """
    length, bins = features.fft_length, features.fft_length // 2 + 1
    samples = np.arange(features.stft_window_samples)[:, np.newaxis]
    turns = samples * np.arange(bins) % length / length  # without whole turns
    window = periodic_hann(features.stft_window_samples)[:, np.newaxis]
    angles = 2 * np.pi * turns
    basis: NDArray[np.float64] = window * np.hstack([np.cos(angles), -np.sin(angles)])
    return basis
