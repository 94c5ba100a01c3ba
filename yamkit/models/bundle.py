"""A model bundle: a folder with ``model.toml``, a class map, and one file that holds the network.

That file is ``weights.npz`` for the networks that yamkit describes, else ``model.KIND``, where the
kind of the network is a file format: ``model.onnx``, ``model.tflite``.

Bundles come from strangers, so everything is checked before it is used. Loading a bundle reads the
manifest and the class map; weights are read, and hashed, on demand.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from yamkit._util.text import printable
from yamkit.errors import BundleError, WeightFileError
from yamkit.models.bundle_files import (
    MANIFEST_FILE,
    WEIGHTS_FILE,
    check_sha256,
    damage,
    find_file,
    network_file_name,
    open_file,
    read_file,
)
from yamkit.models.classmap import MAX_CLASS_MAP_BYTES, parse_class_map
from yamkit.models.folders import cache_folder
from yamkit.models.manifest import MAX_MANIFEST_BYTES, Manifest, parse_manifest
from yamkit.networks import mobilenet_v1, weight_shapes

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from yamkit.types import FeatureSpec, NetworkSpec, TagClass

__all__ = ["ModelBundle", "load_bundle"]

_CHECK_VERSION = 2
"""Version of `onnx_file.check_self_contained`; raise it when the check finds more."""


@dataclass(frozen=True)
class ModelBundle:
    """A model in its folder; a `yamkit.plugin.Model`.

    Attributes
    ----------
    folder : Path
    name, version, licence, source : str
        From the manifest, one line each.
    source_sha256 : str
        SHA-256 of the file the bundle was made from; empty if there is none.
    features : FeatureSpec
        What the network expects.
    network : NetworkSpec
    classes : tuple of TagClass
        The class map: C rows.
    files : mapping of str to str
        SHA-256 of every file except the manifest.
    sha256 : str
        SHA-256 of the manifest, which holds all hashes: it identifies the whole bundle.
    silence : TagClass or None
        The class that stands for silence, if the manifest names one.
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
        """Index of the class that stands for silence; None if the manifest names none."""
        return None if self.silence is None else self.silence.index

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the file that holds the network, from the manifest."""
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
            If the network is of another kind, or the file is invalid.
        """
        if self.network.kind != "mobilenet-v1":
            raise BundleError(
                f"{self.name}: a network of kind {self.network.kind!r} has no canonical weights; "
                "only mobilenet-v1 has"
            )
        from yamkit.models.weights import read_weights

        shapes = weight_shapes(mobilenet_v1(self.network.width), len(self.classes))
        path = find_file(self.folder, WEIGHTS_FILE)
        with open_file(path) as stream:
            # one handle for hashing and reading: the file cannot be exchanged in between
            check_sha256(path, stream, self.files[WEIGHTS_FILE])
            stream.seek(0)
            return read_weights(stream, shapes, printable(path))

    def network_path(self) -> Path:
        """Check the hash of ``model.KIND``, the file that holds the network, and return its path.

        An ONNX graph must not name another file either, since engines would read that file. The
        check takes a library and time, so the cache folder remembers the hash of each graph that
        passed.

        Raises
        ------
        BundleError
            If the network has canonical weights, or the file is invalid.
        """
        if self.network.kind == "mobilenet-v1":
            raise BundleError(
                f"{self.name}: a network of kind {self.network.kind!r} has weights, not "
                "a network file"
            )
        path = find_file(self.folder, self._network_file)
        digest = self.files[self._network_file]
        mark = f"self-contained-{_CHECK_VERSION}-{digest}"
        with open_file(path) as stream:
            # one handle for hashing and reading: the file cannot be exchanged in between
            check_sha256(path, stream, digest)
            if self.network.kind == "onnx" and not _is_marked(mark):
                stream.seek(0)
                _check_graph(path, stream)
                _set_mark(mark)
        return path

    def verify_weights(self) -> None:
        """Check only the hash of the file that holds the network.

        A backend may run from a cache and never read the file, so the pipeline calls this when it
        opens a model. It takes 10 ms for the 15 MB of YAMNet.

        Raises
        ------
        BundleError
            If the file is missing, cannot be read, or differs from the manifest.
        """
        self._verify_file(self._network_file)

    def verify(self) -> None:
        """Check the hash of every file, and the weights or the graph.

        Raises
        ------
        BundleError
            At the first file that is invalid or differs from the manifest.
        """
        for name in sorted(self.files):
            self._verify_file(name)
        if self.network.kind == "mobilenet-v1":
            self.load_weights()
        else:
            self.network_path()

    @property
    def _network_file(self) -> str:
        return network_file_name(self.network)

    def _verify_file(self, name: str) -> None:
        path = find_file(self.folder, name)
        with open_file(path) as stream:
            check_sha256(path, stream, self.files[name])


def load_bundle(folder: str | os.PathLike[str]) -> ModelBundle:
    """Load a bundle: check its manifest and class map, and that every file exists.

    The other files are hashed on use, so loading stays fast.

    Parameters
    ----------
    folder : path-like

    Raises
    ------
    BundleError
        If the bundle is malformed or names a file outside its folder.
    """
    folder = Path(folder)
    path = find_file(folder, MANIFEST_FILE)
    data = read_file(path, MAX_MANIFEST_BYTES)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise BundleError(f"{printable(path)}: not UTF-8 text") from None
    manifest = parse_manifest(text, printable(path))
    _check_network_file(manifest, path)
    for name in manifest.files:
        find_file(folder, name)
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


def _check_network_file(manifest: Manifest, path: Path) -> None:
    required = network_file_name(manifest.network)
    if required not in manifest.files:
        raise BundleError(
            f"{printable(path)}: a network of kind {manifest.network.kind!r} requires {required} "
            "in [files]"
        )


def _load_classes(folder: Path, manifest: Manifest) -> tuple[TagClass, ...]:
    path = find_file(folder, manifest.classes)
    data = read_file(path, MAX_CLASS_MAP_BYTES)
    if hashlib.sha256(data).hexdigest() != manifest.files[manifest.classes]:
        raise damage(path)
    return parse_class_map(data, printable(path))


def _silence(manifest: Manifest, classes: Sequence[TagClass], path: Path) -> TagClass | None:
    if not manifest.silence:
        return None
    for entry in classes:
        if manifest.silence in (entry.mid, entry.name):
            return entry
    raise BundleError(
        f"{printable(path)}: silence {manifest.silence!r}: must be the mid or name of a class"
    )


def _check_graph(path: Path, stream: IO[bytes]) -> None:
    from yamkit.models.onnx_file import check_self_contained

    try:
        data = stream.read()
    except OSError as error:
        raise BundleError(f"{printable(path)}: {error.strerror or 'cannot be read'}") from None
    try:
        check_self_contained(data, printable(path))
    except WeightFileError as error:
        raise BundleError(str(error)) from None


def _is_marked(mark: str) -> bool:
    with contextlib.suppress(OSError):
        return (cache_folder() / mark).is_file()
    return False


def _set_mark(mark: str) -> None:
    """Remember a check by an empty file; without a cache folder, the check runs again."""
    with contextlib.suppress(OSError):
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / mark).touch()
