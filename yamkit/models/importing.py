"""Bundles made from other files: Keras 2 weights, an ONNX graph, or another engine's file.

The user states what the file does not (features, class map); the defaults are YAMNet's.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace as replaced
from pathlib import Path
from typing import TYPE_CHECKING

from yamkit._util.text import printable
from yamkit.errors import BundleError, WeightFileError, YamkitError
from yamkit.models.bundle import ModelBundle, load_bundle
from yamkit.models.bundle_files import file_sha256
from yamkit.models.catalogue import published
from yamkit.models.classmap import MAX_CLASS_MAP_BYTES, parse_class_map
from yamkit.models.manifest import MAX_MANIFEST_BYTES, parse_features, parse_toml
from yamkit.models.store import DEFAULT_MODEL, install
from yamkit.models.writing import ModelDescription, write_bundle
from yamkit.types import NetworkSpec, WaveformSpec

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from yamkit.models.catalogue import PublishedModel
    from yamkit.types import FeatureSpec, TagClass

__all__ = ["ImportOptions", "import_model", "write_h5_bundle"]

_MAX_NETWORK_BYTES = 2**31 - 1


@dataclass(frozen=True)
class ImportOptions:
    """What the file of a model does not state.

    Attributes
    ----------
    kind : str, optional
        ``mobilenet-v1``: HDF5 with the weights of YAMNet's network, in Keras 2's layout and
        YAMNet's layer names, of any width. ``onnx``: a graph that takes patches, float32
        [B, *patch_shape], and returns scores in 0..1 [B, C] and perhaps embeddings [B, E]; see
        `yamkit.models.onnx_file.read_onnx`. Any other: a file of that format, which is copied into
        the bundle unchanged, for backends that run it. By default, ``onnx`` for ``.onnx`` files,
        else ``mobilenet-v1``.
    classes_path : path-like, optional
        Class map. By default, YAMNet's for a ``mobilenet-v1``; other files require one.
    features_path : path-like, optional
        TOML file with a table ``[features]``; by default YAMNet's features.
    like : ModelBundle, optional
        The model that supplies class map, features and licence where they are not given.
    waveform : bool
        Whether the network expects samples, in windows as long as the features state.
    licence, version : str, optional
        By default those of the published model if the file is that one, else ``unknown`` and ``1``.
    embedding_size : int
        E of a network whose file yamkit does not read.
    """

    kind: str | None = None
    classes_path: str | os.PathLike[str] | None = None
    features_path: str | os.PathLike[str] | None = None
    like: ModelBundle | None = None
    waveform: bool = False
    licence: str | None = None
    version: str | None = None
    embedding_size: int = 0


_DEFAULTS = ImportOptions()


def import_model(
    path: str | os.PathLike[str],
    *,
    name: str,
    options: ImportOptions = _DEFAULTS,
    replace: bool = False,
    check: Callable[[ModelBundle], object] | None = None,
) -> ModelBundle:
    """Install a model from a file.

    Parameters
    ----------
    path : path-like
    name : str
        Name of the model.
    options : ImportOptions
        What the file does not state.
    replace : bool
        Whether a model of that name may be replaced.
    check : callable, optional
        Receives the bundle before it is installed; if it raises, the model is not installed. The
        command line passes `yamkit.pipeline.trial.try_network` for networks in files.

    Raises
    ------
    WeightFileError
        If the file does not hold such a network, or the class map is missing or has another length.
    BundleError
        If class map or features are malformed.
    ParameterError, ModelExistsError, StoreError
        See `yamkit.models.store.install`.
    """
    path = Path(path)
    if problem := _file_problem(path):
        raise WeightFileError(f"{printable(path)}: {problem}")
    kind = options.kind or ("onnx" if path.suffix.lower() == ".onnx" else "mobilenet-v1")
    surroundings = _surroundings(path, kind, options)

    def build(folder: Path) -> None:
        if kind == "mobilenet-v1":
            licence, version = _licence(options), options.version
            write_h5_bundle(folder, path, surroundings, name=name, licence=licence, version=version)
        else:
            _write_network_bundle(folder, path, surroundings, name, kind, options)
        if check is not None:
            try:
                check(load_bundle(folder))
            except YamkitError as error:  # it names the copy, not the user's file
                copy = printable(folder / f"model.{kind}")
                raise type(error)(str(error).replace(copy, printable(path))) from None

    return install(name, build, replace=replace)


def _licence(options: ImportOptions) -> str | None:
    return options.licence or (options.like.licence if options.like is not None else None)


def _surroundings(path: Path, kind: str, options: ImportOptions) -> PublishedModel:
    """Return YAMNet's catalogue entry, with the class map and features of the options."""
    model, like = published(DEFAULT_MODEL), options.like
    if like is not None:
        model = replaced(model, classes=like.classes, features=like.features, silence=like.silence)
    elif options.classes_path is None and kind != "mobilenet-v1":
        raise WeightFileError(
            f"{printable(path)}: the file does not state its classes; add a class map with "
            "--classes FILE.csv (index,mid,display_name), or a model with the same classes with "
            "--like"
        )
    if options.classes_path is not None:
        classes = _read_classes(options.classes_path)
        model = replaced(model, classes=classes, silence=_same_class(model.silence, classes))
    if options.features_path is not None:
        model = replaced(model, features=_read_features(options.features_path))
    if options.waveform:
        model = replaced(model, features=_waveform(model.features))
    return model


def _write_network_bundle(
    folder: Path,
    path: Path,
    model: PublishedModel,
    name: str,
    kind: str,
    options: ImportOptions,
) -> None:
    data, size = _network(path, kind, model, options.embedding_size)
    description = ModelDescription(
        name=name,
        version=options.version or "1",
        licence=_licence(options) or "unknown",
        source=printable(path.name),
        source_sha256=file_sha256(path),
        features=model.features,
        network=NetworkSpec(kind=kind, embedding_size=size),
        classes=model.classes,
        silence=model.silence,
    )
    write_bundle(folder, description, network_file=data)


def _same_class(entry: TagClass | None, classes: Sequence[TagClass]) -> TagClass | None:
    """Find the class of another map with the same machine identifier."""
    if entry is None or not entry.mid:
        return None
    return next((other for other in classes if other.mid == entry.mid), None)


def _waveform(features: FeatureSpec) -> WaveformSpec:
    return WaveformSpec(
        kind="waveform",
        sample_rate_hz=features.sample_rate_hz,
        patch_window_samples=features.patch_window_samples,
        patch_hop_samples=features.patch_hop_samples,
        tail=features.tail,
    )


def _network(
    path: Path, kind: str, model: PublishedModel, embedding_size: int
) -> tuple[bytes, int]:
    """Return the content of a network's file, and the length of its embeddings."""
    if kind != "onnx":
        return _read(path, _MAX_NETWORK_BYTES), embedding_size
    from yamkit.models.onnx_file import read_onnx

    graph = read_onnx(path, model.features.patch_shape)
    _check_length(model.classes, graph.classes, path)
    return graph.data, graph.embedding_size


def write_h5_bundle(
    folder: Path,
    path: Path,
    model: PublishedModel,
    *,
    name: str,
    licence: str | None = None,
    version: str | None = None,
) -> None:
    """Write a bundle from a Keras 2 weight file and the catalogue entry of its model.

    Licence, version and source are those of the published model only if the file's hash is.
    """
    from yamkit.models.keras_h5 import read_keras_h5

    digest = file_sha256(path)
    is_published = digest == model.sha256
    width, weights = read_keras_h5(path)
    embedding_size, classes = weights["classifier/kernel"].shape
    _check_length(model.classes, classes, path)
    description = ModelDescription(
        name=name,
        version=version or (model.version if is_published else "1"),
        licence=licence or (model.licence if is_published else "unknown"),
        source=model.source if is_published else printable(path.name),
        source_sha256=digest,
        features=model.features,
        network=replaced(model.network, width=width, embedding_size=embedding_size),
        classes=model.classes,
        silence=model.silence,
    )
    write_bundle(folder, description, weights=weights)


def _file_problem(path: Path) -> str:
    """Return why a file cannot be read; empty if it can. Opening a pipe would wait for ever."""
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
            f"{printable(path)}: the network has {outputs} scores, the class map has "
            f"{len(classes)} classes; add a matching class map with --classes FILE.csv"
        )


def _read_classes(path: str | os.PathLike[str]) -> tuple[TagClass, ...]:
    return parse_class_map(_read(path, MAX_CLASS_MAP_BYTES), printable(path))


def _read_features(path: str | os.PathLike[str]) -> FeatureSpec:
    try:
        text = _read(path, MAX_MANIFEST_BYTES).decode()
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
