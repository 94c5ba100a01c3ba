"""Writes a model as an ONNX file, and runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnxruntime

from yamkit_onnx._graph import build_graph

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from yamkit.plugin import Model

__all__ = ["export"]


def export(
    model: Model, _format: str, path: Path, /, *, with_frontend: bool
) -> Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Write ``onnx``; see `yamkit.plugin.Exporter`."""
    path.write_bytes(build_graph(model, with_frontend=with_frontend))
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    (value,) = session.get_inputs()

    def run(inputs: NDArray[np.float32]) -> Any:
        return session.run(["scores", "embeddings"], {value.name: inputs})

    return run
