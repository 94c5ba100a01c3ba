"""Settings of commands: frozen dataclasses, each field of which declares an option or argument.

A field is declared by `option` or `argument`; options that several commands share are a class of
their own, and `group` adds it. `with_settings` gives a command all these parameters and calls it
with an instance. So an option is written once: its name, its type and its help.
"""

from __future__ import annotations

import functools
from dataclasses import field, fields
from typing import TYPE_CHECKING, Any, TypeVar

import click

from yamkit.cli._help import set_section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["JSON", "argument", "group", "names_of", "option", "repeated", "with_settings"]

JSON: dict[str, Any] = {"is_flag": True, "help": "Print JSON."}
"""Attributes of the option `--json`."""

_GROUP, _MAKE, _SECTION = "yamkit.group", "yamkit.make", "yamkit.section"

_Settings = TypeVar("_Settings")
_Result = TypeVar("_Result")


def option(*names: str, section: str = "", **attributes: Any) -> Any:
    """Declare an option as a field of settings.

    Parameters
    ----------
    *names : str
        With their dashes. Its value becomes that of the field.
    section : str
        Heading on the help page for this option and the following ones, up to the next heading.
    **attributes
        As `click.Option` takes them.
    """

    def make(name: str) -> click.Parameter:
        return click.Option([*names, name], **attributes)

    return field(metadata={_MAKE: make, _SECTION: section})


def repeated(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of an option that may be repeated, to compare values."""
    text = attributes["help"].replace("  [default", " May be repeated, to compare.  [default")
    return {**attributes, "multiple": True, "help": text}


def argument(**attributes: Any) -> Any:
    """Declare an argument as a field of settings, with the attributes of `click.Argument`."""

    def make(name: str) -> click.Parameter:
        return click.Argument([name], **attributes)

    return field(metadata={_MAKE: make, _SECTION: ""})


def group(settings: type, section: str = "") -> Any:
    """Declare a field that holds other settings, with their options, from a heading on."""
    return field(metadata={_GROUP: settings, _SECTION: section})


def names_of(settings: Any) -> list[str]:
    """Return the names of all parameters that settings declare."""
    return [str(parameter.name) for _, parameter in _parameters(settings)]


def with_settings(
    settings: type[_Settings],
) -> Callable[[Callable[[_Settings], _Result]], Callable[..., _Result]]:
    """Add the options and arguments of settings to a command, and call it with an instance."""

    def decorate(function: Callable[[_Settings], _Result]) -> Callable[..., _Result]:
        @functools.wraps(function)
        def command(**values: Any) -> _Result:
            return function(_packed(settings, values))

        parameters, title = [], ""
        for section, parameter in _parameters(settings):
            title = section or title
            set_section(parameter, title)
            parameters.append(parameter)
        # click reverses this list, as decorators run from the last to the first
        others: list[click.Parameter] = getattr(function, "__click_params__", [])
        command.__click_params__ = [*others, *reversed(parameters)]  # type: ignore[attr-defined]
        return command

    return decorate


def _parameters(settings: Any) -> Iterator[tuple[str, click.Parameter]]:
    for each in fields(settings):
        section = each.metadata[_SECTION]
        if _GROUP in each.metadata:
            for inner, parameter in _parameters(each.metadata[_GROUP]):
                yield inner or section, parameter
        else:
            yield section, each.metadata[_MAKE](each.name)


def _packed(settings: type[_Settings], values: Mapping[str, Any]) -> _Settings:
    packed = {}
    for each in fields(settings):  # type: ignore[arg-type]
        inner = each.metadata.get(_GROUP)
        packed[each.name] = values[each.name] if inner is None else _packed(inner, values)
    return settings(**packed)
