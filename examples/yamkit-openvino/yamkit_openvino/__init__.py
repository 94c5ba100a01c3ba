"""The backend `openvino`, for ONNX graphs; this module only describes it."""

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
        name="openvino",
        summary="OpenVINO, for ONNX graphs",
        factory="yamkit_openvino._backend:OpenVinoBackend",
        api=1,
        networks=("onnx",),
        providers=("cpu", "gpu", "npu"),
        requires=("openvino",),
        install="openvino",
    )
