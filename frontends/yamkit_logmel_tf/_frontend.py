"""Log-mel patches with tf.signal: the operations with which the published model was trained.

All parameters come from the `LogMelSpec`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from yamkit.errors import IncompatibleError
from yamkit.features import periodic_hann

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow is imported

import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from yamkit.types import LogMelSpec

__all__ = ["LogMelTf"]


class LogMelTf:
    """The front end; one traced function, which any thread may call.

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
        if features.kind != "log-mel":
            raise IncompatibleError(
                f"features {features.kind!r}: this front end computes 'log-mel'"
            )
        if features.fft_length < features.stft_window_samples:
            raise IncompatibleError(
                f"fft_length {features.fft_length}: must be at least the "
                f"{features.stft_window_samples} samples of the STFT window"
            )
        try:
            with tf.device("/cpu:0"):
                mel = tf.signal.linear_to_mel_weight_matrix(
                    num_mel_bins=features.mel_bands,
                    num_spectrogram_bins=features.fft_length // 2 + 1,
                    sample_rate=features.sample_rate_hz,
                    lower_edge_hertz=features.mel_low_hz,
                    upper_edge_hertz=features.mel_high_hz,
                )
        except ValueError as error:
            raise IncompatibleError(f"mel bands: {error}") from None

        window = _window(features.stft_window_samples)
        signature = tf.TensorSpec([None], tf.float32)

        @tf.function(input_signature=[signature], autograph=False)  # type: ignore[untyped-decorator]
        def patches(segment: Any) -> Any:
            spectrum = tf.signal.stft(  # [frames, bins]
                segment,
                frame_length=features.stft_window_samples,
                frame_step=features.stft_hop_samples,
                fft_length=features.fft_length,
                window_fn=window,
            )
            log_mel = tf.math.log(tf.abs(spectrum) @ mel + features.log_offset)  # [frames, bands]
            return tf.signal.frame(  # [B, patch_frames, bands]
                log_mel, features.patch_frames, features.patch_hop_frames, axis=0
            )

        self._patches = patches

    def patches(self, segment: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute the patches of a segment; see `yamkit.plugin.Frontend`."""
        with tf.device("/cpu:0"):
            result: NDArray[np.float32] = self._patches(tf.constant(segment)).numpy()
        return result


def _window(samples: int) -> Callable[..., Any]:
    """Return the periodic Hann window: tf.signal's if it is periodic.

    It is not for an odd number of samples.
    """
    if samples % 2 == 0:
        return tf.signal.hann_window  # type: ignore[no-any-return]
    hann = tf.constant(periodic_hann(samples), tf.float32)
    return lambda _length, dtype: tf.cast(hann, dtype)
