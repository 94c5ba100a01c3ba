"""The network in ONNX Runtime: a session of a cached graph, or of a bundle's ONNX file."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import secrets
import warnings
from dataclasses import astuple, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

# Read when the engine is imported; its own function comes too late to prevent a look-up of the host
# name and a file with a device number.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

from yamkit.errors import BundleError, ProviderWarning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from yamkit.plugin import BackendOptions, Model

__all__ = ["GRAPH_VERSION", "OnnxBackend"]

GRAPH_VERSION = 1
"""Increases when `_graph` builds another graph from the same model."""

_PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "directml": "DmlExecutionProvider",
    "rocm": "ROCMExecutionProvider",
}

_MOST_AT_ONCE = 16
"""Patches in one run on a CPU: more are not faster, and take memory."""

onnxruntime.disable_telemetry_events()


class OnnxBackend:
    """The backend; an ONNX Runtime session serves any number of threads.

    Parameters
    ----------
    model : Model
        Of kind ``mobilenet-v1``: its graph is built once and cached. Of kind ``onnx``: the
        bundle's file, with one float input [B, *patch_shape] and the outputs scores [B, C] and,
        if there is a second one, embeddings [B, E].
    options : BackendOptions
        ``threads`` None uses the cores that this process may use. If the provider is not
        available, the CPU is used, with a `ProviderWarning`.

    Raises
    ------
    BundleError
        If the ONNX file is invalid, or has other inputs or outputs.
    """

    def __init__(self, model: Model, options: BackendOptions) -> None:
        if not _has(options.provider, onnxruntime.get_available_providers()):
            options = replace(options, provider="cpu")
        self._at_once = _MOST_AT_ONCE if options.provider == "cpu" else None
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
        scores = np.empty((len(patches), self._classes), np.float32)
        embeddings = np.empty((len(patches), self._embedding_size), np.float32)
        size = self._at_once or max(1, len(patches))
        for start in range(0, len(patches), size):
            part = slice(start, start + size)
            results = self._session.run(None, {self._input: patches[part]})
            scores[part] = results[0]
            if self._embedding_size:
                embeddings[part] = results[1]
        return scores, embeddings

    def close(self) -> None:
        """Do nothing: the session is freed with its last reference."""


def _has(provider: str, available: list[str]) -> bool:
    """Return whether a provider is available; warn if it is not."""
    if _PROVIDERS.get(provider) in available:
        return True
    names = [name for name, engine in _PROVIDERS.items() if engine in available]
    warnings.warn(
        f"provider {provider!r}: ONNX Runtime has {', '.join(names)} here; the network runs on cpu",
        ProviderWarning,
        stacklevel=2,
    )
    return False


def _session(
    source: bytes | str,
    options: BackendOptions,
    *,
    save: Path | None = None,
    is_optimised: bool = False,
) -> Any:
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    # the file was checked as ONNX; by default the engine may detect another format in it
    settings.add_session_config_entry("session.load_model_format", "ONNX")
    # by default the engine pins a thread to every core of the host, and complains if a container
    # does not allow it
    settings.intra_op_num_threads = options.thread_count
    settings.inter_op_num_threads = 1
    # spinning threads are a twentieth faster on an idle machine, and half as fast on a busy one
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    settings.enable_mem_pattern = False  # same speed without, and less peak memory
    if save is not None:
        settings.optimized_model_filepath = str(save)
    if is_optimised:
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    engine = _PROVIDERS[options.provider]
    session = onnxruntime.InferenceSession(source, settings, providers=[engine])
    # the engine falls back silently if a provider's libraries are missing
    _has(options.provider, session.get_providers())
    return session


def _built_session(model: Model, options: BackendOptions) -> Any:
    """Open the cached graph; build it if it is missing or damaged.

    The cache holds the graph as optimised for this processor: optimisation takes most of the time
    of opening a session.
    """
    path = _cache_path(model, options)
    if path is not None:
        with contextlib.suppress(Exception):  # a broken cache is built again
            if _digest_path(path).read_text() == _sha256(path):
                return _session(str(path), options, is_optimised=True)
    from yamkit_onnx._graph import build_graph

    graph = build_graph(model)
    if path is not None:
        with contextlib.suppress(Exception):  # the cache is optional
            path.parent.mkdir(parents=True, exist_ok=True)
            with _renamed(path) as fresh:
                session = _session(graph, options, save=fresh)
                digest = _sha256(fresh)
            with _renamed(_digest_path(path)) as fresh:
                fresh.write_text(digest)
            return session
    return _session(graph, options)


def _own_session(model: Model, options: BackendOptions) -> Any:
    path = model.network_path()
    try:
        session = _session(path.read_bytes(), options)
    except Exception as error:
        raise BundleError(f"{path}: ONNX Runtime does not load it: {_line(error)}") from None
    _check_signature(model, path, session)
    return session


def _check_signature(model: Model, path: Path, session: Any) -> None:
    """Compare the input with the model, then run two patches and compare the outputs."""
    shape = model.features.patch_shape
    inputs = session.get_inputs()
    types = [node.type for node in inputs]
    if types != ["tensor(float)"] or not _fits(inputs[0].shape, (None, *shape)):
        axes = ", ".join(map(str, shape))
        raise BundleError(
            f"{path}: inputs {_describe(inputs)}: must be one of float [batch, {axes}]"
        )
    try:
        results = session.run(None, {inputs[0].name: np.zeros((2, *shape), np.float32)})
    except Exception as error:
        raise BundleError(f"{path}: ONNX Runtime does not run it: {_line(error)}") from None
    sizes = [size for size in (len(model.classes), model.network.embedding_size) if size]
    found = [(getattr(x, "dtype", None), getattr(x, "shape", None)) for x in results[: len(sizes)]]
    if found != [(np.float32, (2, size)) for size in sizes]:
        expected = " and ".join(f"float [batch, {size}]" for size in sizes)
        outputs = _describe(session.get_outputs())
        raise BundleError(f"{path}: outputs {outputs}: must be {expected}")


def _fits(shape: list[Any], required: tuple[int | None, ...]) -> bool:
    """Compare axes. A dynamic one, a name or None, fits any; None requires a dynamic one."""
    return len(shape) == len(required) and all(
        size == length or not isinstance(size, int)
        for size, length in zip(shape, required, strict=True)
    )


def _describe(nodes: list[Any]) -> str:
    return ", ".join(f"{node.name} {node.type} {node.shape}" for node in nodes) or "none"


def _line(error: Exception) -> str:
    """Return the first line of the engine's message, shortened."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return f"{lines[0]:.300}"


def _cache_path(model: Model, options: BackendOptions) -> Path | None:
    """Return the path of a graph, named after its inputs and the processor."""
    if options.cache_folder is None or options.provider != "cpu":
        return None
    parts = (
        GRAPH_VERSION,
        model.weights_sha256,
        astuple(model.network),
        model.features.patch_shape,
        len(model.classes),
        onnxruntime.__version__,
        _processor(),
    )
    key = hashlib.sha256(repr(parts).encode()).hexdigest()
    return options.cache_folder / f"onnx-{key[:32]}.onnx"


def _processor() -> str:
    """Return what distinguishes processors for which the engine arranges weights differently."""
    facts = ""
    with contextlib.suppress(OSError), Path("/proc/cpuinfo").open() as stream:
        facts = stream.read(8192)  # the first processor's, of perhaps hundreds
    flags = [line for line in facts.splitlines() if line.startswith(("flags", "Features"))]
    # platform.processor() would run any uname on the path
    return f"{platform.machine()} {os.environ.get('PROCESSOR_IDENTIFIER', '')} {flags[:1]}"


def _digest_path(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(2**20):
            digest.update(piece)
    return digest.hexdigest()


@contextlib.contextmanager
def _renamed(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to a place; move its file there at the end."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
