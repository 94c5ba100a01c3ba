"""Help pages: options under headings, and lines that fit and end between words."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from yamkit.cli import cli

WIDTHS = (60, 80, 200)


def contexts(
    command: click.Command = cli, parent: click.Context | None = None, name: str = "yamkit"
) -> Iterator[click.Context]:
    """Give a context for each command of the tree."""
    ctx = command.make_context(name, [], parent=parent, resilient_parsing=True)
    yield ctx
    if isinstance(command, click.Group):
        for child in command.list_commands(ctx):
            found = command.get_command(ctx, child)
            assert found is not None
            yield from contexts(found, ctx, child)


COMMANDS = {ctx.command_path: ctx for ctx in contexts()}


def page(ctx: click.Context, width: int) -> str:
    ctx.terminal_width, before = width - 2, ctx.terminal_width
    try:
        return ctx.command.get_help(ctx)
    finally:
        ctx.terminal_width = before


def test_every_command_is_walked() -> None:
    assert {"yamkit", "yamkit classify", "yamkit eval", "yamkit models import"} <= set(COMMANDS)
    assert len(COMMANDS) > 20


@pytest.mark.parametrize("path", COMMANDS)
def test_lines_fit_a_terminal_of_80_columns(path: str) -> None:
    too_long = [line for line in page(COMMANDS[path], 80).splitlines() if len(line) > 80]
    assert too_long == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", COMMANDS)
def test_no_line_ends_within_a_word(path: str, width: int) -> None:
    ctx = COMMANDS[path]
    words = page(ctx, width).split()
    assert ctx.command.help
    texts = [ctx.command.help.replace("\b", "")]
    for param in ctx.command.get_params(ctx):
        record = param.get_help_record(ctx)
        if record is not None and isinstance(param, click.Option):
            texts += record
    for text in texts:
        wanted = text.split()
        starts = [place for place, word in enumerate(words) if word == wanted[0]]
        assert any(words[start : start + len(wanted)] == wanted for start in starts), text


@pytest.mark.parametrize("path", COMMANDS)
def test_no_text_of_a_list_of_commands_is_cut(path: str) -> None:
    assert "..." not in page(COMMANDS[path], 80).partition("\nCommands:\n")[2]


@pytest.mark.parametrize("path", COMMANDS)
def test_many_options_stand_under_headings(path: str) -> None:
    ctx = COMMANDS[path]
    count = sum(isinstance(param, click.Option) for param in ctx.command.get_params(ctx))
    lines = page(ctx, 80).splitlines()
    if count <= 12:
        return
    assert "Options:" not in lines
    starts = [n for n, line in enumerate(lines) if line.endswith(":") and line[0] != " "]
    sizes = [
        sum(line.startswith("  -") for line in lines[start:end])
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)
    ]
    assert sum(sizes) == count
    assert max(sizes) <= 12
    assert len([size for size in sizes if size]) >= 4
