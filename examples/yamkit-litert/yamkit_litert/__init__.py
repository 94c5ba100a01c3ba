"""The backend `litert`, for networks in .tflite files; this module only describes it."""

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
        name="litert",
        summary="LiteRT, for .tflite files",
        factory="yamkit_litert._backend:LiteRtBackend",
        api=1,
        networks=("tflite",),
        requires=("ai_edge_litert",),
        install="ai-edge-litert",
    )
