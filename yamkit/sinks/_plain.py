"""What sinks of events share: text on one line, times as people and formats write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yamkit.types import Event

__all__ = ["Streamed", "clock", "milliseconds", "plain"]


class Streamed:
    """What a sink does at its end whose lines are whole, and which holds nothing."""

    def close(self) -> None:
        """Do nothing: every line is whole."""

    def abort(self) -> None:
        """Do nothing: nothing is held."""


def plain(text: str) -> str:
    """Give text on one line: control characters and line ends become escapes."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def milliseconds(event: Event) -> tuple[int, int]:
    """Give onset and offset in whole milliseconds, the offset behind the onset."""
    onset, offset = round(event.onset_seconds * 1000), round(event.offset_seconds * 1000)
    offset = max(offset, 1)
    return min(onset, offset - 1), offset


def clock(time_ms: int, separator: str) -> str:
    """Give a time as hours, minutes, seconds and milliseconds: ``01:02:03.456``."""
    seconds, rest = divmod(time_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{separator}{rest:03}"
