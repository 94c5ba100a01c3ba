"""The front end `waveform`: windows of samples. This module only describes it."""

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
        name="waveform",
        summary="Windows of samples, for networks that compute their own features",
        factory="yamkit_waveform._frontend:Waveform",
        api=1,
        produces="waveform",
    )
