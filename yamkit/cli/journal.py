"""``yamkit journal``: show and remove the journals of runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from yamkit.cli._help import Group

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yamkit.run.journal_file import JournalSummary

__all__ = ["journal"]

_SUFFIX = ".journal"
_PLACES = click.argument("places", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))


@click.group(cls=Group)
def journal() -> None:
    """Show and remove journals, from which `--resume` continues.

    `yamkit classify` of several files with --output, and `yamkit eval` with --scores or --report,
    record finished files in a journal next to their output, so that an interrupted run can be
    resumed. You can remove the journal of a finished run; --resume then computes everything again.
    """


@journal.command()
@_PLACES
@click.pass_context
def show(ctx: click.Context, /, places: tuple[Path, ...]) -> None:
    """Show how many files are done, and the parameters of the run.

    PATH is a journal, the output it belongs to, or a folder.  [default: the current folder]
    """
    from yamkit._util.text import printable
    from yamkit.errors import OutputError
    from yamkit.run.journal_file import read_summary

    failed = False
    for path in _journals(places):
        try:
            summary = read_summary(path)
        except OutputError as error:
            click.echo(f"error: {error}", err=True)
            failed = True
        else:
            click.echo("\n".join([printable(path), *_lines(summary)]))
    if failed:
        ctx.exit(1)


@journal.command()
@_PLACES
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.pass_context
def clean(ctx: click.Context, /, places: tuple[Path, ...], yes: bool) -> None:
    """Remove journals after a confirmation; outputs are kept.

    PATH is a journal, the output it belongs to, or a folder.  [default: the current folder]

    Other files, and journals of runs in progress, are not removed.
    """
    from yamkit._util.text import printable
    from yamkit.errors import OutputError, ParameterError
    from yamkit.run.journal_file import read_summary, remove_journal

    found = _journals(places)
    if not yes and not sys.stdin.isatty():
        raise ParameterError(
            "standard input is not a terminal, which confirmations require; add --yes"
        )
    failed = False
    for path in found:
        try:
            summary = read_summary(path)
            question = f"remove {printable(path)} ({_state(summary)})?"
            if yes or click.confirm(question, err=True):
                remove_journal(path)
                click.echo(f"removed {printable(path)}")
        except OutputError as error:
            click.echo(f"error: {error}", err=True)
            failed = True
    if failed:
        ctx.exit(1)


def _journals(places: Iterable[Path]) -> list[Path]:
    """Return the journals of these places."""
    from yamkit._util.text import printable
    from yamkit.errors import ParameterError

    found: list[Path] = []
    for place in places or [Path()]:
        journal = place.with_name(f"{place.name}{_SUFFIX}") if place.name else place
        if place.is_dir():
            some = sorted(path for path in place.glob(f"*{_SUFFIX}") if path.is_file())
        elif place.suffix != _SUFFIX and journal.is_file():
            some = [journal]
        else:
            some = [place] if place.suffix == _SUFFIX else []
        if not some:
            raise ParameterError(
                f"{printable(place)}: no journal found; must be a journal, the output it belongs "
                "to, or its folder"
            )
        found += some
    return list(dict.fromkeys(found))


def _state(summary: JournalSummary) -> str:
    text = f"{summary.done:,} done, {summary.failed:,} failed"
    return f"{text}, {'finished' if summary.is_finished else 'not finished'}"


def _lines(summary: JournalSummary) -> list[str]:
    from yamkit._util.text import printable

    rows = {
        "files": f"{summary.done:,} done, {summary.failed:,} failed",
        "run": "finished"
        if summary.is_finished
        else "not finished; the same command with --resume continues it",
        "holds": "results"
        if summary.has_items
        else "names of finished files; the results are the outputs",
        "size": f"{summary.size_bytes:,} bytes",
        **summary.parameters,
    }
    width = max(map(len, rows))
    return [f"  {printable(name):{width}}  {printable(value)}" for name, value in rows.items()]
