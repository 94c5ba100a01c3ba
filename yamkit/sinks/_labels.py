"""One line per event, without quoting: Audacity's label track, and RTTM.

White space separates the fields of RTTM. In a path it becomes ``%20`` and so on, as in a URL, so
that a reader can decode it; in a name it becomes ``_``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from yamkit.schema import printable
from yamkit.sinks._shared import Streamed, channel_of, label
from yamkit.types import ClipStart, Event

if TYPE_CHECKING:
    from typing import IO

    from yamkit.types import RunInfo, SinkItem

__all__ = ["AudacitySink", "RttmSink"]


class AudacitySink(Streamed):
    """Onset, offset and name between tabs: a label track for Audacity."""

    def open(self, run: RunInfo, stream: IO[str]) -> None:
        """Keep the stream; the format has no header."""
        self._run, self._stream = run, stream

    def write(self, item: SinkItem) -> None:
        """Write the line of an event."""
        if isinstance(item, Event):
            times = f"{item.onset_seconds:.6f}\t{item.offset_seconds:.6f}"
            self._stream.write(f"{times}\t{label(item.tag, self._run)}\n")


class RttmSink(Streamed):
    """Rich Transcription Time Marked (NIST, 2009); the score is in the confidence field."""

    def open(self, run: RunInfo, stream: IO[str]) -> None:
        """Keep the stream and the channel; the format has no header."""
        self._stream = stream
        self._channel = channel_of(run.parameters)
        self._file = ""

    def write(self, item: SinkItem) -> None:
        """Write the line of an event."""
        if isinstance(item, ClipStart):
            self._file = "".join(
                c
                if c.isprintable() and not c.isspace() and c != "%"
                else quote(c, safe="", errors="surrogatepass")
                for c in item.path
            )
        elif isinstance(item, Event):
            name = "_".join(printable(item.tag.name).split()) or "<NA>"
            duration = item.offset_seconds - item.onset_seconds
            self._stream.write(
                f"SPEAKER {self._file} {self._channel} {item.onset_seconds:.6f} {duration:.6f} "
                f"<NA> <NA> {name} {item.tag.score:.6f} <NA>\n"
            )
