"""What a search for files passed over or took loosely, as lines on standard error."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from yamkit._util.text import printable
from yamkit.cli._notes import note
from yamkit.folders import sound_files

if TYPE_CHECKING:
    from pathlib import Path

    from yamkit.evaluation.scores_file import Scores

__all__ = ["report_metadata", "report_metadata_in", "report_names"]


def report_metadata(count: int) -> None:
    """Say how many ``._*`` files a search of folders left out."""
    if count:
        files = "1 hidden ._* file" if count == 1 else f"{count} hidden ._* files"
        note(f"skipped {files}: metadata that macOS keeps on other systems' disks")


def report_metadata_in(folder: Path) -> None:
    """Say how many ``._*`` files there are in a labelled set that is a folder."""
    metadata: list[str] = []
    for _ in sound_files(os.fspath(folder), metadata.append):
        pass
    report_metadata(len(metadata))


def report_names(scores: Scores) -> None:
    """Say how many clips have files whose names are not quite the list's, with an example."""
    if scores.renamed:
        clip, name = next(iter(scores.renamed.items()))
        click.echo(
            f"{_clips(len(scores.renamed))} found under names that differ in folders, case, "
            f"Unicode form or slashes: {printable(name)} for {printable(clip)}",
            err=True,
        )
    if scores.ambiguous:
        clip, names = next(iter(scores.ambiguous.items()))
        click.echo(
            f"{_clips(len(scores.ambiguous))} missing, ambiguous when case, Unicode form and "
            f"slashes are ignored: {printable(clip)} may be "
            f"{' or '.join(map(printable, names))}",
            err=True,
        )


def _clips(count: int) -> str:
    return "1 clip" if count == 1 else f"{count} clips"
