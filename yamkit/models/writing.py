"""Bundles are written here: the same description and weights always give the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from yamkit.errors import BundleError, ParameterError
from yamkit.models.bundle import load_bundle
from yamkit.models.bundle_files import CLASSES_FILE, MANIFEST_FILE, file_sha256, network_file_name
from yamkit.models.classmap import format_class_map
from yamkit.models.manifest import Manifest, format_manifest

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from yamkit.models.bundle import ModelBundle
    from yamkit.types import FeatureSpec, NetworkSpec, TagClass

__all__ = ["ModelDescription", "write_bundle"]


@dataclass(frozen=True)
class ModelDescription:
    """What a bundle states about its model.

    Attributes
    ----------
    name, version, licence, source : str
        One line each; ``source`` is a URL or the name of a file.
    source_sha256 : str
        SHA-256 of the file the bundle is made from; empty if there is none.
    features : FeatureSpec
        What the network expects.
    network : NetworkSpec
    classes : tuple of TagClass
        The class map: C rows.
    silence : TagClass or None
        The class that stands for silence.
    """

    name: str
    version: str
    licence: str
    source: str
    source_sha256: str
    features: FeatureSpec
    network: NetworkSpec
    classes: tuple[TagClass, ...]
    silence: TagClass | None = None


def write_bundle(
    folder: str | os.PathLike[str],
    model: ModelDescription,
    *,
    weights: Mapping[str, NDArray[np.floating]] | None = None,
    network_file: bytes | None = None,
) -> ModelBundle:
    """Write a bundle and load it.

    Parameters
    ----------
    folder : path-like
        An existing, empty folder.
    model : ModelDescription
    weights : mapping of str to ndarray, optional
        Canonical weights; float16 is kept, everything else becomes float32.
    network_file : bytes, optional
        Content of ``model.KIND``. Exactly one of `weights` and `network_file` is required.

    Raises
    ------
    ParameterError
        If not exactly one of `weights` and `network_file` is given.
    BundleError
        If the result is not a valid bundle.
    OSError
        If the folder cannot be written.
    """
    folder = Path(folder)
    path = folder / network_file_name(model.network)
    if weights is not None and network_file is None:
        from yamkit.models.weights import write_weights

        with path.open("wb") as stream:
            write_weights(stream, weights)
    elif network_file is not None and weights is None:
        path.write_bytes(network_file)
    else:
        raise ParameterError("a bundle requires exactly one of weights= and network_file=")
    (folder / CLASSES_FILE).write_bytes(format_class_map(model.classes))
    files = {file.name: file_sha256(file) for file in (folder / CLASSES_FILE, path)}
    (folder / MANIFEST_FILE).write_bytes(_manifest(model, files))
    return load_bundle(folder)


def _manifest(model: ModelDescription, files: Mapping[str, str]) -> bytes:
    silence = model.silence
    manifest = Manifest(
        name=model.name,
        version=model.version,
        licence=model.licence,
        source=model.source,
        source_sha256=model.source_sha256,
        classes=CLASSES_FILE,
        features=model.features,
        network=model.network,
        files=files,
        silence="" if silence is None else silence.mid or silence.name,
    )
    try:
        return format_manifest(manifest).encode()
    except UnicodeEncodeError:
        raise BundleError(f"{model.name!r}: the manifest's texts must be valid Unicode") from None
