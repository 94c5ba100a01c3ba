"""The teacher: labels sounds with yamkit's front end and backend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from yamkit.errors import ParameterError
from yamkit.pipeline.compose import Pipeline
from yamkit.pipeline.options import PipelineOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from training.sounds import Sounds
    from yamkit.models import ModelBundle

__all__ = ["Labelled", "label", "label_clips", "open_teacher"]

_BATCH = 64
_BLOCK = 2**20
"""Samples in memory at a time."""
_HIGHEST_LOGIT = 15.0


@dataclass(frozen=True)
class Labelled:
    """Patches and the teacher's logits, float16 to save memory.

    Attributes
    ----------
    patches : ndarray, float16 [N, frames, bands]
    logits : ndarray, float16 [N, C]
        Logits of the scores, clipped to -15 and 15.
    """

    patches: NDArray[np.float16]
    logits: NDArray[np.float16]


def open_teacher(model: ModelBundle, threads: int | None) -> Pipeline:
    """Open a bundle as a teacher."""
    options = PipelineOptions(backend="onnx", frontend="logmel", batch_size=_BATCH, threads=threads)
    return Pipeline(model, options)


def label(teacher: Pipeline, windows: Iterable[NDArray[np.float32]]) -> Labelled:
    """Label single windows.

    Parameters
    ----------
    teacher : Pipeline
    windows : iterable of ndarray, float32 [patch_window_samples]

    Raises
    ------
    ParameterError
        If a score is not finite.
    """
    patches = np.concatenate([teacher.frontend.patches(window) for window in windows])
    scores, _ = teacher.backend.predict(patches)
    if not np.isfinite(scores).all():
        raise ParameterError("the teacher's scores are not finite; choose another --teacher")
    scores = np.clip(scores, 0, 1)
    with np.errstate(divide="ignore"):
        logits = np.log(scores) - np.log1p(-scores)
    return Labelled(
        patches.astype(np.float16),
        np.clip(logits, -_HIGHEST_LOGIT, _HIGHEST_LOGIT).astype(np.float16),
    )


def label_clips(
    teacher: Pipeline, sounds: Sounds, numbers: Iterable[int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Label all patches of unchanged clips.

    Returns
    -------
    clips, starts : ndarray, int64 [N]
        Clip, and first sample in it.
    scores : ndarray, float32 [N, C]
    """
    clips, starts, scores = [], [], []
    for number in numbers:
        for batch in teacher.batches(_blocks(sounds, number), teacher.features.sample_rate_hz):
            clips.append(np.full(len(batch.scores), number))
            starts.append(batch.start_samples)
            scores.append(batch.scores)
    return np.concatenate(clips), np.concatenate(starts), np.concatenate(scores)


def _blocks(sounds: Sounds, number: int) -> Iterator[NDArray[np.float32]]:
    clip = sounds.clips[number]
    for first in range(0, clip.length, _BLOCK):
        yield sounds.of(clip, first, first + _BLOCK)
