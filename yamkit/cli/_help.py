"""Help pages: options under headings, and lines that break only between words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Command", "Group", "set_section"]

_SECTION = "yamkit_section"
_UNBREAKABLE = "\N{NON-BREAKING HYPHEN}"
_NAME_COLUMNS = 26
"""The text of options with longer names starts on the next line."""


def set_section(parameter: click.Parameter, title: str) -> None:
    """Put an option under a heading of the help page; headings come in the order of their use."""
    setattr(parameter, _SECTION, title)


class _Formatter(click.HelpFormatter):
    """Breaks lines only at spaces; click's also breaks them after the hyphens of options."""

    def write_text(self, text: str) -> None:
        super().write_text(text.replace("-", _UNBREAKABLE))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        kept = [(term, text.replace("-", _UNBREAKABLE)) for term, text in rows]
        super().write_dl(kept, col_max, col_spacing)

    def getvalue(self) -> str:
        return super().getvalue().replace(_UNBREAKABLE, "-")


class _Context(click.Context):
    formatter_class = _Formatter


class Command(click.Command):
    """A command whose options stand under the headings of `set_section`."""

    context_class = _Context

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options by section, those without one first, in columns of one width."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and isinstance(param, click.Option):
                sections.setdefault(getattr(param, _SECTION, ""), []).append(record)
        rest = sections.pop("", [])
        has_only_help = sections and len(rest) == 1
        sections = {**sections, "Other": rest} if has_only_help else {"Options": rest, **sections}
        names = [name for records in sections.values() for name, _ in records]
        width = max((len(name) for name in names if len(name) <= _NAME_COLUMNS), default=0)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), text) for name, text in records], width)


class Group(click.Group):
    """A group of such commands."""

    context_class = _Context
    command_class = Command
