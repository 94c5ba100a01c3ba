"""Subtitles for players: WebVTT (W3C, 2019) and SubRip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yamkit.schema import printable
from yamkit.sinks._shared import Streamed, channel_and_stream, clock, label, milliseconds
from yamkit.types import Event

if TYPE_CHECKING:
    from typing import IO

    from yamkit.types import RunInfo, SinkItem

__all__ = ["SrtSink", "WebVttSink"]

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class WebVttSink(Streamed):
    """WebVTT: one cue per event."""

    def open(self, run: RunInfo, stream: IO[str]) -> None:
        """Write the header, and a note with model, kind of score and channel."""
        self._run, self._stream = run, stream
        parameters = run.parameters
        note = f"yamkit {run.yamkit}, model {run.model.name}, {parameters.score_kind} scores"
        note += channel_and_stream(parameters)
        stream.write(f"WEBVTT\n\nNOTE {printable(note).translate(_ESCAPES)}\n")

    def write(self, item: SinkItem) -> None:
        """Write the cue of an event."""
        if isinstance(item, Event):
            start, end = (clock(time, ".") for time in milliseconds(item))
            text = label(item.tag, self._run).translate(_ESCAPES)
            self._stream.write(f"\n{start} --> {end}\n{text}\n")


class SrtSink(Streamed):
    """SubRip: one numbered subtitle per event."""

    def open(self, run: RunInfo, stream: IO[str]) -> None:
        """Keep the stream; the format has no header."""
        self._run, self._stream = run, stream
        self._number = 0

    def write(self, item: SinkItem) -> None:
        """Write the subtitle of an event."""
        if isinstance(item, Event):
            self._number += 1
            start, end = (clock(time, ",") for time in milliseconds(item))
            text = label(item.tag, self._run)
            self._stream.write(f"{self._number}\n{start} --> {end}\n{text}\n\n")
