"""What a search for files passed over or took loosely, as lines on standard error."""

from __future__ import annotations

import click

__all__ = ["report_metadata"]


def report_metadata(count: int) -> None:
    """Say how many ``._*`` files a search of folders left out."""
    if count:
        files = "1 hidden ._* file" if count == 1 else f"{count} hidden ._* files"
        click.echo(f"skipped {files}: metadata that macOS keeps on other systems' disks", err=True)
