"""Layouts that are a table with a header and one row per clip."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from yamkit.label_readers._rows import Row, delimiter_of, labels, read_rows
from yamkit.types import LabelledClip

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["DcaseWeak", "Esc50", "Fsd50k", "PlainCsv", "UrbanSound8k"]

_COMMA_OF_A_LIST = re.compile(r",(?!\s)")


class _Table:
    """Recognises a header, and reads the rows below it."""

    columns: tuple[str, ...]

    def recognises(self, path: Path, head: Sequence[str]) -> bool:
        """Return whether the header has the columns."""
        return not path.is_dir() and delimiter_of(head, self.columns) is not None

    def vocabulary(self, _path: Path, /) -> Mapping[str, str]:
        """Return nothing: the layout has no list of labels."""
        return {}

    def rows(self, path: Path) -> Iterator[Row]:
        """Read the rows, each with at least these columns."""
        return read_rows(path, self.columns)


class Esc50(_Table):
    """``esc50.csv``: filename,fold,target,category,esc10,src_file,take."""

    columns = ("filename", "fold", "target", "category")

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the clips, with one label each."""
        for row in self.rows(path):
            yield LabelledClip(
                (row["filename"],), labels(row["category"], "\n"), fold=row["fold"], line=row.line
            )


class UrbanSound8k(_Table):
    """``UrbanSound8K.csv``: slice_file_name,fsID,start,end,salience,fold,classID,class.

    Each file is a slice; start and end are its position in the recording.
    """

    columns = ("slice_file_name", "fold", "class")

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the clips, with one label each; there may be one folder per fold, or only one."""
        for row in self.rows(path):
            name, fold = row["slice_file_name"], row["fold"]
            yield LabelledClip(
                (f"fold{fold}/{name}", name), labels(row["class"], "\n"), fold=fold, line=row.line
            )


class Fsd50k(_Table):
    """``dev.csv``: fname,labels,mids,split; ``eval.csv``: fname,labels,mids.

    Labels are names; yamkit has a label map for them.
    """

    columns = ("fname", "labels", "mids")

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the clips, which are named without suffix."""
        for row in self.rows(path):
            yield LabelledClip(
                (f"{row['fname']}.wav", row["fname"]),
                labels(row["labels"], ","),
                split=row.values.get("split", ""),
                line=row.line,
            )


class DcaseWeak(_Table):
    """DCASE weak labels: filename and event_labels, separated by commas; tab-separated columns."""

    columns = ("filename", "event_labels")

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the clips."""
        for row in self.rows(path):
            yield LabelledClip((row["filename"],), labels(row["event_labels"], ","), line=row.line)


class PlainCsv(_Table):
    """A list of your own: path,labels with ; between labels, names or machine identifiers.

    Columns ``fold`` and ``split`` are optional. If semicolons separate the columns, labels are
    quoted (``a.wav;"Dog;Rain"``), or separated by commas without a space (``a.wav;Dog,Rain``): a
    comma within a class name is followed by a space.
    """

    columns = ("path", "labels")

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the clips; a clip without labels is a negative of every class."""
        for row in self.rows(path):
            text = row["labels"]
            if row.delimiter == ";" and ";" not in text:
                text = _COMMA_OF_A_LIST.sub(";", text)
            yield LabelledClip(
                (row["path"],),
                labels(text, ";"),
                fold=row.values.get("fold", ""),
                split=row.values.get("split", ""),
                line=row.line,
            )
