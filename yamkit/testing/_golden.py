"""Golden inputs and outputs of `yamnet-mini`.

The windows follow from a formula in integers, so every machine has the same. Patches, scores
and embeddings were computed in float64 from the definitions, with ``make_golden.py`` in
``tests/yamkit/testing``.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Golden", "golden", "golden_windows"]

_WINDOWS = 6
_WINDOW_SAMPLES = 15_600


@dataclass(frozen=True)
class Golden:
    """Inputs and outputs of `yamnet-mini`.

    Attributes
    ----------
    windows : ndarray, float32 [6, 15600]
        Samples at 16 kHz.
    patches : ndarray, float32 [6, 96, 64]
    scores : ndarray, float32 [6, 521]
    embeddings : ndarray, float32 [6, 512]
    """

    windows: NDArray[np.float32]
    patches: NDArray[np.float32]
    scores: NDArray[np.float32]
    embeddings: NDArray[np.float32]


def golden() -> Golden:
    """Load the golden data."""
    with (files("yamkit.testing") / "golden.npz").open("rb") as stream:
        arrays = np.load(stream, allow_pickle=False)
        return Golden(golden_windows(), *(arrays[k] for k in ("patches", "scores", "embeddings")))


def golden_windows() -> NDArray[np.float32]:
    """Make the windows: silence, noise at three levels, two rows of pulses.

    The noise is a linear congruential generator's (D. Knuth, The Art of Computer Programming,
    volume 2, section 3.3.4, with the multiplier of MMIX); the pulses are integer sawtooth waves.

    Returns
    -------
    ndarray, float32 [6, 15600]
        Multiples of 2**-15 within -1 to 1.
    """
    count = _WINDOWS * _WINDOW_SAMPLES
    state, noise = 1, np.empty(count, np.int64)
    for place in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        noise[place] = (state >> 48) - 2**15
    windows = noise.reshape(_WINDOWS, _WINDOW_SAMPLES)
    time = np.arange(_WINDOW_SAMPLES)
    windows[0] = 0
    windows[1] >>= 9
    windows[2] >>= 5
    windows[3] >>= 2
    windows[4] = (time * 1801 % 2**15 - 2**14) * (time % 4000 < 2000)
    windows[5] = (time * (200 + time // 64) % 2**14 - 2**13) + (windows[5] >> 6)
    return (windows / 2**15).astype(np.float32)
