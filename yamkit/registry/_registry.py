"""The plugins of this installation, and the one that a name selects."""

from __future__ import annotations

import difflib
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from yamkit.errors import (
    BrokenPluginError,
    MissingRequirementError,
    PluginClashError,
    UnknownPluginError,
)
from yamkit.registry._errors import describe

if TYPE_CHECKING:
    from collections.abc import Callable

    from yamkit.plugin import PluginInfo

__all__ = ["Plugin", "Registry", "import_reference"]


@dataclass(frozen=True)
class Plugin:
    """A plugin of a distribution, or the failure to load one.

    Attributes
    ----------
    distribution, version, entry_point : str
        Origin of the plugin.
    state : {"ready", "missing", "clash", "broken", "off"}
    reason : str
        Why the state is not ``ready``, or a fault that does not change the state.
    kind, hook, name : str
        Empty if the failure came before they were known.
    info : PluginInfo or None
        None if the state is ``broken`` or ``off``.
    """

    distribution: str
    version: str
    entry_point: str
    state: str
    reason: str = ""
    kind: str = ""
    hook: str = ""
    name: str = ""
    info: PluginInfo | None = None


@dataclass(frozen=True)
class Registry:
    """All plugins of this installation, in a stable order."""

    plugins: tuple[Plugin, ...]

    def names(self, kind: str) -> list[str]:
        """Return the names that can be selected, including those whose extra is missing."""
        usable = ("ready", "missing", "clash")
        return sorted({p.name for p in self.plugins if p.kind == kind and p.state in usable})

    def resolve(self, kind: str, name: str) -> Plugin:
        """Return the plugin that a name selects; yamkit's own plugins take precedence.

        Raises
        ------
        UnknownPluginError
            If no plugin of that kind has the name.
        PluginClashError
            If plugins of several other distributions have it.
        BrokenPluginError
            If the plugin is broken.
        MissingRequirementError
            If the plugin needs packages that are not installed.
        """
        found = [p for p in self.plugins if p.kind == kind and p.name == name and p.state != "off"]
        if not found:
            raise UnknownPluginError(self._unknown(kind, name))
        usable = [plugin for plugin in found if plugin.state in ("ready", "missing")]
        plugin = (usable or found)[0]
        if plugin.state == "clash":
            raise PluginClashError(plugin.reason)
        if plugin.state == "broken":
            raise BrokenPluginError(
                f"{kind} {name!r} of {plugin.distribution} {plugin.version} is broken: "
                f"{plugin.reason}"
            )
        if plugin.state == "missing":
            raise MissingRequirementError(f"{kind} {name!r} {plugin.reason}")
        return plugin

    def load(self, plugin: Plugin, reference: str | None = None) -> Callable[..., Any]:
        """Import the factory of a ready plugin, or another callable that its descriptor names.

        Raises
        ------
        BrokenPluginError
            If it cannot be imported, or is not callable.
        """
        assert plugin.info is not None
        reference = reference or plugin.info.factory
        try:
            return import_reference(reference)
        except (Exception, SystemExit) as error:
            raise BrokenPluginError(
                f"{plugin.kind} {plugin.name!r} of {plugin.distribution} {plugin.version} cannot "
                f"be loaded from {reference}: {describe(error)}"
            ) from error

    def _unknown(self, kind: str, name: str) -> str:
        names = self.names(kind)
        message = f"no {kind} {name!r}; installed: {', '.join(names) or 'none'}"
        if near := difflib.get_close_matches(str(name), names, n=1):
            message += f"; did you mean {near[0]!r}?"
        if any(p.state == "off" for p in self.plugins):
            message += "; YAMKIT_PLUGINS switches some plugins off"
        broken = sum(p.state == "broken" for p in self.plugins)
        if broken:
            message += f"; broken: {broken}, see `yamkit plugins`"
        return message


def import_reference(reference: str) -> Callable[..., Any]:
    """Import the callable that ``"package.module:Name"`` refers to."""
    module_name, _, path = reference.partition(":")
    found: Any = importlib.import_module(module_name)
    for attribute in path.split("."):
        found = getattr(found, attribute)
    if not callable(found):
        raise TypeError(f"{reference} is not callable")
    return found  # type: ignore[no-any-return]
