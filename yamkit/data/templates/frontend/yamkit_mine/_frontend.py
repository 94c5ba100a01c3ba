"""Log-mel patches with NumPy, in double precision: compute them in your own way in their place."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from yamkit.errors import IncompatibleError
from yamkit.features import mel_matrix, periodic_hann


class Mine:
    """The front end; see `yamkit.plugin.Frontend`.

    All numbers come from the features, and no state is carried from call to call.
    """

    def __init__(self, features):
        if features.kind != "log-mel":
            raise IncompatibleError(
                f"features {features.kind!r}: this front end computes 'log-mel'"
            )
        self._features = features
        self._window = periodic_hann(features.stft_window_samples)
        self._mel = mel_matrix(features)  # [bins, bands]

    def patches(self, segment):
        """Compute patches: [samples] -> [B, frames, bands]."""
        spec = self._features
        frames = sliding_window_view(segment, spec.stft_window_samples)[:: spec.stft_hop_samples]
        spectrum = np.fft.rfft(frames * self._window, spec.fft_length)
        log_mel = np.log(np.abs(spectrum) @ self._mel + spec.log_offset)  # [frames, bands]
        windows = sliding_window_view(log_mel, spec.patch_frames, axis=0)  # [.., bands, frames]
        patches = windows[:: spec.patch_hop_frames].swapaxes(1, 2)
        return np.ascontiguousarray(patches, np.float32)
