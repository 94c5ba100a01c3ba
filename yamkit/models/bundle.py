"""A model bundle: a folder with ``model.toml``, a class map, and one file that holds the network.

That file is ``weights.npz`` for the networks that yamkit describes, else ``model.KIND``, the kind
of the network being a file format: ``model.onnx``, ``model.tflite``.

Folders come from strangers, so everything is checked before it is used. Loading a bundle reads the
manifest and the class map; weights are read, and hashed, when somebody asks for them.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from yamkit._util.text import printable
from yamkit.errors import BundleError, ParameterError, WeightFileError
from yamkit.models.classmap import MAX_CLASS_MAP_BYTES, format_class_map, parse_class_map
from yamkit.models.folders import cache_folder
from yamkit.models.manifest import MAX_MANIFEST_BYTES, Manifest, format_manifest, parse_manifest
from yamkit.networks import mobilenet_v1, weight_shapes

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from yamkit.types import FeatureSpec, NetworkSpec, TagClass

__all__ = ["MANIFEST_FILE", "ModelBundle", "file_sha256", "load_bundle", "write_bundle"]

MANIFEST_FILE = "model.toml"
_WEIGHTS_FILE = "weights.npz"
_CLASSES_FILE = "classes.csv"
_CHECK = 2
"""Number of `onnx_file.check_self_contained`: it rises when the check finds more."""


@dataclass(frozen=True)
class ModelBundle:
    """A model in its folder; a `yamkit.plugin.Model`.

    Attributes
    ----------
    folder : Path
    name, version, licence, source : str
        As the manifest states them, one line each.
    source_sha256 : str
        SHA-256 of the file the bundle was made from, empty where there is none.
    features : FeatureSpec
        What the network eats.
    network : NetworkSpec
        Which network it is.
    classes : tuple of TagClass
        The class map: C rows.
    files : mapping of str to str
        SHA-256 of every file beside the manifest.
    sha256 : str
        SHA-256 of the manifest. It identifies the whole bundle, as the manifest holds all hashes.
    silence : TagClass or None
        The class that stands for silence, where the manifest names one.
    """

    folder: Path
    name: str
    version: str
    licence: str
    source: str
    source_sha256: str
    features: FeatureSpec
    network: NetworkSpec
    classes: tuple[TagClass, ...]
    files: Mapping[str, str] = field(hash=False)
    sha256: str
    silence: TagClass | None = None

    @property
    def silence_index(self) -> int | None:
        """Index of the class that stands for silence; None where the manifest names none."""
        return None if self.silence is None else self.silence.index

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the file that holds the weights, as the manifest states it."""
        return self.files[self._network_file]

    def load_weights(self) -> dict[str, NDArray[np.float32]]:
        """Load the canonical weights of a ``mobilenet-v1``.

        Returns
        -------
        dict of str to ndarray, float32
            Names and shapes are those of `yamkit.networks.weight_shapes`.

        Raises
        ------
        BundleError
            If the network is of another kind, or the file is not what it should be.
        """
        if self.network.kind != "mobilenet-v1":
            raise BundleError(
                f"{self.name}: its network is of kind {self.network.kind!r}; only mobilenet-v1 has "
                "canonical weights"
            )
        from yamkit.models.weights import read_weights

        shapes = weight_shapes(mobilenet_v1(self.network.width), len(self.classes))
        path = _file(self.folder, _WEIGHTS_FILE)
        with _open(path) as stream:
            # hashed and read through one handle: the file cannot be exchanged in between
            _check_sha256(path, stream, self.files[_WEIGHTS_FILE])
            stream.seek(0)
            return read_weights(stream, shapes, printable(path))

    def network_path(self) -> Path:
        """Give the path of the file ``model.KIND`` that holds the network, after checking its hash.

        The bundle may come from anywhere, so it is also seen to that an ONNX graph names no other
        file: engines would read it. That takes a library and time, so the cache folder remembers
        by its hash which graph has passed.

        Raises
        ------
        BundleError
            If the network has canonical weights, or the file is not what it should be.
        """
        if self.network.kind == "mobilenet-v1":
            raise BundleError(
                f"{self.name}: its network is of kind {self.network.kind!r}, which has weights and "
                "no file of its own"
            )
        path = _file(self.folder, self._network_file)
        digest = self.files[self._network_file]
        mark = f"self-contained-{_CHECK}-{digest}"
        with _open(path) as stream:
            # hashed and read through one handle: the file cannot be exchanged in between
            _check_sha256(path, stream, digest)
            if self.network.kind == "onnx" and not _is_marked(mark):
                stream.seek(0)
                _check_graph(path, stream)
                _set_mark(mark)
        return path

    def verify_weights(self) -> None:
        """Check the hash of the file that holds the weights, and nothing else.

        It is for whoever opens the model: a backend may run from what it built earlier and never
        read the file. The file is read once, in pieces, which takes 10 ms for the 15 MB of YAMNet.

        Raises
        ------
        BundleError
            If it is missing, cannot be read, or is not what the manifest says.
        """
        self._verify_file(self._network_file)

    def verify(self) -> None:
        """Check the hash of every file, and the canonical weights or the graph.

        Raises
        ------
        BundleError
            At the first file that is not what the manifest says.
        """
        for name in sorted(self.files):
            self._verify_file(name)
        if self.network.kind == "mobilenet-v1":
            self.load_weights()
        else:
            self.network_path()

    @property
    def _network_file(self) -> str:
        return _network_file(self.network)

    def _verify_file(self, name: str) -> None:
        path = _file(self.folder, name)
        with _open(path) as stream:
            _check_sha256(path, stream, self.files[name])


def load_bundle(folder: str | os.PathLike[str]) -> ModelBundle:
    """Load a bundle: read and check manifest and class map, and see that every file is there.

    The other files are hashed when they are used, so that loading stays fast.

    Parameters
    ----------
    folder : path-like

    Raises
    ------
    BundleError
        If the bundle is malformed or reaches outside its folder.
    """
    folder = Path(folder)
    path = _file(folder, MANIFEST_FILE)
    data = _read(path, MAX_MANIFEST_BYTES)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise BundleError(f"{printable(path)}: not UTF-8 text") from None
    manifest = parse_manifest(text, printable(path))
    _check_network_file(manifest, path)
    for name in manifest.files:
        _file(folder, name)
    classes = _load_classes(folder, manifest)
    return ModelBundle(
        folder=folder,
        name=manifest.name,
        version=manifest.version,
        licence=manifest.licence,
        source=manifest.source,
        source_sha256=manifest.source_sha256,
        features=manifest.features,
        network=manifest.network,
        classes=classes,
        files=manifest.files,
        sha256=hashlib.sha256(data).hexdigest(),
        silence=_silence(manifest, classes, path),
    )


def write_bundle(
    folder: str | os.PathLike[str],
    *,
    name: str,
    version: str,
    licence: str,
    source: str,
    source_sha256: str,
    features: FeatureSpec,
    network: NetworkSpec,
    classes: Sequence[TagClass],
    silence: TagClass | None = None,
    weights: Mapping[str, NDArray[np.floating]] | None = None,
    network_file: bytes | None = None,
) -> ModelBundle:
    """Write a bundle and load it. The same arguments always give the same bytes.

    Parameters
    ----------
    folder : path-like
        Exists and is empty.
    name, version, licence, source, source_sha256, features, network, classes, silence
        See `ModelBundle`.
    weights : mapping of str to ndarray, optional
        Canonical weights; float16 is kept, everything else becomes float32.
    network_file : bytes, optional
        What ``model.KIND`` holds. Exactly one of both is given.

    Raises
    ------
    ParameterError
        If not exactly one of ``weights`` and ``network_file`` is given.
    BundleError
        If what was written is not a sound bundle.
    OSError
        If the folder cannot be written.
    """
    folder = Path(folder)
    path = folder / _network_file(network)
    if weights is not None and network_file is None:
        from yamkit.models.weights import write_weights

        with path.open("wb") as stream:
            write_weights(stream, weights)
    elif network_file is not None and weights is None:
        path.write_bytes(network_file)
    else:
        raise ParameterError("a bundle holds either weights or a network's file; give one of them")
    (folder / _CLASSES_FILE).write_bytes(format_class_map(classes))
    manifest = Manifest(
        name=name,
        version=version,
        licence=licence,
        source=source,
        source_sha256=source_sha256,
        classes=_CLASSES_FILE,
        features=features,
        network=network,
        files={file.name: file_sha256(file) for file in (folder / _CLASSES_FILE, path)},
        silence="" if silence is None else silence.mid or silence.name,
    )
    try:
        data = format_manifest(manifest).encode()
    except UnicodeEncodeError:
        raise BundleError(f"{name!r}: its texts must be valid Unicode") from None
    (folder / MANIFEST_FILE).write_bytes(data)
    return load_bundle(folder)


def file_sha256(path: Path) -> str:
    """Hash a file, in pieces.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with path.open("rb") as stream:
        return _sha256(stream)


def _network_file(network: NetworkSpec) -> str:
    return _WEIGHTS_FILE if network.kind == "mobilenet-v1" else f"model.{network.kind}"


def _check_network_file(manifest: Manifest, path: Path) -> None:
    wanted = _network_file(manifest.network)
    if wanted not in manifest.files:
        raise BundleError(
            f"{printable(path)}: a network of kind {manifest.network.kind!r} needs {wanted} in "
            "[files]"
        )


def _load_classes(folder: Path, manifest: Manifest) -> tuple[TagClass, ...]:
    path = _file(folder, manifest.classes)
    data = _read(path, MAX_CLASS_MAP_BYTES)
    if hashlib.sha256(data).hexdigest() != manifest.files[manifest.classes]:
        raise BundleError(_damaged(path))
    return parse_class_map(data, printable(path))


def _silence(manifest: Manifest, classes: Sequence[TagClass], path: Path) -> TagClass | None:
    if not manifest.silence:
        return None
    for entry in classes:
        if manifest.silence in (entry.mid, entry.name):
            return entry
    raise BundleError(
        f"{printable(path)}: silence is {manifest.silence!r}, which is none of the classes"
    )


def _check_graph(path: Path, stream: IO[bytes]) -> None:
    from yamkit.models.onnx_file import check_self_contained

    with _reading(path):
        data = stream.read()
    try:
        check_self_contained(data, printable(path))
    except WeightFileError as error:
        raise BundleError(str(error)) from None


def _is_marked(mark: str) -> bool:
    with contextlib.suppress(OSError):
        return (cache_folder() / mark).is_file()
    return False


def _set_mark(mark: str) -> None:
    """Remember something by an empty file; without a cache it is found out again."""
    with contextlib.suppress(OSError):
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / mark).touch()


def _file(folder: Path, name: str) -> Path:
    """Find a file of the bundle: there, regular, and really inside the folder."""
    path = folder / name
    shown = printable(path)
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
        is_file = path.is_file()
    except (OSError, RuntimeError, ValueError) as error:
        # RuntimeError: links in a circle, before 3.13; ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or printable(str(error))
        raise BundleError(f"{shown}: {reason}") from None
    if not inside:
        raise BundleError(f"{shown}: leads out of the bundle")
    if not is_file:
        raise BundleError(f"{shown}: missing; a bundle is a folder with {MANIFEST_FILE}")
    return path


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise BundleError(f"{printable(path)}: {reason}") from None


def _open(path: Path) -> IO[bytes]:
    with _reading(path):
        return path.open("rb")


def _read(path: Path, limit: int) -> bytes:
    with _open(path) as stream, _reading(path):
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise BundleError(f"{printable(path)}: longer than {limit} bytes")
    return data


def _sha256(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while piece := stream.read(2**20):
        digest.update(piece)
    return digest.hexdigest()


def _check_sha256(path: Path, stream: IO[bytes], expected: str) -> None:
    with _reading(path):
        digest = _sha256(stream)
    if digest != expected:
        raise BundleError(_damaged(path))


def _damaged(path: Path) -> str:
    return (
        f"{printable(path)}: its SHA-256 is not the manifest's; install the model again with "
        "--replace"
    )
