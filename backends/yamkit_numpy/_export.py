"""Writes the canonical weights of a model as an npz file, and runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from yamkit.errors import ExportError
from yamkit.plugin import BackendOptions
from yamkit_numpy._backend import NumpyBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from yamkit.plugin import Model
    from yamkit.types import NetworkSpec

__all__ = ["export"]


def export(
    model: Model, _format: str, path: Path, /, *, with_frontend: bool
) -> Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Write ``npz``; see `yamkit.plugin.Exporter`."""
    if with_frontend:
        raise ExportError("npz contains only weights, no front end; export onnx, tf or tflite")
    with path.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **model.load_weights())
    with np.load(path, allow_pickle=False) as archive:
        weights = dict(archive)
    return NumpyBackend(_Weights(model, weights), BackendOptions()).predict  # type: ignore[arg-type]


class _Weights:
    """A model with the weights of a file."""

    def __init__(self, model: Model, weights: Mapping[str, NDArray[np.float32]]) -> None:
        self.network: NetworkSpec = model.network
        self._weights = weights

    def load_weights(self) -> Mapping[str, NDArray[np.float32]]:
        return self._weights
