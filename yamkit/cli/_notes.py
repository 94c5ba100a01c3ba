"""How much a command prints on standard error in addition to errors and warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from yamkit.cli._help import set_section

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["is_quiet", "note", "note_options", "wants_lines"]

_QUIET, _LINES = "yamkit.quiet", "yamkit.progress"
_SECTION = "Messages"


def note_options(*, progress: bool = True) -> Callable[[Any], Any]:
    """Add `--quiet`, and `--progress` to commands that may take long."""

    def add(command: Any) -> Any:
        command = click.option(
            "-q",
            "--quiet",
            is_flag=True,
            expose_value=False,
            callback=_keep,
            help="Print only errors, warnings and results: no progress bar and no hints.",
        )(command)
        if progress:
            command = click.option(
                "--progress",
                is_flag=True,
                expose_value=False,
                callback=_keep,
                help="Print the progress every ten seconds if standard error is not a terminal; "
                "on a terminal, a bar always shows it.",
            )(command)
        for param in command.__click_params__:
            set_section(param, _SECTION)
        return command

    return add


def note(text: str) -> None:
    """Print a hint on standard error, unless `--quiet` was given."""
    if not is_quiet():
        click.echo(text, err=True)


def is_quiet() -> bool:
    """Return whether `--quiet` was given."""
    return _is_set(_QUIET)


def wants_lines() -> bool:
    """Return whether `--progress` was given."""
    return _is_set(_LINES)


def _keep(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[f"yamkit.{param.name}"] = True
    if {_QUIET, _LINES} <= set(ctx.meta):
        raise click.UsageError("--progress and --quiet exclude each other")


def _is_set(name: str) -> bool:
    ctx = click.get_current_context(silent=True)
    return ctx is not None and bool(ctx.meta.get(name))
