"""Texts that several sinks write: channel and stream, labels, and times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yamkit.schema import printable

if TYPE_CHECKING:
    from yamkit.types import Event, Parameters, RunInfo, Tag

__all__ = [
    "Streamed",
    "channel_and_stream",
    "channel_of",
    "clock",
    "label",
    "milliseconds",
    "tenths",
]


class Streamed:
    """A sink that writes complete lines and keeps nothing: `close` and `abort` do nothing."""

    def close(self) -> None:
        """Do nothing: every line is complete."""

    def abort(self) -> None:
        """Do nothing: there is nothing to release."""


def channel_and_stream(parameters: Parameters) -> str:
    """Return the chosen channel and stream: ``, channel 2``; empty if none was chosen."""
    channel = "" if parameters.channel == "mix" else f", channel {parameters.channel}"
    stream = "" if parameters.stream is None else f", stream {parameters.stream}"
    return channel + stream


def channel_of(parameters: Parameters) -> str:
    """Return the channel number for formats that require one: 1 for the mix."""
    return "1" if parameters.channel == "mix" else str(parameters.channel)


def milliseconds(event: Event) -> tuple[int, int]:
    """Return onset and offset in whole milliseconds, at least 1 ms apart."""
    onset, offset = round(event.onset_seconds * 1000), round(event.offset_seconds * 1000)
    offset = max(offset, 1)
    return min(onset, offset - 1), offset


def label(tag: Tag, run: RunInfo) -> str:
    """Return the text of a label: the name of the class, and its score if the run asks for it."""
    name = printable(tag.name)
    return f"{name} {tag.score:.3f}" if run.label_scores else name


def tenths(seconds: float, *, hours: bool) -> str:
    """Return a time to a tenth of a second: ``0:01:02.5`` with hours, ``1:02.5`` without."""
    minutes, rest = divmod(round(seconds * 10), 600)
    time = f"{rest // 10:02}.{rest % 10}"
    return f"{minutes // 60}:{minutes % 60:02}:{time}" if hours else f"{minutes}:{time}"


def clock(time_ms: int, separator: str) -> str:
    """Return a time with hours, minutes, seconds and milliseconds: ``01:02:03.456``."""
    seconds, rest = divmod(time_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{separator}{rest:03}"
