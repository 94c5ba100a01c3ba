"""Patches from the front end, and the scores and embeddings that a backend returns for them.

Shapes are written with B (patches in a batch), C (classes) and E (embedding size).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "Batch",
    "Patches",
]


@dataclass(frozen=True)
class Patches:
    """The features of consecutive patches.

    Attributes
    ----------
    start_samples : ndarray, int64 [B]
        First sample of each patch, at the model's rate.
    values : ndarray, float32 [B, ...]
        Features of each patch, from the front end.
    is_silent : bool
        Whether all samples of these patches are zero.
    """

    start_samples: NDArray[np.int64]
    values: NDArray[np.float32]
    is_silent: bool = False

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Batch:
    """The scores and embeddings of consecutive patches.

    Attributes
    ----------
    start_samples : ndarray, int64 [B]
        First sample of each patch, at the model's rate.
    scores : ndarray, float32 [B, C]
        Sigmoid outputs; they do not sum to 1.
    embeddings : ndarray, float32 [B, E]
        Activations before the classifier.
    """

    start_samples: NDArray[np.int64]
    scores: NDArray[np.float32]
    embeddings: NDArray[np.float32]
