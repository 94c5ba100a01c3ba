"""What sinks share: what was heard, and times as people and formats write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yamkit.schema import printable

if TYPE_CHECKING:
    from yamkit.types import Event, Parameters, RunInfo, Tag

__all__ = ["Streamed", "channel_of", "clock", "heard", "label", "milliseconds", "tenths"]


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


def label(tag: Tag, run: RunInfo) -> str:
    """Give the text of a label: the class's name, and its score where that was asked for."""
    name = printable(tag.name)
    return f"{name} {tag.score:.3f}" if run.label_scores else name


def tenths(seconds: float, *, hours: bool) -> str:
    """Give a time for people: ``0:01:02.5`` with hours, ``1:02.5`` without."""
    minutes, rest = divmod(round(seconds * 10), 600)
    time = f"{rest // 10:02}.{rest % 10}"
    return f"{minutes // 60}:{minutes % 60:02}:{time}" if hours else f"{minutes}:{time}"


def clock(time_ms: int, separator: str) -> str:
    """Give a time as hours, minutes, seconds and milliseconds: ``01:02:03.456``."""
    seconds, rest = divmod(time_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{separator}{rest:03}"
