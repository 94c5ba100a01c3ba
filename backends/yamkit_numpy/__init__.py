"""The backend `numpy`: the network in NumPy. This module only describes it."""

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
        name="numpy",
        summary="only NumPy",
        factory="yamkit_numpy._backend:NumpyBackend",
        api=1,
        networks=("mobilenet-v1",),
        exports=("npz",),
        exporter="yamkit_numpy._export:export",
    )
