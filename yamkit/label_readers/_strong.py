"""Strong labels: lists with one row per event, with onset and offset.

DCASE lists a clip without events as a row with only its name. AudioSet's strong labels (S. Hershey
et al., "The benefit of temporally-strong labels in audio event classification", ICASSP 2021) name a
segment of ten seconds by its video and its start in milliseconds; times count from the start of the
segment. The names of labels are read from ``mid_to_display_name.tsv`` if it lies next to the list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from yamkit.label_readers._rows import Row, delimiter_of, number, read_rows
from yamkit.label_readers._segments import segment_names
from yamkit.types import LabelledClip, LabelledEvent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["AudioSetStrong", "DcaseStrong"]

_NAMES = "mid_to_display_name.tsv"
_SEGMENT_SECONDS = 10.0
_MOST_DIGITS = 12


class _Strong:
    """Reads a table with one row per event; the rows of a clip may be anywhere in it."""

    columns: tuple[str, ...]

    def recognises(self, path: Path, head: Sequence[str]) -> bool:
        """Return whether the header has the columns."""
        return not path.is_dir() and delimiter_of(head, self.columns) is not None

    def vocabulary(self, _path: Path, /) -> Mapping[str, str]:
        """Return nothing: the layout has no list of labels."""
        return {}

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the clips, in the order of their first rows."""
        name, start, end, label = self.columns
        clips: dict[str, tuple[Row, list[LabelledEvent]]] = {}
        for row in read_rows(path, self.columns):
            _, events = clips.setdefault(row[name], (row, []))
            if not (row[start] or row[end] or row[label]):
                continue
            onset, offset = number(row, start), number(row, end)
            if not row[label]:
                raise row.fail(f"no {label}")
            if not 0 <= onset < offset < float("inf"):
                raise row.fail(
                    f"event from {onset:g} to {offset:g} s: the onset must come before the offset"
                )
            events.append(LabelledEvent(row[label], onset, offset))
        for row, found in clips.values():
            yield self.clip(row, tuple(found))

    def clip(self, row: Row, events: tuple[LabelledEvent, ...]) -> LabelledClip:
        """Return a clip, from its first row and its events."""
        raise NotImplementedError


class DcaseStrong(_Strong):
    """``filename  onset  offset  event_label``, times from the start of the file."""

    columns = ("filename", "onset", "offset", "event_label")

    def clip(self, row: Row, events: tuple[LabelledEvent, ...]) -> LabelledClip:
        """Return a clip that is a whole file."""
        return LabelledClip((row["filename"],), _labels(events), line=row.line, events=events)


class AudioSetStrong(_Strong):
    """``segment_id  start_time_seconds  end_time_seconds  label``."""

    columns = ("segment_id", "start_time_seconds", "end_time_seconds", "label")

    def vocabulary(self, path: Path, /) -> Mapping[str, str]:
        """Read the names next to the list: identifier, name."""
        names = path.with_name(_NAMES)
        if not names.is_file():
            return {}
        rows = read_rows(names, ("mid", "name"), delimiter="\t", comments=True)
        return {row["mid"]: row["name"] for row in rows}

    def clip(self, row: Row, events: tuple[LabelledEvent, ...]) -> LabelledClip:
        """Return a clip; its file may be the segment or the whole video."""
        segment = row["segment_id"]
        video, _, milliseconds = segment.rpartition("_")
        if not video or not milliseconds.isdecimal() or len(milliseconds) > _MOST_DIGITS:
            raise row.fail(f"segment_id {segment!r:.80}: must be a video id, _ and milliseconds")
        start = int(milliseconds) / 1000
        end = start + _SEGMENT_SECONDS
        return LabelledClip(
            names=segment_names(video, start, end),
            labels=_labels(events),
            start_seconds=start,
            end_seconds=end,
            line=row.line,
            events=events,
        )


def _labels(events: Sequence[LabelledEvent]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(event.label for event in events))
