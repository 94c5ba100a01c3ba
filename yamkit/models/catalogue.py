"""Published models: where the weight file is, and the rest of the bundle.

Everything comes from ``yamkit/data``; no number of a model is in code.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from yamkit.errors import UnknownModelError
from yamkit.models.classmap import parse_class_map
from yamkit.models.manifest import parse_features, parse_network, parse_toml

if TYPE_CHECKING:
    from yamkit.types import FeatureSpec, NetworkSpec, TagClass

__all__ = ["PublishedModel", "published", "published_names"]


@dataclass(frozen=True)
class PublishedModel:
    """A published weight file and the rest of its bundle.

    Attributes
    ----------
    name, version, licence : str
    source : str
        URL of the file.
    size_bytes : int
    sha256 : str
        SHA-256 of the file.
    features : FeatureSpec
    network : NetworkSpec
    classes : tuple of TagClass
    silence : TagClass or None
        The class that stands for silence.
    """

    name: str
    version: str
    licence: str
    source: str
    size_bytes: int
    sha256: str
    features: FeatureSpec
    network: NetworkSpec
    classes: tuple[TagClass, ...]
    silence: TagClass | None


def published_names() -> tuple[str, ...]:
    """Return the names of the models that yamkit can download."""
    folders = files("yamkit").joinpath("data").iterdir()
    return tuple(sorted(f.name for f in folders if f.joinpath("published.toml").is_file()))


def published(name: str) -> PublishedModel:
    """Return a published model by its name.

    Raises
    ------
    UnknownModelError
        If there is no such model.
    """
    if name not in published_names():
        raise UnknownModelError(
            f"published model {name!r}: must be one of {', '.join(published_names())}; "
            "`yamkit models import FILE` installs any other"
        )
    folder = files("yamkit").joinpath("data").joinpath(name)
    where = f"{name}/published.toml"
    table = parse_toml(folder.joinpath("published.toml").read_text("utf-8"), where)
    data = folder.joinpath(table["classes"]).read_bytes()
    classes = parse_class_map(data, table["classes"])
    return PublishedModel(
        name=table["name"],
        version=table["version"],
        licence=table["licence"],
        source=table["source"],
        size_bytes=table["bytes"],
        sha256=table["sha256"],
        features=parse_features(table, where),
        network=parse_network(table, where),
        classes=classes,
        silence=next(entry for entry in classes if entry.mid == table["silence"]),
    )
