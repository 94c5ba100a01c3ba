"""The trained network, written as a bundle."""

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

    float16 has 11 significant bits; the error of a weight is at most 1 part in 2,048, and at most
    3e-8 below 6e-5.

    Parameters
    ----------
    weights : mapping of str to ndarray, float32
        Canonical weights.
    recipe : Recipe
    teacher : ModelBundle
    folder : Path
        Must not exist; it appears once it is complete.

    Raises
    ------
    ParameterError
        If a weight is not finite, or exceeds float16.
    BundleError
        If the recipe's texts are invalid in a bundle.
    OSError
        If the folder cannot be written.
    """
    with np.errstate(over="ignore"):
        halves = {name: value.astype(np.float16) for name, value in weights.items()}
    for name, value in halves.items():
        if not np.isfinite(value).all():
            raise ParameterError(
                f"{name}: a weight of {np.abs(weights[name]).max():g} is beyond float16: must be "
                "at most 65504; lower training.learning_rate"
            )
    with _scratch(folder) as scratch:
        fresh = scratch / folder.name
        fresh.mkdir()
        _write(fresh, halves, recipe, teacher)
        fresh.rename(folder)
    return load_bundle(folder)


def check_export(recipe: Recipe, teacher: ModelBundle, folder: Path) -> None:
    """Check that a bundle of the recipe can be written, before hours of training.

    Raises
    ------
    ParameterError
        If the recipe's texts are invalid in a bundle.
    OSError
        If the folder cannot be created.
    """
    shapes = weight_shapes(mobilenet_v1(recipe.width), len(teacher.classes))
    blank = {name: np.zeros(shape, np.float16) for name, shape in shapes.items()}
    with _scratch(folder) as scratch:
        try:
            _write(scratch, blank, recipe, teacher)
        except BundleError as error:
            reason = str(error).removeprefix(f"{scratch / MANIFEST_FILE}: ")
            raise ParameterError(f"recipe: {reason}") from None


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """Make a temporary empty folder next to another one."""
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
