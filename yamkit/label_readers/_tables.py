"""Layouts that are a table with a header: which columns hold what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yamkit.label_readers._rows import header, labels, read_rows
from yamkit.types import LabelledClip

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["DcaseWeak", "Esc50", "Fsd50k", "PlainCsv", "UrbanSound8k"]


class Esc50:
    """``esc50.csv``: filename,fold,target,category,esc10,src_file,take."""

    def recognises(self, path: Path, head: Sequence[str]) -> bool:
        """Look at the header."""
        return {"filename", "fold", "target", "category"} <= set(header(head))

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the clips, one label each."""
        for row in read_rows(path, ("filename", "fold", "category")):
            yield LabelledClip(
                (row["filename"],), labels(row["category"], "\n"), fold=row["fold"], line=row.line
            )


class UrbanSound8k:
    """``UrbanSound8K.csv``: slice_file_name,fsID,start,end,salience,fold,classID,class.

    A file is a slice already: start and end are where it was cut from the recording.
    """

    def recognises(self, path: Path, head: Sequence[str]) -> bool:
        """Look at the header."""
        return {"slice_file_name", "fold", "class"} <= set(header(head))

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the clips, one label each; files lie in a folder a fold, or all in one."""
        for row in read_rows(path, ("slice_file_name", "fold", "class")):
            name, fold = row["slice_file_name"], row["fold"]
            yield LabelledClip(
                (f"fold{fold}/{name}", name), labels(row["class"], "\n"), fold=fold, line=row.line
            )


class Fsd50k:
    """``dev.csv``: fname,labels,mids,split; ``eval.csv``: fname,labels,mids.

    The machine identifiers are taken as labels: the names are AudioSet's in another spelling.
    """

    def recognises(self, path: Path, head: Sequence[str]) -> bool:
        """Look at the header."""
        return {"fname", "labels", "mids"} <= set(header(head))

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the clips; files are named without their suffix."""
        for row in read_rows(path, ("fname", "labels", "mids")):
            yield LabelledClip(
                (f"{row['fname']}.wav", row["fname"]),
                labels(row["mids"], ","),
                split=row.values.get("split", ""),
                line=row.line,
            )


class DcaseWeak:
    """DCASE's weak labels, a TSV file: filename, event_labels with commas between them."""

    def recognises(self, path: Path, head: Sequence[str]) -> bool:
        """Look at the header."""
        return {"filename", "event_labels"} <= set(header(head, "\t"))

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the clips."""
        for row in read_rows(path, ("filename", "event_labels"), delimiter="\t"):
            yield LabelledClip(
                (row["filename"],), labels(row["event_labels"], ","), line=row.line
            )


class PlainCsv:
    """Anybody's own list: path,labels with ; between labels, names or machine identifiers.

    Columns ``fold`` and ``split`` are taken where they are there.
    """

    def recognises(self, path: Path, head: Sequence[str]) -> bool:
        """Look at the header."""
        return {"path", "labels"} <= set(header(head))

    def read(self, path: Path) -> Iterator[LabelledClip]:
        """Read the clips; one without labels is one where nothing of interest sounds."""
        for row in read_rows(path, ("path", "labels")):
            yield LabelledClip(
                (row["path"],),
                labels(row["labels"], ";"),
                fold=row.values.get("fold", ""),
                split=row.values.get("split", ""),
                line=row.line,
            )
