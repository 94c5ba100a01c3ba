"""What sinks share: what was heard, and times as people and formats write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yamkit.types import Event, Parameters

__all__ = ["Streamed", "channel_of", "clock", "heard", "milliseconds"]


class Streamed:
    """What a sink does at its end whose lines are whole, and which holds nothing."""

    def close(self) -> None:
        """Do nothing: every line is whole."""

    def abort(self) -> None:
        """Do nothing: nothing is held."""


def heard(parameters: Parameters) -> str:
    """Say what of the inputs was heard: ``, channel 2``; empty where nothing was chosen."""
    channel = "" if parameters.channel == "mix" else f", channel {parameters.channel}"
    stream = "" if parameters.stream is None else f", stream {parameters.stream}"
    return channel + stream


def channel_of(parameters: Parameters) -> str:
    """Give the number that formats with one channel a line have: 1 for the mix."""
    return "1" if parameters.channel == "mix" else str(parameters.channel)


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
