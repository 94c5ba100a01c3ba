"""The built-in resamplers; this module only describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yamkit.plugin import ResamplerInfo, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["yamkit_resamplers"]


@hookimpl
def yamkit_resamplers() -> Iterator[ResamplerInfo]:
    """Describe the built-in resamplers."""
    yield ResamplerInfo(
        name="polyphase",
        summary="resampy's kaiser_best kernel as matrix products, in NumPy",
        factory="yamkit.resamplers._polyphase:Polyphase",
        api=1,
    )
    yield ResamplerInfo(
        name="polyphase-live",
        summary="The same kernel in small chunks, with less delay for streams",
        factory="yamkit.resamplers._polyphase:LivePolyphase",
        api=1,
    )
    yield ResamplerInfo(
        name="resampy",
        summary="The library resampy, kaiser_best, in overlapping chunks",
        factory="yamkit.resamplers._resampy:Resampy",
        api=1,
        requires=("resampy", "numba"),
        install="yamkit[resampy]",
    )
