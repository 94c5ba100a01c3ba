"""A trial run of a network from a file before it is installed, in batches and patch by patch."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np

from yamkit._util.text import printable
from yamkit.errors import BundleError
from yamkit.pipeline.compose import Pipeline
from yamkit.pipeline.options import PipelineOptions
from yamkit.pipeline.windows import Segment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from yamkit.models import ModelBundle
    from yamkit.types import FeatureSpec

__all__ = ["try_network", "varied_windows"]

_ROWS = 5
_TOLERANCE = 1e-3
"""Largest difference of a score: engines round differently for batches of different sizes."""


def try_network(model: ModelBundle) -> None:
    """Check that a network's scores of patches are the same in a batch and one by one.

    A network exported in training mode normalises over its batch, and others mix or reorder their
    rows: their results would depend on the size and the other patches of the batch.

    Parameters
    ----------
    model : ModelBundle
        A model with a network in a file; networks made from weights need no trial.

    Raises
    ------
    BundleError
        If the scores or the embedding of a patch differ.
    YamkitError
        If the network cannot be run, or its outputs are not scores.
    """
    with contextlib.closing(Pipeline(model, PipelineOptions(batch_size=_ROWS))) as pipeline:
        windows = varied_windows(model.features, _ROWS)
        pieces = [pipeline.transform(Segment(0, 1, window)) for window in windows]
        together = pipeline.infer(pieces)
        alone = [pipeline.infer([piece])[0] for piece in pieces]
    for what in ("scores", "embeddings"):
        batch, rows = (
            np.concatenate([getattr(each, what) for each in batches]).astype(float)
            for batches in (together, alone)
        )
        scale = max(1.0, float(np.abs(rows).max(initial=0)))
        difference = float(np.abs(batch - rows).max(initial=0))
        if not difference <= _TOLERANCE * scale:
            where = printable(model.network_path())
            raise BundleError(
                f"{where}: the {what} of a patch differ by {difference:.2g} between a batch and a "
                "single patch, so results would depend on --batch-size: export the network in "
                "inference mode (PyTorch: model.eval(), Keras: training=False), with independent "
                "rows in the same order"
            )


def varied_windows(features: FeatureSpec, count: int) -> Iterator[NDArray[np.float32]]:
    """Yield the same tones and noises, from faint to full scale, on every call.

    Yields
    ------
    ndarray, float32 [patch_window_samples]
        `count` windows, sorted neither by level nor by pitch.
    """
    random = np.random.default_rng(0)
    time = np.arange(features.patch_window_samples) / features.sample_rate_hz
    levels = np.geomspace(1e-4, 1, count)
    pitches = random.permutation(np.geomspace(50, features.sample_rate_hz / 2.5, count))
    for place, number in enumerate(random.permutation(count)):
        tone = np.sin(2 * np.pi * pitches[place] * time) * (place % 2)
        noise = 0.3 * random.normal(size=len(time))
        yield (levels[number] * (tone + noise)).clip(-1, 1).astype(np.float32)
