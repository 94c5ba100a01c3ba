"""How much a command says on standard error beside errors and warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from yamkit.cli._help import section

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["is_quiet", "note", "note_options", "wants_lines"]

_QUIET, _LINES = "yamkit.quiet", "yamkit.progress"


def note_options(*, progress: bool = True) -> Callable[[Any], Any]:
    """Add `--quiet`, and `--progress` for what may take long."""
    options = [section("Messages")]
    if progress:
        options.append(
            click.option(
                "--progress",
                is_flag=True,
                expose_value=False,
                callback=_keep,
                help="Say how far the run is, every ten seconds, where standard error is no "
                "terminal; on a terminal a bar does so.",
            )
        )
    options.append(
        click.option(
            "-q",
            "--quiet",
            is_flag=True,
            expose_value=False,
            callback=_keep,
            help="Print errors, warnings and results only: no bar and no hints.",
        )
    )

    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def note(text: str) -> None:
    """Say what helps, but is neither a result nor a fault, unless nobody wants to know."""
    if not is_quiet():
        click.echo(text, err=True)


def is_quiet() -> bool:
    """Tell whether `--quiet` was given."""
    return _is_set(_QUIET)


def wants_lines() -> bool:
    """Tell whether `--progress` was given."""
    return _is_set(_LINES)


def _keep(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[f"yamkit.{param.name}"] = True
    if {_QUIET, _LINES} <= set(ctx.meta):
        raise click.UsageError("--progress and --quiet at once; wanted one of them")


def _is_set(name: str) -> bool:
    ctx = click.get_current_context(silent=True)
    return ctx is not None and bool(ctx.meta.get(name))
