"""The backend `keras`: the network in tf_keras. This module only describes it."""

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
        name="keras",
        summary="TensorFlow with tf_keras, as in the published code",
        factory="yamkit_keras._backend:KerasBackend",
        api=1,
        networks=("mobilenet-v1",),
        exports=("tf", "tflite"),
        exporter="yamkit_keras._export:export",
        providers=("cpu", "cuda"),
        requires=("tensorflow", "tf_keras"),
        install="yamkit[keras]",
    )
