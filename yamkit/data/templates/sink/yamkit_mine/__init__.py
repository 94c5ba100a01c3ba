"""The output format `mine`. This module only says that it exists."""

from yamkit.plugin import SinkInfo, hookimpl


@hookimpl
def yamkit_sinks():
    """Describe it."""
    yield SinkInfo(
        name="mine",
        summary="A line a clip, with its best class",
        factory="yamkit_mine._sink:Mine",
        api=1,
        extension="mine.tsv",
    )
