"""Help pages: options under headings, lines that end between words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Command", "Group", "section"]

_SECTION = "yamkit_section"
_UNBREAKABLE = "\N{NON-BREAKING HYPHEN}"
_NAME_COLUMNS = 26
"""Options with longer names have their text in the lines below."""


def section(title: str) -> Callable[[Any], Any]:
    """Put the options below this decorator, up to the next one, under a heading of the help page.

    Sections of the same title become one, in the place of the first.
    """

    def mark(function: Any) -> Any:
        for param in function.__click_params__:
            if not hasattr(param, _SECTION):
                setattr(param, _SECTION, title)
        return function

    return mark


class _Formatter(click.HelpFormatter):
    """Ends lines at spaces alone; click's ends them behind hyphens of options, too."""

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
    """A command whose help page has the sections that `section` makes."""

    context_class = _Context

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, section by section, in columns of one width."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and isinstance(param, click.Option):
                sections.setdefault(getattr(param, _SECTION, ""), []).append(record)
        rest = sections.pop("", [])
        sections |= {"Other" if sections else "Options": rest}
        names = [name for records in sections.values() for name, _ in records]
        width = max((len(name) for name in names if len(name) <= _NAME_COLUMNS), default=0)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), text) for name, text in records], width)


class Group(click.Group):
    """A group of such commands."""

    context_class = _Context
    command_class = Command
