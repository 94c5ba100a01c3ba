"""Text to read: the path of a clip, then its tags in aligned columns.

Times are in seconds, or in hours, minutes and seconds if the clip is, or may be, longer than a
minute. Control characters in names become escapes, so that no name can control the terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from yamkit.schema import printable
from yamkit.sinks._shared import channel_and_stream, tenths
from yamkit.types import ClipEnd, ClipFailure, ClipStart, Event, PatchTags

if TYPE_CHECKING:
    from typing import IO

    from yamkit.types import RunInfo, SinkItem

__all__ = ["TextSink"]

_MIN_WIDTH = 12
_MINUTE_SECONDS = 60.0


class TextSink:
    """A block of lines per clip: a line for each patch or event, then the tags of the clip."""

    def open(self, run: RunInfo, stream: IO[str]) -> None:
        """Keep the stream, and the parameters that each clip shows."""
        self._stream = stream
        self._model = printable(run.model.name) + channel_and_stream(run.parameters)
        self._score = self._aggregate = run.parameters.aggregate
        if run.parameters.score_kind != "raw":
            self._score = f"{run.parameters.score_kind} {self._score}"
        events = run.parameters.events
        self._has_events = events is not None
        self._heading = ""
        if events is not None:
            kind = run.parameters.score_kind
            self._heading = f" events, each with the {events.score} of its {kind} scores"
        self._path = ""
        self._in_timeline = False
        self._is_long = False

    def write(self, item: SinkItem) -> None:
        """Write the lines of an item."""
        if isinstance(item, ClipStart):
            self._path = printable(item.path)
            promised = item.promised_seconds
            self._is_long = promised is None or promised > _MINUTE_SECONDS
        elif isinstance(item, PatchTags):
            tags = "; ".join(f"{printable(tag.name)} {tag.score:.3f}" for tag in item.tags) or "-"
            self._line(item.start_seconds, item.end_seconds, tags)
        elif isinstance(item, Event):
            tag = f"{printable(item.tag.name)} {item.tag.score:.3f}"
            self._line(item.onset_seconds, item.offset_seconds, tag)
        elif isinstance(item, ClipEnd):
            self._end(item)
        elif isinstance(item, ClipFailure):
            if self._in_timeline:
                self._stream.write(f"  incomplete: {printable(item.message)}\n")
            self._in_timeline = False

    def close(self) -> None:
        """Do nothing: every block is complete."""

    def abort(self) -> None:
        """Do nothing: there is nothing to release."""

    def _line(self, start: float, end: float, text: str) -> None:
        if not self._in_timeline:
            self._stream.write(f"{self._path}:{self._heading}\n")
            self._in_timeline = True
        if self._is_long or end > _MINUTE_SECONDS:
            times = f"{tenths(start, hours=True):>9} -{tenths(end, hours=True):>10}"
        else:
            times = f"{start:9.3f} -{end:9.3f}"
        self._stream.write(f"  {times}  {text}\n")

    def _peaks(self, end: ClipEnd) -> list[str]:
        """Return the highest score of each tag and its time; empty if the clip has one patch."""
        if end.patches < 2 or not end.peaks:
            return [""] * len(end.tags)
        times = [
            tenths(peak.start_seconds, hours=end.duration_seconds > _MINUTE_SECONDS)
            for peak in end.peaks
        ]
        if self._aggregate == "max":
            return [f"  at {time}" for time in times]
        return [
            f"  peak {peak.score:.3f} at {time}"
            for peak, time in zip(end.peaks, times, strict=True)
        ]

    def _end(self, end: ClipEnd) -> None:
        patches = "1 patch" if end.patches == 1 else f"{end.patches} patches"
        facts = f"{end.duration_seconds:.2f} s, {self._score} of {patches}, {self._model}"
        if self._has_events and not self._in_timeline:
            self._stream.write(f"{self._path}: no events\n")
            self._in_timeline = True
        lines = [f"  {facts}:" if self._in_timeline else f"{self._path}: {facts}"]
        names = [printable(tag.name) for tag in end.tags]
        width = max([_MIN_WIDTH, *map(len, names)])
        lines += [
            f"  {name:{width}}  {tag.score:.3f}{peak}"
            for name, tag, peak in zip(names, end.tags, self._peaks(end), strict=True)
        ]
        if not end.tags:
            lines.append("  no class reaches the threshold")
        self._stream.write("\n".join(lines) + "\n")
        self._in_timeline = False
