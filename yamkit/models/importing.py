"""Bundles made from files of others: a Keras 2 weight file, or an ONNX graph with a class map.

What the file does not say (features, class map) is YAMNet's, unless the user brings their own.
"""

from __future__ import annotations

from dataclasses import replace as replaced
from pathlib import Path
from typing import TYPE_CHECKING

from yamkit._text import printable
from yamkit.errors import BundleError, WeightFileError
from yamkit.models.bundle import ModelBundle, file_sha256, write_bundle
from yamkit.models.catalogue import published
from yamkit.models.classmap import MAX_CLASS_MAP_BYTES, parse_class_map
from yamkit.models.manifest import parse_features, parse_toml
from yamkit.models.store import DEFAULT_MODEL, install
from yamkit.types import NetworkSpec

if TYPE_CHECKING:
    import os

    from yamkit.models.catalogue import PublishedModel
    from yamkit.types import FeatureSpec, TagClass

__all__ = ["import_h5", "import_model", "import_onnx", "write_h5_bundle"]

_MAX_FEATURES_BYTES = 2**20


def import_model(
    path: str | os.PathLike[str],
    *,
    name: str,
    classes_path: str | os.PathLike[str] | None = None,
    features_path: str | os.PathLike[str] | None = None,
    licence: str | None = None,
    version: str | None = None,
    replace: bool = False,
) -> ModelBundle:
    """Install a model from a file: ``.onnx`` by `import_onnx`, anything else by `import_h5`."""
    import_file = import_onnx if Path(path).suffix.lower() == ".onnx" else import_h5
    return import_file(
        path,
        name=name,
        classes_path=classes_path,
        features_path=features_path,
        licence=licence,
        version=version,
        replace=replace,
    )


def import_h5(
    path: str | os.PathLike[str],
    *,
    name: str,
    classes_path: str | os.PathLike[str] | None = None,
    features_path: str | os.PathLike[str] | None = None,
    licence: str | None = None,
    version: str | None = None,
    replace: bool = False,
) -> ModelBundle:
    """Install a model from a Keras 2 weight file in YAMNet's layer names.

    Parameters
    ----------
    path : path-like
        HDF5, weights alone or a whole model.
    name : str
        Name of the model.
    classes_path : path-like, optional
        Class map; YAMNet's if not given.
    features_path : path-like, optional
        TOML file with a table ``[features]``; YAMNet's if not given.
    licence, version : str, optional
        Of the model; those of the published model if the file is that one, else ``unknown`` and
        ``1``.
    replace : bool
        Whether a model of that name may be replaced.

    Raises
    ------
    WeightFileError
        If the file does not hold the network, or the class map has another length.
    BundleError
        If class map or features are malformed.
    ParameterError, ModelExistsError, StoreError
        See `yamkit.models.store.install`.
    """
    path = _existing(path)
    model = published(DEFAULT_MODEL)
    if classes_path is not None:
        model = replaced(model, classes=_read_classes(classes_path))
    if features_path is not None:
        model = replaced(model, features=_read_features(features_path))

    def build(folder: Path) -> None:
        write_h5_bundle(folder, path, model, name=name, licence=licence, version=version)

    return install(name, build, replace=replace)


def import_onnx(
    path: str | os.PathLike[str],
    *,
    name: str,
    classes_path: str | os.PathLike[str] | None = None,
    features_path: str | os.PathLike[str] | None = None,
    licence: str | None = None,
    version: str | None = None,
    replace: bool = False,
) -> ModelBundle:
    """Install a model from an ONNX file; backends that take ONNX run it.

    The graph takes patches, float32 [B, frames, bands], and gives scores in 0..1 [B, C] and
    perhaps embeddings [B, E]; see `yamkit.models.onnx_file.read_onnx`.

    Parameters
    ----------
    path : path-like
    name : str
        Name of the model.
    classes_path : path-like
        Class map. There is no default: nothing in the file says what its outputs mean.
    features_path, licence, version, replace
        See `import_h5`.

    Raises
    ------
    WeightFileError
        If there is no class map, it has another length, or the file is not such a graph.
    BundleError
        If class map or features are malformed.
    ParameterError, ModelExistsError, StoreError
        See `yamkit.models.store.install`.
    """
    path = _existing(path)
    if classes_path is None:
        raise WeightFileError(
            f"{printable(path)}: an ONNX file does not say what its classes are; give a class map "
            "with --classes FILE.csv (index,mid,display_name)"
        )
    classes = _read_classes(classes_path)
    if features_path is None:
        features = published(DEFAULT_MODEL).features
    else:
        features = _read_features(features_path)

    def build(folder: Path) -> None:
        from yamkit.models.onnx_file import read_onnx

        graph = read_onnx(path, features.patch_shape)
        _check_length(classes, graph.classes, path)
        write_bundle(
            folder,
            name=name,
            version=version or "1",
            licence=licence or "unknown",
            source=printable(path.name),
            source_sha256=file_sha256(path),
            features=features,
            network=NetworkSpec(kind="onnx", embedding_size=graph.embedding_size),
            classes=classes,
            onnx=graph.data,
        )

    return install(name, build, replace=replace)


def write_h5_bundle(
    folder: Path,
    path: Path,
    model: PublishedModel,
    *,
    name: str,
    licence: str | None = None,
    version: str | None = None,
) -> None:
    """Write a bundle from a Keras 2 weight file and what the catalogue says of its model.

    Licence, version and source are the published model's only if the file is, by its hash.
    """
    from yamkit.models.keras_h5 import read_keras_h5

    digest = file_sha256(path)
    is_published = digest == model.sha256
    width, weights = read_keras_h5(path)
    embedding_size, classes = weights["classifier/kernel"].shape
    _check_length(model.classes, classes, path)
    write_bundle(
        folder,
        name=name,
        version=version or (model.version if is_published else "1"),
        licence=licence or (model.licence if is_published else "unknown"),
        source=model.source if is_published else printable(path.name),
        source_sha256=digest,
        features=model.features,
        network=replaced(model.network, width=width, embedding_size=embedding_size),
        classes=model.classes,
        weights=weights,
    )


def _existing(path: str | os.PathLike[str]) -> Path:
    path = Path(path)
    if problem := _file_problem(path):
        raise WeightFileError(f"{printable(path)}: {problem}")
    return path


def _file_problem(path: Path) -> str:
    """Say why a file cannot be read; empty if it can. Opening a pipe would wait for ever."""
    try:
        if not path.is_file():
            return "not a file" if path.exists() else "no such file"
        with path.open("rb"):
            return ""
    except OSError as error:
        return error.strerror or printable(str(error))


def _check_length(classes: tuple[TagClass, ...], outputs: int, path: Path) -> None:
    if len(classes) != outputs:
        raise WeightFileError(
            f"{printable(path)}: gives {outputs} scores, the class map has {len(classes)} "
            "classes; give a fitting one with --classes FILE.csv"
        )


def _read_classes(path: str | os.PathLike[str]) -> tuple[TagClass, ...]:
    return parse_class_map(_read(path, MAX_CLASS_MAP_BYTES), printable(path))


def _read_features(path: str | os.PathLike[str]) -> FeatureSpec:
    try:
        text = _read(path, _MAX_FEATURES_BYTES).decode()
    except UnicodeDecodeError:
        raise BundleError(f"{printable(path)}: not UTF-8 text") from None
    return parse_features(parse_toml(text, printable(path)), printable(path))


def _read(path: str | os.PathLike[str], limit: int) -> bytes:
    path = Path(path)
    if problem := _file_problem(path):
        raise BundleError(f"{printable(path)}: {problem}")
    with path.open("rb") as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise BundleError(f"{printable(path)}: longer than {limit} bytes")
    return data
