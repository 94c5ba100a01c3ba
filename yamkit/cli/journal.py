"""``yamkit journal``: what the journals of runs hold, and their removal."""

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
    """Show and remove journals: what `--resume` goes on from.

    A run over several files with --output, and `yamkit eval --scores` or --report, keep one beside
    their output: what was finished, so that an interrupted run need not begin anew. One of a run
    that is finished may be removed; then --resume computes everything again.
    """


@journal.command()
@_PLACES
@click.pass_context
def show(ctx: click.Context, /, places: tuple[Path, ...]) -> None:
    """Show what journals hold.

    It is the files done and failed, and the parameters of their run. PATH is a journal, the output
    that it belongs to, or a folder.  [default: this folder]
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
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def clean(ctx: click.Context, /, places: tuple[Path, ...], yes: bool) -> None:
    """Remove journals, after a question for each.

    PATH is a journal, the output that it belongs to, or a folder.  [default: this folder] The
    outputs stay. What is no journal, or belongs to a run that goes on, is left.
    """
    from yamkit._util.text import printable
    from yamkit.errors import OutputError, ParameterError
    from yamkit.run.journal_file import read_summary, remove_journal

    found = _journals(places)
    if not yes and not sys.stdin.isatty():
        raise ParameterError("standard input is no terminal, where you could be asked; add --yes")
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
    """Find the journals that are meant."""
    from yamkit._util.text import printable
    from yamkit.errors import ParameterError

    found: list[Path] = []
    for place in places or [Path()]:
        beside = place.with_name(f"{place.name}{_SUFFIX}") if place.name else place
        if place.is_dir():
            some = sorted(path for path in place.glob(f"*{_SUFFIX}") if path.is_file())
        elif place.suffix != _SUFFIX and beside.is_file():
            some = [beside]
        else:
            some = [place] if place.suffix == _SUFFIX else []
        if not some:
            raise ParameterError(
                f"{printable(place)}: no journal here; wanted a journal, the output that it "
                "belongs to, or the folder of one"
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
        else "not finished; the same command with --resume goes on",
        "holds": "results"
        if summary.has_items
        else "which files are done; results are the outputs",
        "size": f"{summary.size_bytes:,} bytes",
        **summary.parameters,
    }
    width = max(map(len, rows))
    return [f"  {printable(name):{width}}  {printable(value)}" for name, value in rows.items()]
