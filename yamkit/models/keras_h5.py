"""Keras 2 weight files, read into canonical weights without TensorFlow.

Only hard links are followed, and every array is compared with the network and with the length of
the file before memory is allocated. HDF5 crashes on some damaged files and takes gigabytes for
others, so it runs in a separate process: ``python -m yamkit.models.keras_h5 FILE ARRAYS``.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from yamkit._util.machine import bound_memory
from yamkit._util.text import printable
from yamkit.errors import WeightFileError
from yamkit.models.weights import check_values
from yamkit.networks import mobilenet_v1, weight_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["read_here", "read_keras_h5"]

_MOST_BYTES = 500_000_000
"""Memory that HDF5 may take, in addition to four times the length of the file."""

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_UNDEFINED = 2**64 - 1
_NOT_HDF5 = (
    "not a readable HDF5 file; a network in another format requires a plugin that runs it; see "
    "`yamkit plugins`"
)
_MAX_OBJECTS = 10_000
_MAX_DEPTH = 16
# The end of a path; its beginning depends on how Keras nested the layers when it saved.
_LAYER_WEIGHT = re.compile(r"(?:^|/)(layer\d+/\w+(?:/bn)?/\w+?)(?::\d+)?$")
_STATISTICS = {"beta": "beta", "mean": "moving_mean", "variance": "moving_variance"}


def read_keras_h5(path: Path) -> tuple[float, dict[str, NDArray[np.float32]]]:
    """Read the weights of a MobileNet v1 with YAMNet's layer names.

    Parameters
    ----------
    path : Path
        Written by ``model.save_weights("x.h5")`` or ``model.save("x.h5")`` of Keras 2.

    Returns
    -------
    width : float
        Width multiplier; the one that fits most layers, so that an error names the odd one.
    weights : dict of str to ndarray, float32
        Names and shapes are those of `yamkit.networks.weight_shapes`.

    Raises
    ------
    WeightFileError
        If the file is not HDF5, damaged, reaches outside itself, or does not hold the network.
    """
    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder, "weights.npz")
        command = [sys.executable, "-P", "-m", __name__, os.fspath(path), os.fspath(arrays)]
        done = subprocess.run(  # noqa: S603
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            raise WeightFileError(
                f"{printable(path)}: damaged: HDF5 ended with {_ending(done.returncode)}"
            ) from None
        if "error" in answer:
            raise WeightFileError(answer["error"])
        with np.load(arrays) as archive:
            return answer["width"], dict(archive)


def _ending(code: int) -> str:
    """Return the name of the signal, or the exit code, that a process ended with."""
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"exit code {code}"


def read_here(path: Path) -> tuple[float, dict[str, NDArray[np.float32]]]:
    """Read a file in this process; see `read_keras_h5`."""
    where = printable(path)
    try:
        length = path.stat().st_size
        with path.open("rb") as stream:
            _check_superblock(stream.read(96), length, where)
        with h5py.File(path, "r") as file:
            root = file
            if isinstance(file.get("model_weights", getlink=True), h5py.HardLink):
                root = file["model_weights"]
            if not isinstance(root, h5py.Group):
                raise WeightFileError(f"{where}: model_weights is not a group")
            datasets = dict(_datasets(root, where))
            return _read_network(datasets, length, where)
    except WeightFileError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError) as error:
        # HDF5's messages are long; the first line states the problem
        reason = getattr(error, "strerror", None) or printable(str(error).partition("\n")[0])
        raise WeightFileError(f"{where}: not a readable HDF5 file: {reason:.200}") from None


def _check_superblock(head: bytes, length: int, where: str) -> None:
    """Compare the superblock with the file before HDF5 uses it.

    HDF5 takes gigabytes for some files with impossible extensions. See section II.A of the HDF5
    File Format Specification.
    """
    if not head.startswith(_SIGNATURE) or len(head) < 96:
        raise WeightFileError(f"{where}: {_NOT_HDF5}")
    version = head[8]
    sizes, first = {0: (head[13:15], 24), 1: (head[13:15], 28)}.get(version, (head[9:11], 12))
    base, extension, end, driver = struct.unpack_from("<4Q", head, first)
    if version >= 2:
        driver = _UNDEFINED
    is_plain = sizes == b"\x08\x08" and base == 0 and extension == driver == _UNDEFINED
    if version > 3 or not is_plain or end > length:
        raise WeightFileError(
            f"{where}: damaged, or not written by Keras 2; `h5repack` may repair it"
        )


def _datasets(root: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Walk the groups; follow hard links only."""
    pending = [("", root, 0)]
    objects = 0
    while pending:
        prefix, group, depth = pending.pop()
        for name in group:
            objects += 1
            if isinstance(name, bytes):  # h5py cannot open a name that it cannot decode
                raise WeightFileError(f"{where}: contains a name that is not UTF-8: {name!r:.200}")
            path = f"{prefix}{printable(name)}"
            if objects > _MAX_OBJECTS or depth > _MAX_DEPTH:
                raise WeightFileError(f"{where}: too many or too deeply nested objects")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise WeightFileError(
                    f"{where}: {path:.200} is a soft or external link; links are refused"
                )
            item = group[name]
            if isinstance(item, h5py.Dataset):
                yield path, item
            elif isinstance(item, h5py.Group):
                pending.append((f"{path}/", item, depth + 1))


def _read_network(
    datasets: dict[str, Any], length: int, where: str
) -> tuple[float, dict[str, NDArray[np.float32]]]:
    layers: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for path, dataset in datasets.items():
        if match := _LAYER_WEIGHT.search(path):
            key, found = match.group(1), layers
        else:
            key, found = "/".join(path.split("/")[-2:]).partition(":")[0], others
        if key in found:
            raise WeightFileError(f"{where}: {key:.200} occurs twice")
        found[key] = dataset

    classifier = _find_classifier(others, where)
    classes = others[f"{classifier}/bias"].size
    width = _fitting_width(layers)
    shapes = weight_shapes(mobilenet_v1(width), classes)
    keys = _keras_keys(classifier)
    _check_complete(layers.keys() | others.keys(), set(keys.values()), where)
    held = {**layers, **others}

    sources = {name: held[keys[name]] for name in shapes}
    for name, shape in shapes.items():
        _check_dataset(sources[name], _keras_shape(name, shape), f"{where}: {keys[name]}")
    if sum(dataset.nbytes for dataset in sources.values()) > length:
        raise WeightFileError(f"{where}: the stated size of its weights exceeds the file")

    weights = {}
    for name, shape in shapes.items():
        with np.errstate(over="ignore"):  # check_values finds what overflows
            array = np.ascontiguousarray(sources[name][()].reshape(shape), np.float32)
        if problem := check_values(name, array):
            raise WeightFileError(f"{where}: {keys[name]} {problem}")
        weights[name] = array
    return width, weights


def _find_classifier(others: dict[str, Any], where: str) -> str:
    """Return the name of the only dense layer; Keras numbers it within a session (``dense_1``)."""
    names = {key.rpartition("/")[0] for key in others if key.endswith(("/kernel", "/bias"))}
    if not names:
        raise WeightFileError(
            f"{where}: no dense layer with kernel and bias; must be a weight file of YAMNet in "
            "Keras 2's HDF5 layout"
        )
    if len(names) > 1:
        some = ", ".join(f"{name:.80}" for name in sorted(names)[:4])
        raise WeightFileError(f"{where}: dense layers {some}: must be exactly one")
    name = names.pop()
    _check_complete(others.keys(), {f"{name}/kernel", f"{name}/bias"}, where)
    return name


def _fitting_width(layers: dict[str, Any]) -> float:
    """Return the width that fits most layers; the first layer's if several do."""
    found = {key: dataset.shape for key, dataset in layers.items()}
    candidates = []
    for layer in mobilenet_v1(1.0):
        shape = found.get(_keras_keys("")[f"{layer.name}/kernel"])
        if layer.kind != "depthwise" and shape and shape[-1] > 0:
            candidates.append(min(shape[-1] / layer.filters, 64.0))

    def misfits(width: float) -> int:
        return sum(
            found.get(_keras_keys("")[f"{layer.name}/kernel"])
            != _keras_shape(f"{layer.name}/kernel", layer.kernel_shape)
            for layer in mobilenet_v1(width)
        )

    return min(dict.fromkeys(candidates), key=misfits, default=1.0)


def _keras_keys(classifier: str) -> dict[str, str]:
    """Map canonical names to names of Keras."""
    keys = {}
    for layer in mobilenet_v1(1.0):
        name = layer.name if layer.kind == "conv" else f"{layer.name}_conv"
        kernel = "depthwise_kernel" if layer.kind == "depthwise" else "kernel"
        keys[f"{layer.name}/kernel"] = f"{name}/{kernel}"
        for statistic, keras_statistic in _STATISTICS.items():
            keys[f"{layer.name}/{statistic}"] = f"{name}/bn/{keras_statistic}"
    keys["classifier/kernel"] = f"{classifier}/kernel"
    keys["classifier/bias"] = f"{classifier}/bias"
    return keys


def _keras_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that Keras stores: its depthwise kernels have a fourth axis."""
    return (*shape, 1) if name.endswith("/depthwise/kernel") else shape


def _check_complete(found: set[str] | Any, expected: set[str], where: str) -> None:
    if missing := sorted(expected - found):
        raise WeightFileError(f"{where}: {missing[0]} is missing")
    if extra := sorted(found - expected):
        raise WeightFileError(
            f"{where}: {extra[0]!r:.80} does not belong to a MobileNet v1 as YAMNet uses it"
        )


def _check_dataset(dataset: Any, shape: tuple[int, ...], where: str) -> None:
    if dataset.shape != shape:
        found = list(dataset.shape or ())
        raise WeightFileError(f"{where}: shape {found}: must be {list(shape)}")
    if dataset.dtype.kind != "f" or dataset.dtype.itemsize not in (2, 4, 8):
        raise WeightFileError(f"{where}: type {dataset.dtype}: must be float32")
    # Keras writes contiguous arrays. Others may unpack to any size, or be in other files.
    if dataset.chunks or dataset.is_virtual or dataset.external:
        raise WeightFileError(
            f"{where}: chunked, compressed or in another file; `h5repack -l CONTI -f NONE` "
            "stores it contiguously"
        )
    if dataset.id.get_storage_size() != math.prod(shape) * dataset.dtype.itemsize:
        raise WeightFileError(f"{where}: has no values")


# --- the other process ---------------------------------------------------------------------------


def _answer(path: Path, arrays: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError):  # read_here reports the error
        bound_memory(_MOST_BYTES + 4 * path.stat().st_size)
    try:
        width, weights = read_here(path)
    except WeightFileError as error:
        return {"error": str(error)}
    np.savez(arrays, **weights)  # type: ignore[arg-type]
    return {"width": width}


if __name__ == "__main__":
    print(json.dumps(_answer(Path(sys.argv[1]), Path(sys.argv[2]))))
