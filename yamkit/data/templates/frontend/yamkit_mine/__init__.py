"""The front end `mine`. This module only says that it exists."""

from yamkit.plugin import FrontendInfo, hookimpl


@hookimpl
def yamkit_frontends():
    """Describe it."""
    yield FrontendInfo(
        name="mine",
        summary="Log-mel patches in double precision",
        factory="yamkit_mine._frontend:Mine",
        api=1,
        produces="log-mel",
    )
