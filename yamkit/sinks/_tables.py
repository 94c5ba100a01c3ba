"""Tab-separated tables of events: Raven's selections, DCASE's lists, and one with milliseconds.

Fields are quoted as in CSV if necessary, as pandas and spreadsheets expect; Raven has no quotes.
Control characters in names of files and classes become escapes, so a row is one line.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from yamkit.schema import printable, tag_dict
from yamkit.sinks._shared import Streamed, channel_of, milliseconds
from yamkit.types import ClipEnd, ClipStart, Event

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

    from yamkit.types import RunInfo, SinkItem

__all__ = ["DcaseSink", "RavenSink", "TsvSink"]


class _TabTable(Streamed):
    """One row per event, quoted if necessary."""

    columns: tuple[str, ...]

    def open(self, run: RunInfo, stream: IO[str]) -> None:
        """Write the names of the columns."""
        self.channel = run.parameters.channel
        self._writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
        self._path = ""
        self._writer.writerow(self.columns)

    def write(self, item: SinkItem) -> None:
        """Write the row of an event."""
        if isinstance(item, ClipStart):
            self._path = printable(item.path)
        elif isinstance(item, Event):
            self._writer.writerow(self.row(self._path, item))

    def row(self, path: str, event: Event) -> Sequence[Any]:
        """Return the fields of an event."""
        raise NotImplementedError


class DcaseSink(_TabTable):
    """The layout of DCASE's lists of strong labels, with times in seconds."""

    columns = ("filename", "onset", "offset", "event_label")

    def row(self, path: str, event: Event) -> Sequence[Any]:
        """Return the fields of an event."""
        name = printable(event.tag.name)
        return path, f"{event.onset_seconds:.6f}", f"{event.offset_seconds:.6f}", name


class TsvSink(_TabTable):
    """Times in whole milliseconds, all fields of the tag, and the channel."""

    columns = ("path", "start_ms", "end_ms", "index", "mid", "name", "score", "channel")

    def row(self, path: str, event: Event) -> Sequence[Any]:
        """Return the fields of an event."""
        index, mid, name, score = tag_dict(event.tag).values()
        named = (index, printable(mid), printable(name), score)
        return path, *milliseconds(event), *named, self.channel


_RAVEN_COLUMNS = (
    "Selection",
    "View",
    "Channel",
    "Begin Time (s)",
    "End Time (s)",
    "Low Freq (Hz)",
    "High Freq (Hz)",
    "Begin Path",
    "File Offset (s)",
    "Class",
    "MID",
    "Score",
    "Event Score",
    "Score Kind",
)


class RavenSink(Streamed):
    """A selection table of Raven Pro or Lite.

    Times continue from clip to clip, as in Raven when it opens several files as one sound; the time
    in a file is its File Offset.
    """

    def open(self, run: RunInfo, stream: IO[str]) -> None:
        """Write the names of the columns."""
        self._stream = stream
        self._selections = 0
        self._clip_begins = 0.0
        self._path, self._high_hz = "", 0.0
        parameters = run.parameters
        events = parameters.events
        self._kind = ("" if events is None else events.score, parameters.score_kind)
        self._channel = channel_of(parameters)
        self._line(_RAVEN_COLUMNS)

    def write(self, item: SinkItem) -> None:
        """Write the row of an event."""
        if isinstance(item, ClipStart):
            self._path, self._high_hz = printable(item.path), item.sample_rate / 2
        elif isinstance(item, ClipEnd):
            self._clip_begins += item.duration_seconds
        elif isinstance(item, Event):
            self._selections += 1
            begins = self._clip_begins + item.onset_seconds
            ends = self._clip_begins + item.offset_seconds
            self._line(
                (
                    str(self._selections),
                    "Spectrogram 1",
                    self._channel,
                    f"{begins:.6f}",
                    f"{ends:.6f}",
                    "0.0",
                    f"{self._high_hz:.1f}",
                    self._path,
                    f"{item.onset_seconds:.6f}",
                    printable(item.tag.name),
                    printable(item.tag.mid),
                    f"{item.tag.score:.6f}",
                    *self._kind,
                )
            )

    def _line(self, fields: Sequence[str]) -> None:
        self._stream.write("\t".join(fields) + "\n")
