"""Lists of every layout that name the same two clips, for tests that go over all layouts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

_TABLES = {
    "csv": ("list.csv", "path,labels", "{name},{label}", ""),
    "dcase-weak": ("list.tsv", "filename\tevent_labels", "{name}\t{label}", ""),
    "dcase-strong": (
        "list.tsv",
        "filename\tonset\toffset\tevent_label",
        "{name}\t0.1\t0.5\t{label}",
        "{name}\t\t\t",
    ),
    "esc50": ("list.csv", "filename,fold,target,category", "{name},1,0,{label}", ""),
    "urbansound8k": ("list.csv", "slice_file_name,fold,class", "{name},1,{label}", ""),
    "fsd50k": ("list.csv", "fname,labels,mids", "{name},{label},/m/0", ""),
    "audioset": (
        "list.csv",
        "# 1\n# 2\n# YTID, start_seconds, end_seconds, positive_labels",
        '{name}, 0.000, 1.000, "{label}"',
        "",
    ),
    "audioset-strong": (
        "list.tsv",
        "segment_id\tstart_time_seconds\tend_time_seconds\tlabel",
        "{name}_0\t0.1\t0.5\t{label}",
        "{name}_0\t\t\t",
    ),
}
LAYOUTS = tuple(_TABLES)


def write_list(folder: Path, layout: str, first: tuple[str, str], *others: tuple[str, str]) -> Path:
    """Write a list of clips, name and label; an empty label is none."""
    name, head, row, empty = _TABLES[layout]
    rows = [
        (row if label or not empty else empty).format(name=clip, label=label)
        for clip, label in (first, *others)
    ]
    place = folder / name
    place.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return place


def write_noise(folder: Path, *names: str) -> None:
    """Write clips of a second."""
    for number, name in enumerate(names):
        noise = np.random.default_rng(number).normal(0, 0.1, 8000)
        soundfile.write(folder / name, np.clip(noise, -1, 1), 8000)
