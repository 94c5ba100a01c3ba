"""The network in ONNX Runtime: a session over a cached graph, or over a bundle's own ONNX file."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from yamkit.errors import BundleError, IncompatibleError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from yamkit.plugin import BackendOptions, Model

__all__ = ["GRAPH_VERSION", "OnnxBackend"]

GRAPH_VERSION = 1
"""Raised whenever `_graph` builds another graph from the same model."""

_PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "directml": "DmlExecutionProvider",
    "rocm": "ROCMExecutionProvider",
}

onnxruntime.disable_telemetry_events()


class OnnxBackend:
    """The backend; an ONNX Runtime session serves any number of threads.

    Parameters
    ----------
    model : Model
        Of kind ``mobilenet-v1``: its graph is built once and cached. Of kind ``onnx``: its own
        file, with one float input [B, frames, bands] and the outputs scores [B, C] and, where
        there is a second one, embeddings [B, E].
    options : BackendOptions
        ``threads`` None takes the cores this process may use.

    Raises
    ------
    IncompatibleError
        If this machine does not have the provider.
    BundleError
        If the ONNX file is not one, or has other inputs or outputs.
    """

    def __init__(self, model: Model, options: BackendOptions) -> None:
        available = onnxruntime.get_available_providers()
        if _PROVIDERS[options.provider] not in available:
            names = [name for name, engine in _PROVIDERS.items() if engine in available]
            raise IncompatibleError(
                f"provider {options.provider!r}: ONNX Runtime has {', '.join(names)} here"
            )
        self._embedding_size = model.network.embedding_size
        self._classes = len(model.classes)
        if model.network.kind == "onnx":
            self._session = _own_session(model, options)
        else:
            self._session = _built_session(model, options)
        self._input = self._session.get_inputs()[0].name

    def predict(
        self, patches: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Score a batch; see `yamkit.plugin.Backend`."""
        if not len(patches):
            shapes = (0, self._classes), (0, self._embedding_size)
            return np.empty(shapes[0], np.float32), np.empty(shapes[1], np.float32)
        results = self._session.run(None, {self._input: patches})
        if self._embedding_size:
            return results[0], results[1]
        return results[0], np.empty((len(patches), 0), np.float32)

    def close(self) -> None:
        """Do nothing: the session is freed with its last reference."""


def _session(source: bytes | str, options: BackendOptions) -> Any:
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    # Said outright: left to itself the engine pins a thread to every core of the host, and
    # complains where a container does not allow it.
    settings.intra_op_num_threads = options.threads or _usable_cores()
    settings.inter_op_num_threads = 1
    settings.enable_cpu_mem_arena = False
    providers = [_PROVIDERS[options.provider]]
    return onnxruntime.InferenceSession(source, settings, providers=providers)


def _built_session(model: Model, options: BackendOptions) -> Any:
    """Open the cached graph; build it where there is none, or a damaged one."""
    path = _cache_path(model, options.cache_folder)
    if path is not None and path.is_file():
        with contextlib.suppress(Exception):  # whatever is wrong with it, it can be built again
            return _session(str(path), options)
    from yamkit_onnx._graph import build_graph

    graph = build_graph(model)
    if path is not None:
        with contextlib.suppress(OSError):
            _write(path, graph)
    return _session(graph, options)


def _own_session(model: Model, options: BackendOptions) -> Any:
    path = model.onnx_path()
    try:
        session = _session(path.read_bytes(), options)
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BundleError(f"{path}: ONNX Runtime does not load it: {reason}") from error
    _check_signature(model, path, session)
    return session


def _check_signature(model: Model, path: Path, session: Any) -> None:
    frames_bands = list(model.features.patch_shape)
    inputs, outputs = session.get_inputs(), session.get_outputs()
    shapes = [_fixed(node.shape) for node in inputs]
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or shapes[0][1:] != frames_bands:
        found = ", ".join(f"{n.name} {n.type} {n.shape}" for n in inputs) or "none"
        raise BundleError(f"{path}: inputs {found}; wanted one of float [batch, {frames_bands}]")
    wanted = [[len(model.classes)]]
    if model.network.embedding_size:
        wanted.append([model.network.embedding_size])
    found_shapes = [_fixed(node.shape)[1:] for node in outputs][: len(wanted)]
    types = {node.type for node in outputs[: len(wanted)]}
    if found_shapes != wanted or types != {"tensor(float)"}:
        found = ", ".join(f"{n.name} {n.type} {n.shape}" for n in outputs) or "none"
        sizes = " and ".join(f"float [batch, {size[0]}]" for size in wanted)
        raise BundleError(f"{path}: outputs {found}; wanted {sizes}")


def _fixed(shape: list[Any]) -> list[Any]:
    return list(shape or [])


def _cache_path(model: Model, folder: Path | None) -> Path | None:
    """Name a graph after all that it is built from."""
    if folder is None:
        return None
    parts = (
        GRAPH_VERSION,
        model.weights_sha256,
        astuple(model.network),
        model.features.patch_shape,
        len(model.classes),
    )
    key = hashlib.sha256(repr(parts).encode()).hexdigest()
    return folder / f"onnx-{key[:32]}.onnx"


def _write(path: Path, graph: bytes) -> None:
    """Write beside the place and rename: nobody ever reads half a graph."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        temporary.write_bytes(graph)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
