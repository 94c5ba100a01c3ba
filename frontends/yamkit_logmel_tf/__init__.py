"""The front end `logmel-tf`: log-mel patches with tf.signal. This module only describes it."""

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
        name="logmel-tf",
        summary="Log-mel patches with tf.signal, as in the published code",
        factory="yamkit_logmel_tf._frontend:LogMelTf",
        api=1,
        produces="log-mel",
        requires=("tensorflow",),
        install="yamkit[keras]",
    )
