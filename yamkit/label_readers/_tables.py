"""Layouts that are a table with a header: which columns hold what."""

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
        """Look for the columns in the header."""
        return not path.is_dir() and delimiter_of(head, self.columns) is not None

    def vocabulary(self, _path: Path, /) -> Mapping[str, str]:
        """Know of no labels but those of the clips."""
        return {}

    def rows(self, path: Path) -> Iterator[Row]:
        """Read the rows, each with at least these columns."""
        return read_rows(path, self.columns)


class Esc50(_Table):
    """``esc50.csv``: filename,fold,target,category,esc10,src_file,take."""

    columns = ("filename", "fold", "target", "category")

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the clips, one label each."""
        for row in self.rows(path):
            yield LabelledClip(
                (row["filename"],), labels(row["category"], "\n"), fold=row["fold"], line=row.line
            )


class UrbanSound8k(_Table):
    """``UrbanSound8K.csv``: slice_file_name,fsID,start,end,salience,fold,classID,class.

    A file is a slice already: start and end are where it was cut from the recording.
    """

    columns = ("slice_file_name", "fold", "class")

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the clips, one label each; files lie in a folder a fold, or all in one."""
        for row in self.rows(path):
            name, fold = row["slice_file_name"], row["fold"]
            yield LabelledClip(
                (f"fold{fold}/{name}", name), labels(row["class"], "\n"), fold=fold, line=row.line
            )


class Fsd50k(_Table):
    """``dev.csv``: fname,labels,mids,split; ``eval.csv``: fname,labels,mids.

    The names are taken as labels; yamkit has a map that tells what they mean.
    """

    columns = ("fname", "labels", "mids")

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the clips; files are named without their suffix."""
        for row in self.rows(path):
            yield LabelledClip(
                (f"{row['fname']}.wav", row["fname"]),
                labels(row["labels"], ","),
                split=row.values.get("split", ""),
                line=row.line,
            )


class DcaseWeak(_Table):
    """DCASE's weak labels: filename, event_labels with commas between them; tabs as published."""

    columns = ("filename", "event_labels")

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the clips."""
        for row in self.rows(path):
            yield LabelledClip((row["filename"],), labels(row["event_labels"], ","), line=row.line)


class PlainCsv(_Table):
    """Anybody's own list: path,labels with ; between labels, names or machine identifiers.

    Columns ``fold`` and ``split`` are taken where they are there. Where semicolons separate the
    columns, labels are quoted (``a.wav;"Dog;Rain"``), or have commas without a space between them
    (``a.wav;Dog,Rain``): a comma within the name of a class has a space behind it.
    """

    columns = ("path", "labels")

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the clips; one without labels is one where nothing of interest sounds."""
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
