"""The files that a command reads: paths and folders, and notes on what a search skipped."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from yamkit._util.text import printable
from yamkit.cli import _complete
from yamkit.cli._notes import note
from yamkit.cli._settings import argument, option
from yamkit.folders import sound_files

if TYPE_CHECKING:
    from pathlib import Path

    from yamkit.evaluation.scores_file import Scores
    from yamkit.run.clips import Clip

__all__ = [
    "PathSettings",
    "report_failed",
    "report_metadata_in",
    "report_names",
    "report_warned",
]


@dataclass(frozen=True)
class PathSettings:
    """Files and folders of sound files."""

    paths: tuple[str, ...] = argument(
        metavar="PATH...", nargs=-1, required=True, shell_complete=_complete.files
    )
    recursive: bool = option(
        "--recursive",
        section="Input",
        is_flag=True,
        help="Read the sound files in folders and their subfolders.",
    )

    def find_clips(self) -> list[Clip]:
        """Return a clip for each file, those not found included; report skipped metadata."""
        from yamkit.audio import NotFound, find_audio
        from yamkit.run.clips import Clip

        metadata: list[str] = []
        clips = [
            Clip(each.path, error=each.error if isinstance(each, NotFound) else None)
            for each in find_audio(self.paths, self.recursive, metadata.append)
        ]
        _report_metadata(len(metadata))
        return clips


def report_metadata_in(folder: Path) -> None:
    """Print how many ``._*`` files a labelled set that is a folder has."""
    metadata: list[str] = []
    for _ in sound_files(os.fspath(folder), metadata.append):
        pass
    _report_metadata(len(metadata))


def report_warned(warned: int, count: int) -> None:
    """Print how many of the files have warnings, if any."""
    if warned:
        verb = "has" if warned == 1 else "have"
        click.echo(f"{warned} of {count} files {verb} warnings", err=True)


def report_failed(failed: int, count: int) -> None:
    """Print how many of several files failed."""
    if count > 1:
        click.echo(f"{failed} of {count} failed", err=True)


def report_names(scores: Scores) -> None:
    """Print how many clips have files with slightly different names, with an example."""
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


def _report_metadata(count: int) -> None:
    if count:
        files = "1 hidden ._* file" if count == 1 else f"{count} hidden ._* files"
        note(f"skipped {files}: metadata that macOS keeps on other systems' disks")


def _clips(count: int) -> str:
    return "1 clip" if count == 1 else f"{count} clips"
