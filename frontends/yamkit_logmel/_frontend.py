"""Log-mel patches with NumPy: frame, window, transform, mel bands, logarithm.

All parameters come from the `LogMelSpec`.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from yamkit.errors import IncompatibleError
from yamkit.features import mel_matrix, periodic_hann

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from yamkit.types import LogMelSpec

__all__ = ["LogMel"]

_CHUNK_FRAMES = 96
"""Frames transformed at once; they fit a second-level cache."""

_BANDS_AT_ONCE = 16
"""Mel bands of one matrix product: few, so that the product includes only bins with weights.

The products are so small that OpenBLAS computes each on one thread. More threads are not faster,
and on a busy machine waiting for them takes longer than the work.
"""


class LogMel:
    """The front end; it holds only tables, so any thread may use it.

    Parameters
    ----------
    features : LogMelSpec
        Features of kind ``log-mel``.

    Raises
    ------
    IncompatibleError
        If the features have another kind, or are inconsistent.
    """

    def __init__(self, features: LogMelSpec) -> None:
        _check(features)
        self._features = features
        self._window = periodic_hann(features.stft_window_samples).astype(np.float32)
        self._bands = _groups(mel_matrix(features).astype(np.float32))
        self._scratch = threading.local()

    def patches(self, segment: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute the patches of a segment; see `yamkit.plugin.Frontend`."""
        spec, scratch = self._features, self._buffers()
        frames = sliding_window_view(segment, spec.stft_window_samples)[:: spec.stft_hop_samples]
        log_mel = np.empty((len(frames), spec.mel_bands), np.float32)  # [frames, bands]
        for start in range(0, len(frames), _CHUNK_FRAMES):
            part = frames[start : start + _CHUNK_FRAMES]  # [n, window]
            count = len(part)
            np.multiply(part, self._window, out=scratch.windowed[:count])
            np.fft.rfft(scratch.padded[:count], out=scratch.spectrum[:count])
            np.abs(scratch.spectrum[:count], out=scratch.magnitudes[:count])
            # always the whole chunk: a product of another size may round differently
            for bands, bins, weights in self._bands:
                np.matmul(scratch.magnitudes[:, bins], weights, out=scratch.mel[:, bands])
            np.add(scratch.mel, np.float32(spec.log_offset), out=scratch.mel)
            np.log(scratch.mel[:count], out=log_mel[start : start + count])
        windows = sliding_window_view(log_mel, spec.patch_frames, axis=0)  # [.., bands, frames]
        return np.ascontiguousarray(windows[:: spec.patch_hop_frames].swapaxes(1, 2))

    def _buffers(self) -> _Buffers:
        """Return the memory of this thread, which is not allocated for every chunk."""
        buffers: _Buffers | None = getattr(self._scratch, "buffers", None)
        if buffers is None:
            buffers = self._scratch.buffers = _Buffers(self._features)
        return buffers


class _Buffers:
    """Memory of a chunk: samples, spectrum, magnitudes, mel bands."""

    def __init__(self, features: LogMelSpec) -> None:
        bins = features.fft_length // 2 + 1
        self.padded = np.zeros((_CHUNK_FRAMES, features.fft_length), np.float32)
        self.windowed = self.padded[:, : features.stft_window_samples]
        self.spectrum: Any = np.zeros((_CHUNK_FRAMES, bins), np.complex64)
        self.magnitudes = np.zeros((_CHUNK_FRAMES, bins), np.float32)
        self.mel = np.zeros((_CHUNK_FRAMES, features.mel_bands), np.float32)


def _groups(mel: NDArray[np.float32]) -> list[tuple[slice, slice, NDArray[np.float32]]]:
    """Divide the mel matrix into groups of bands, and the bins with weights for them."""
    groups = []
    for first in range(0, mel.shape[1], _BANDS_AT_ONCE):
        bands = slice(first, min(first + _BANDS_AT_ONCE, mel.shape[1]))
        held = np.flatnonzero(mel[:, bands].any(axis=1))
        bins = slice(int(held[0]), int(held[-1]) + 1) if len(held) else slice(0, 1)
        groups.append((bands, bins, np.ascontiguousarray(mel[bins, bands])))
    return groups


def _check(features: LogMelSpec) -> None:
    if features.kind != "log-mel":
        raise IncompatibleError(f"features {features.kind!r}: this front end computes 'log-mel'")
    if features.fft_length < features.stft_window_samples:
        raise IncompatibleError(
            f"fft_length {features.fft_length}: must be at least the "
            f"{features.stft_window_samples} samples of the STFT window"
        )
    nyquist = features.sample_rate_hz / 2
    if not 0 <= features.mel_low_hz < features.mel_high_hz <= nyquist:
        raise IncompatibleError(
            f"mel bands from {features.mel_low_hz:g} to {features.mel_high_hz:g} Hz: must be "
            f"a rising range within 0 to {nyquist:g} Hz"
        )
