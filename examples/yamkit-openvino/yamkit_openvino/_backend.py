"""Runs ONNX graphs in OpenVINO, in float32 on every processor."""

from __future__ import annotations

import threading
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino

from yamkit.errors import BundleError, ProviderWarning

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from yamkit.plugin import BackendOptions, Model

__all__ = ["OpenVinoBackend"]

_MOST_AT_ONCE = 16


class OpenVinoBackend:
    """The backend. Threads share the compiled graph, and each has its own request.

    Parameters
    ----------
    model : Model
        Model with a network of kind ``onnx``: one float32 input [batch, *patch_shape], and as
        outputs the scores and, if the model has embeddings, the embeddings, in this order.
    options : BackendOptions
        If ``threads`` is None, it uses all cores that this process may use; ``provider`` is a
        device of OpenVINO.

    Raises
    ------
    BundleError
        If OpenVINO cannot run the graph, or the graph has other inputs or outputs.
    """

    def __init__(self, model: Model, options: BackendOptions) -> None:
        path = model.network_path()
        shape = model.features.patch_shape
        self._sizes = (len(model.classes), model.network.embedding_size)
        self._local = threading.local()
        core = openvino.Core()
        device = _device(options.provider, core.available_devices)
        settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32"}  # not bfloat16
        if device == "CPU":
            settings["INFERENCE_NUM_THREADS"] = options.thread_count
        try:
            graph = core.read_model(path)
            (patches,) = graph.inputs
            graph.reshape({patches: [-1, *shape]})
            self._compiled = core.compile_model(graph, device, settings)
            self._check(np.zeros((2, *shape), np.float32))
        except (RuntimeError, ValueError) as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise BundleError(f"{path}: OpenVINO cannot run it: {lines[-1]:.300}") from None

    def predict(
        self, patches: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Score a batch; see `yamkit.plugin.Backend`."""
        scores, embeddings = (np.empty((len(patches), size), np.float32) for size in self._sizes)
        for start in range(0, len(patches), _MOST_AT_ONCE):
            part = slice(start, start + _MOST_AT_ONCE)
            results = self._run(patches[part])
            scores[part] = results[0]
            if self._sizes[1]:
                embeddings[part] = results[1]
        return scores, embeddings

    def close(self) -> None:
        """Release the request of this thread; the graph is freed with its last reference."""
        self._local = threading.local()

    def _run(self, patches: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        if not hasattr(self._local, "request"):
            self._local.request = self._compiled.create_infer_request()
        results = self._local.request.infer([patches])
        return [results[output] for output in self._compiled.outputs]

    def _check(self, patches: NDArray[np.float32]) -> None:
        """Compare the shapes of the outputs with the model."""
        expected = [(len(patches), size) for size in self._sizes if size]
        found = [each.shape for each in self._run(patches)[: len(expected)]]
        if found != expected:
            raise ValueError(f"outputs {found}: must be {expected}")


def _device(provider: str, available: list[str]) -> str:
    """Return the device of a provider; warn and return the CPU if this machine lacks it."""
    device = provider.upper()
    if any(each.partition(".")[0] == device for each in available):
        return device
    names = ", ".join(sorted({each.partition(".")[0].lower() for each in available}))
    warnings.warn(
        f"provider {provider!r}: this machine has {names}; the network runs on cpu",
        ProviderWarning,
        stacklevel=3,
    )
    return "CPU"
