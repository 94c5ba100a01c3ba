"""AudioSet's segments files: ``balanced_train_segments.csv``, ``eval_segments.csv``, ...

Three comment lines, the last of which names the columns; a space after each comma; the labels
quoted, as they have commas. An id is that of a video, eleven characters, and may begin with ``-``.
People who fetched the videos name the files in three ways: by the id, by the id after a ``Y``
(so that no name begins with ``-``), and by the id and the start in thousandths of a second, or as a
whole number of seconds, whose file holds the segment alone.

The publishers' index of the 527 classes, ``class_labels_indices.csv``, tells the names, and which
classes there are at all; it is read where it lies beside the list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from yamkit.label_readers._rows import labels, number, read_rows
from yamkit.types import LabelledClip

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["AudioSet"]

_COLUMNS = ("YTID", "start_seconds", "end_seconds", "positive_labels")
_INDEX = "class_labels_indices.csv"
_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".m4a", ".opus")


class AudioSet:
    """The reader; labels are machine identifiers."""

    def recognises(self, path: Path, head: Sequence[str]) -> bool:
        """Look for the comment that names the columns."""
        wanted = "#" + ",".join(_COLUMNS)
        return not path.is_dir() and any(line.replace(" ", "").startswith(wanted) for line in head)

    def vocabulary(self, path: Path, /) -> Mapping[str, str]:
        """Read the index beside the list: index,mid,display_name."""
        index = path.with_name(_INDEX)
        if not index.is_file():
            return {}
        rows = read_rows(index, ("mid", "display_name"))
        return {row["mid"]: row["display_name"] for row in rows}

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the segments; a file may be the whole video, so each has its start and end."""
        for row in read_rows(path, _COLUMNS, comments=True):
            start, end = number(row, "start_seconds"), number(row, "end_seconds")
            video = row["YTID"]
            stems = (
                f"{video}_{round(start * 1000)}",
                f"{video}_{int(start)}",
                f"Y{video}_{round(start * 1000)}",
                video,
                f"Y{video}",
            )
            yield LabelledClip(
                names=tuple(f"{stem}{suffix}" for stem in stems for suffix in _SUFFIXES),
                labels=labels(row["positive_labels"], ","),
                start_seconds=start,
                end_seconds=end,
                line=row.line,
            )
