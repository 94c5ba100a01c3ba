"""The built-in label readers, one module per family of layouts; this one declares them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yamkit.plugin import LabelReaderInfo, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["yamkit_label_readers"]

_READERS = {
    "audioset": (
        "AudioSet segments CSV: id, start, end, machine identifiers",
        "_audioset:AudioSet",
    ),
    "fsd50k": ("FSD50K dev.csv and eval.csv", "_tables:Fsd50k"),
    "esc50": ("ESC-50 and ESC-10 metadata, with folds", "_tables:Esc50"),
    "urbansound8k": ("UrbanSound8K metadata, with folds", "_tables:UrbanSound8k"),
    "audioset-strong": (
        "AudioSet strong labels: TSV of segment_id, times, label",
        "_strong:AudioSetStrong",
    ),
    "dcase-strong": (
        "DCASE strong labels: TSV of filename, onset, offset, event_label",
        "_strong:DcaseStrong",
    ),
    "dcase-weak": ("DCASE weak labels: TSV of filename and event_labels", "_tables:DcaseWeak"),
    "csv": ("CSV of path and labels, with ; between labels", "_tables:PlainCsv"),
    "folders": ("One folder per class", "_folders:Folders"),
}


@hookimpl
def yamkit_label_readers() -> Iterator[LabelReaderInfo]:
    """Describe the built-in label readers."""
    for name, (summary, factory) in _READERS.items():
        yield LabelReaderInfo(
            name=name, summary=summary, factory=f"yamkit.label_readers.{factory}", api=1
        )
