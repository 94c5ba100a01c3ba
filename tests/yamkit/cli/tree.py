"""The tree of commands, for tests that hold for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import click

from yamkit.cli import cli


def commands(command: click.Command = cli, words: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command, groups included, with its words after ``yamkit``."""
    yield words, command
    if isinstance(command, click.Group):
        ctx = click.Context(command)
        for name in command.list_commands(ctx):
            child = command.get_command(ctx, name)
            assert child is not None
            yield from commands(child, f"{words} {name}".strip())
