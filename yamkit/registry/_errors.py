"""Errors of plugins, in one line and with the name of the plugin."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from yamkit._util.text import described
from yamkit.errors import BrokenPluginError, YamkitError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["describe", "plugin_errors"]


def describe(error: BaseException) -> str:
    """Return the type of an error and the first line of its message."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


@contextlib.contextmanager
def plugin_errors(plugin: str) -> Iterator[None]:
    """Name the plugin in an exception that yamkit did not raise.

    Raises
    ------
    BrokenPluginError
        In place of any exception that is not a `YamkitError`.
    """
    try:
        yield
    except YamkitError:
        raise
    except Exception as error:
        raise BrokenPluginError(f"{plugin} failed: {described(error)}") from error
