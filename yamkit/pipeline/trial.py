"""Runs a network that came in a file, before it is installed: whether it does what yamkit needs."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np

from yamkit._util.text import printable
from yamkit.errors import BundleError
from yamkit.pipeline.compose import Pipeline, default_parts
from yamkit.pipeline.windows import Segment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from yamkit.models import ModelBundle
    from yamkit.types import FeatureSpec

__all__ = ["try_network", "varied_windows"]

_ROWS = 5
_TOLERANCE = 1e-3
"""Largest difference of a score; engines round in other ways for other sizes of a batch."""


def try_network(model: ModelBundle) -> None:
    """Score patches in a batch, then each alone, and see that their scores are the same.

    A network that was exported in training mode normalises over its batch; others mix or reorder
    their rows. Their results would depend on the size of the batch, and on what else is in it.

    Parameters
    ----------
    model : ModelBundle
        One with a network in a file; of weights the layers are known.

    Raises
    ------
    BundleError
        If a patch has other scores, or another embedding, in a batch.
    YamkitError
        If the network cannot be run, or gives no scores.
    """
    frontend, backend = default_parts(model)
    pipeline = Pipeline(
        model,
        backend=backend,
        frontend=frontend,
        resampler="polyphase",
        hop_seconds=None,
        batch_size=_ROWS,
        threads=None,
        provider="cpu",
    )
    with contextlib.closing(pipeline):
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
                f"{where}: the {what} of a patch differ by {difference:.2g} between a batch and "
                "the patch alone, so results would depend on --batch-size; "
                "export the network in inference mode (PyTorch: model.eval(), Keras: "
                "training=False), with its rows independent and in order"
            )


def varied_windows(features: FeatureSpec, count: int) -> Iterator[NDArray[np.float32]]:
    """Make tones and noises from faint to full scale, the same ones every time.

    Yields
    ------
    ndarray, float32 [patch_window_samples]
        `count` of them, in an order that is neither that of their levels nor that of their pitches.
    """
    random = np.random.default_rng(0)
    time = np.arange(features.patch_window_samples) / features.sample_rate_hz
    levels = np.geomspace(1e-4, 1, count)
    pitches = random.permutation(np.geomspace(50, features.sample_rate_hz / 2.5, count))
    for place, number in enumerate(random.permutation(count)):
        tone = np.sin(2 * np.pi * pitches[place] * time) * (place % 2)
        noise = 0.3 * random.normal(size=len(time))
        yield (levels[number] * (tone + noise)).clip(-1, 1).astype(np.float32)
