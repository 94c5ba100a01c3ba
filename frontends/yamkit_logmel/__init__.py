"""The front end `logmel`: log-mel patches with NumPy. This module only describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yamkit.plugin import FrontendInfo, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["yamkit_frontends"]


@hookimpl
def yamkit_frontends() -> Iterator[FrontendInfo]:
    """Describe the front end."""
    yield FrontendInfo(
        name="logmel",
        summary="Log-mel patches with NumPy",
        factory="yamkit_logmel._frontend:LogMel",
        api=1,
        produces="log-mel",
    )
