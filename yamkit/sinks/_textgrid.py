"""Praat's TextGrid in the long format: an interval tier for each class with events.

The intervals of a tier cover the whole clip, with empty text between events; so the events of a
clip are kept until its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from yamkit.schema import printable
from yamkit.types import ClipEnd, ClipStart, Event

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import IO

    from yamkit.types import RunInfo, SinkItem

__all__ = ["TextGridSink"]

_NO_EVENTS = "events"
"""Name of the tier of a clip without events: Praat requires a tier."""


class TextGridSink:
    """One TextGrid per clip."""

    def open(self, run: RunInfo, stream: IO[str]) -> None:  # noqa: ARG002
        """Keep the stream; nothing is written before the end of a clip."""
        self._stream = stream
        self._tiers: dict[int, list[Event]] = {}

    def write(self, item: SinkItem) -> None:
        """Keep an event; write all tiers at the end of a clip."""
        if isinstance(item, ClipStart):
            self._tiers = {}
        elif isinstance(item, Event):
            self._tiers.setdefault(item.tag.index, []).append(item)
        elif isinstance(item, ClipEnd):
            tiers = [
                (events[0].tag.name, list(_intervals(events, item.duration_seconds)))
                for _, events in sorted(self._tiers.items())
            ] or [(_NO_EVENTS, [(0.0, item.duration_seconds, "")])]
            self._write(tiers, item.duration_seconds)

    def close(self) -> None:
        """Do nothing: everything is written."""

    def abort(self) -> None:
        """Release the events."""
        self._tiers = {}

    def _write(
        self, tiers: Sequence[tuple[str, list[tuple[float, float, str]]]], duration: float
    ) -> None:
        lines = [
            'File type = "ooTextFile"',
            'Object class = "TextGrid"',
            "",
            "xmin = 0",
            f"xmax = {duration!r}",
            "tiers? <exists>",
            f"size = {len(tiers)}",
            "item []:",
        ]
        for number, (name, intervals) in enumerate(tiers, 1):
            lines += [
                f"    item [{number}]:",
                '        class = "IntervalTier"',
                f"        name = {_quoted(name)}",
                "        xmin = 0",
                f"        xmax = {duration!r}",
                f"        intervals: size = {len(intervals)}",
            ]
            for place, (start, end, text) in enumerate(intervals, 1):
                lines += [
                    f"        intervals [{place}]:",
                    f"            xmin = {start!r}",
                    f"            xmax = {end!r}",
                    f"            text = {_quoted(text)}",
                ]
        self._stream.write("\n".join(lines) + "\n")


def _intervals(events: Sequence[Event], duration: float) -> Iterator[tuple[float, float, str]]:
    """Yield the intervals of events and the intervals between them."""
    end = 0.0
    for event in events:
        if event.onset_seconds > end:
            yield end, event.onset_seconds, ""
        end = event.offset_seconds
        yield event.onset_seconds, end, event.tag.name
    if end < duration:
        yield end, duration, ""


def _quoted(text: str) -> str:
    return '"' + printable(text).replace('"', '""') + '"'
