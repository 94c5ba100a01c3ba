"""The trained network as a bundle that yamkit reads."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.network import BATCH_NORM_EPSILON
from yamkit.errors import BundleError, ParameterError
from yamkit.models.bundle import load_bundle
from yamkit.models.bundle_files import MANIFEST_FILE
from yamkit.models.writing import ModelDescription, write_bundle
from yamkit.networks import mobilenet_v1, weight_shapes
from yamkit.types import NetworkSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from training.recipe import Recipe
    from yamkit.models import ModelBundle

__all__ = ["check_export", "export"]


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
        To be made; it appears when all of it is written.

    Raises
    ------
    ParameterError
        If a weight is not finite, as float16 or already before.
    BundleError
        If the recipe's texts make no bundle.
    OSError
        If the folder cannot be written.
    """
    with np.errstate(over="ignore"):
        halves = {name: value.astype(np.float16) for name, value in weights.items()}
    for name, value in halves.items():
        if not np.isfinite(value).all():
            raise ParameterError(
                f"{name}: a weight of {np.abs(weights[name]).max():g} is beyond float16, which "
                "ends at 65504; train with a lower training.learning_rate"
            )
    with _scratch(folder) as scratch:
        fresh = scratch / folder.name
        fresh.mkdir()
        _write(fresh, halves, recipe, teacher)
        fresh.rename(folder)
    return load_bundle(folder)


def check_export(recipe: Recipe, teacher: ModelBundle, folder: Path) -> None:
    """See that a bundle of the recipe can be written, before hours are spent on its weights.

    Raises
    ------
    ParameterError
        If the recipe's texts make no bundle.
    OSError
        If the place of the folder cannot be written.
    """
    shapes = weight_shapes(mobilenet_v1(recipe.width), len(teacher.classes))
    blank = {name: np.zeros(shape, np.float16) for name, shape in shapes.items()}
    with _scratch(folder) as scratch:
        try:
            _write(scratch, blank, recipe, teacher)
        except BundleError as error:
            reason = str(error).removeprefix(f"{scratch / MANIFEST_FILE}: ")
            raise ParameterError(f"the recipe makes no bundle: its {reason}") from None


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """Make an empty folder beside another one, for as long as it is needed."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=folder.parent) as scratch:
        yield Path(scratch)


def _write(
    folder: Path,
    weights: Mapping[str, NDArray[np.float16]],
    recipe: Recipe,
    teacher: ModelBundle,
) -> None:
    write_bundle(
        folder,
        ModelDescription(
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
            silence=teacher.silence,
        ),
        weights=weights,
    )
