"""The backend `mine`. This module only says that it exists."""

from yamkit.plugin import BackendInfo, hookimpl


@hookimpl
def yamkit_backends():
    """Describe it."""
    yield BackendInfo(
        name="mine",
        summary="The network in double precision",
        factory="yamkit_mine._backend:Mine",
        api=1,
        networks=("mobilenet-v1",),
    )
