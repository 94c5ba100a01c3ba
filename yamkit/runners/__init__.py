"""The built-in runners; this module holds only their descriptors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yamkit.plugin import RunnerInfo, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["yamkit_runners"]


@hookimpl
def yamkit_runners() -> Iterator[RunnerInfo]:
    """Describe the built-in runners."""
    yield RunnerInfo(
        name="local",
        summary="Threads of this process",
        factory="yamkit.runners._local:LocalRunner",
        api=1,
    )
    yield RunnerInfo(
        name="ray",
        summary="Processes of a Ray cluster",
        factory="yamkit.runners._ray:RayRunner",
        api=1,
        requires=("ray",),
        install="yamkit[ray]",
    )
