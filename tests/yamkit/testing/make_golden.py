"""Makes `yamkit/testing/golden.npz`: yamnet-mini on the kit's windows, in float64 by definition.

python tests/yamkit/testing/make_golden.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from yamkit.features import mel_matrix, periodic_hann
from yamkit.models.store import find_model
from yamkit.testing._golden import golden_windows

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "tests" / "backends"))


def main() -> None:
    from test_backends import direct

    model = find_model("yamnet-mini")
    patches = np.array([log_mel(window, model.features) for window in golden_windows()])
    rounded = patches.astype(np.float32)
    object.__setattr__(model, "weights", model.load_weights())
    scores, embeddings = direct(model, rounded)
    np.savez_compressed(
        ROOT / "yamkit/testing/golden.npz",
        patches=rounded,
        scores=scores.astype(np.float32),
        embeddings=embeddings.astype(np.float32),
    )


def log_mel(window: np.ndarray, features) -> np.ndarray:
    """Compute one patch: frame, window, transform, magnitude, mel bands, logarithm."""
    length = features.stft_window_samples
    hann = periodic_hann(length)
    rows = []
    for frame in range(features.patch_frames):
        start = frame * features.stft_hop_samples
        samples = window[start : start + length].astype(np.float64) * hann
        rows.append(np.abs(np.fft.rfft(samples, features.fft_length)) @ mel_matrix(features))
    return np.log(np.array(rows) + features.log_offset)


if __name__ == "__main__":
    main()
