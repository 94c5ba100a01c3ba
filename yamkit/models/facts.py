"""Facts about models for people and programs: size, cost, and the JSON form of a description."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

from yamkit._util.text import printable
from yamkit.errors import ModelError
from yamkit.models.store import find_model, unforeseen
from yamkit.networks import mobilenet_v1, multiplications, parameter_count
from yamkit.types import LogMelSpec

if TYPE_CHECKING:
    from pathlib import Path

    from yamkit.models.bundle import ModelBundle
    from yamkit.models.store import InstalledModel

__all__ = ["Cost", "cost_of", "listing_dict", "model_dict", "problem_of", "size_bytes"]


class Cost(NamedTuple):
    """What a network costs.

    Attributes
    ----------
    parameters : int
    multiplications_per_patch : int
    """

    parameters: int
    multiplications_per_patch: int


def size_bytes(bundle: ModelBundle) -> int:
    """Return the size of all files of a model."""
    return sum((bundle.folder / name).stat().st_size for name in bundle.files)


def cost_of(bundle: ModelBundle) -> Cost | None:
    """Return what a network costs; None for one that comes as a file."""
    features = bundle.features
    if bundle.network.kind != "mobilenet-v1" or not isinstance(features, LogMelSpec):
        return None
    layers, classes = mobilenet_v1(bundle.network.width), len(bundle.classes)
    return Cost(
        parameter_count(layers, classes), multiplications(layers, features.patch_shape, classes)
    )


def model_dict(bundle: ModelBundle) -> dict[str, Any]:
    """Return the description of a model, schema ``yamkit-model/1``."""
    cost = cost_of(bundle)
    return {
        "schema": "yamkit-model/1",
        "name": bundle.name,
        "version": bundle.version,
        "licence": bundle.licence,
        "source": bundle.source,
        "source_sha256": bundle.source_sha256,
        "sha256": bundle.sha256,
        "folder": printable(bundle.folder),
        "size_bytes": size_bytes(bundle),
        "classes": len(bundle.classes),
        "cost": None if cost is None else cost._asdict(),
        "network": asdict(bundle.network),
        "features": asdict(bundle.features),
        "files": dict(bundle.files),
    }


def listing_dict(model: InstalledModel) -> dict[str, Any]:
    """Return the entry of a model, which may be broken, in a list of schema ``yamkit-models/1``."""
    bundle = model.bundle
    return {
        "name": printable(model.name),
        "folder": printable(model.folder),
        "state": "broken" if bundle is None else "ok",
        "built_in": model.is_built_in,
        "problem": model.problem or "",
        "version": None if bundle is None else bundle.version,
        "classes": None if bundle is None else len(bundle.classes),
        "network": None if bundle is None else bundle.network.kind,
        "size_bytes": None if bundle is None else size_bytes(bundle),
        "sha256": None if bundle is None else bundle.sha256,
    }


def problem_of(place: str | Path) -> str | None:
    """Return what is wrong with the hashes or weights of a model; None if nothing is."""
    try:
        find_model(place).verify()
    except ModelError as error:
        return str(error)
    except Exception as error:
        return unforeseen(place, error)
    return None
