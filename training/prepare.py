"""Preparation of a training: sounds to draw from, and patches for validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.mixtures import Mixer, balanced_weights
from training.sounds import decode, part_of, with_generated
from training.teacher import label_clips
from yamkit.errors import ParameterError
from yamkit.types import LogMelSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from training.recipe import Recipe
    from training.sounds import Sounds
    from yamkit.pipeline.compose import Pipeline

__all__ = ["Validation", "prepare"]


@dataclass(frozen=True)
class Validation:
    """Unchanged patches that are not used for training.

    Attributes
    ----------
    patches : ndarray, float16 [N, frames, bands]
    scores : ndarray, float32 [N, C]
        The teacher's scores.
    collections : tuple of str
        Collection of each patch.
    """

    patches: NDArray[np.float16]
    scores: NDArray[np.float32]
    collections: tuple[str, ...]


def prepare(
    recipe: Recipe,
    audio: Path,
    index: Path | None,
    teacher: Pipeline,
    samples_file: Path,
    say: Callable[[str], None],
) -> tuple[Mixer, Validation]:
    """Decode a folder and label it by the teacher.

    Parameters
    ----------
    recipe : Recipe
    audio : Path
        The folder.
    index : Path or None
        See `training.sounds.collections_of`.
    teacher : Pipeline
    samples_file : Path
        Receives all decoded samples.
    say : callable
        Receives lines about progress.

    Raises
    ------
    ParameterError
        If there is nothing to train on or to validate with.
    OSError
        If the samples cannot be written.
    """
    sounds = decode(audio, index, recipe.data, teacher, samples_file, say)
    parts = [part_of(clip, recipe.data) for clip in sounds.clips]
    numbers = {name: [n for n, part in enumerate(parts) if part == name] for name in set(parts)}
    for name in ("training", "validation"):
        if name not in numbers:
            raise ParameterError(f"{audio}: no clips for {name}")
        collections = {sounds.clips[n].collection for n in numbers[name]}
        seconds = (
            sum(sounds.clips[n].length for n in numbers[name]) / teacher.features.sample_rate_hz
        )
        say(
            f"{name}: {len(numbers[name])} clips of {len(collections)} collections, "
            f"{seconds / 60:.1f} minutes"
        )
    settings, recorded = recipe.mixtures, len(sounds.clips)
    sounds = with_generated(sounds, recipe, teacher.features.sample_rate_hz)
    share = settings.generated_share
    clips, starts, weights = [], [], []
    for part, chosen in (
        (1 - share, numbers["training"]),
        (share, range(recorded, len(sounds.clips))),
    ):
        if part > 0:
            labelled = label_clips(teacher, sounds, chosen)
            clips.append(labelled[0])
            starts.append(labelled[1])
            weights.append(part * balanced_weights(labelled[2], settings.balance))
    features = teacher.features
    if not isinstance(features, LogMelSpec):
        raise ParameterError(
            f"teacher expects {features.kind!r} features; the student requires a teacher that "
            "expects 'log-mel' features"
        )
    mixer = Mixer(
        sounds,
        np.concatenate(clips),
        np.concatenate(starts),
        np.concatenate(weights),
        features,
        settings,
    )
    return mixer, _validation(teacher, sounds, numbers["validation"])


def _validation(teacher: Pipeline, sounds: Sounds, numbers: list[int]) -> Validation:
    clips, starts, scores = label_clips(teacher, sounds, numbers)
    window = teacher.features.patch_window_samples
    patches = np.empty((len(clips), *teacher.features.patch_shape), np.float16)
    for row, (clip, start) in enumerate(zip(clips, starts, strict=True)):
        part = sounds.of(sounds.clips[clip], start, start + window)
        patches[row] = teacher.frontend.patches(np.pad(part, (0, window - len(part))))[0]
    return Validation(patches, scores, tuple(sounds.clips[clip].collection for clip in clips))
