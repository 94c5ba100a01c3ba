"""The trained network as a bundle that yamkit reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.network import BATCH_NORM_EPSILON
from yamkit.models.bundle import write_bundle
from yamkit.networks import mobilenet_v1
from yamkit.types import NetworkSpec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from training.recipe import Recipe
    from yamkit.models import ModelBundle

__all__ = ["export"]


def export(
    weights: Mapping[str, NDArray[np.float32]], recipe: Recipe, teacher: ModelBundle, folder: Path
) -> ModelBundle:
    """Write weights as float16, with the teacher's features and class map.

    A half has 11 significant bits; a weight is off by at most 1 part in 2,048, one below 6e-5 by at
    most 3e-8.

    Parameters
    ----------
    weights : mapping of str to ndarray, float32
        Canonical weights.
    recipe : Recipe
    teacher : ModelBundle
    folder : Path
        To be made.
    """
    folder.mkdir(parents=True)
    return write_bundle(
        folder,
        name=recipe.name,
        version=recipe.version,
        licence=recipe.licence,
        source=recipe.source,
        source_sha256="",
        features=teacher.features,
        network=NetworkSpec(
            kind="mobilenet-v1",
            width=recipe.width,
            batch_norm_epsilon=BATCH_NORM_EPSILON,
            embedding_size=mobilenet_v1(recipe.width)[-1].filters,
        ),
        classes=teacher.classes,
        weights={name: value.astype(np.float16) for name, value in weights.items()},
    )
