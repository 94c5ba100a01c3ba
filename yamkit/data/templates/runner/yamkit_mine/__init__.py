"""The runner `mine`. This module only says that it exists."""

from yamkit.plugin import RunnerInfo, hookimpl


@hookimpl
def yamkit_runners():
    """Describe it."""
    yield RunnerInfo(
        name="mine",
        summary="Processes of this machine",
        factory="yamkit_mine._runner:Mine",
        api=1,
    )
