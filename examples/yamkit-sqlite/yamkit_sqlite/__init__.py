"""The output format `sqlite`, one database; this module only describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yamkit.plugin import SinkInfo, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["yamkit_sinks"]


@hookimpl
def yamkit_sinks() -> Iterator[SinkInfo]:
    """Describe the output format."""
    yield SinkInfo(
        name="sqlite",
        summary="One SQLite database of clips, tags and events",
        factory="yamkit_sqlite._sink:SqliteSink",
        api=1,
        extension="db",
        binary=True,
        for_corpora=True,
        requires=("sqlite3",),
    )
