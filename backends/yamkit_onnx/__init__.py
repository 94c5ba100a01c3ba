"""The backend `onnx`: the network in ONNX Runtime. This module only describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yamkit.plugin import BackendInfo, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["yamkit_backends"]


@hookimpl
def yamkit_backends() -> Iterator[BackendInfo]:
    """Describe the backend."""
    yield BackendInfo(
        name="onnx",
        summary="ONNX Runtime",
        factory="yamkit_onnx._backend:OnnxBackend",
        api=1,
        networks=("mobilenet-v1", "onnx"),
        exports=("onnx",),
        exporter="yamkit_onnx._export:export",
        providers=("cpu", "cuda", "tensorrt", "coreml", "openvino", "directml", "rocm"),
    )
