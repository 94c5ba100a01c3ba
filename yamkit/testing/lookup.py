"""The contract of an installed plugin: its own, or that of its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yamkit._util.text import described
from yamkit.errors import BrokenPluginError, ParameterError, UnknownPluginError
from yamkit.registry import import_reference, registry
from yamkit.testing import CONTRACTS
from yamkit.testing._contract import PluginContract

if TYPE_CHECKING:
    from yamkit.plugin import PluginInfo

__all__ = ["find_contract"]


def find_contract(name: str, kind: str | None) -> type[PluginContract]:
    """Return the contract of a plugin.

    Parameters
    ----------
    name : str
        Name of the plugin.
    kind : str or None
        Its kind, with ``-`` or a space between words; None if only one kind has the name.

    Raises
    ------
    ParameterError
        If the kind is unknown, or plugins of several kinds have the name.
    UnknownPluginError
        If no plugin has the name.
    BrokenPluginError
        If the plugin's own contract cannot be imported.
    """
    if kind is not None and kind.replace("-", " ") not in CONTRACTS:
        names = ", ".join(sorted(each.replace(" ", "-") for each in CONTRACTS))
        raise ParameterError(f"kind {kind!r}: must be one of {names}")
    kinds = list(CONTRACTS) if kind is None else [kind.replace("-", " ")]
    found = []
    for each in kinds:
        base: type[PluginContract] = type(name, (CONTRACTS[each],), {"plugin": name})
        if offers := base.found():
            found.append((base, offers[0][1]))
    if len(found) > 1:
        raise ParameterError(
            f"{name!r} is a {' and a '.join(base.kind for base, _ in found)}; choose with --kind"
        )
    if not found:
        raise UnknownPluginError(_unknown(name, kinds))
    return _own_contract(*found[0])


def _own_contract(base: type[PluginContract], info: PluginInfo) -> type[PluginContract]:
    """Return the contract that a descriptor names; `base` if it names none."""
    if not info.contract:
        return base
    what = f"contract {info.contract!r} of {info.name!r}"
    try:
        own = import_reference(info.contract)
    except Exception as error:
        raise BrokenPluginError(f"{what}: {described(error)}") from None
    if not (isinstance(own, type) and issubclass(own, PluginContract)):
        raise BrokenPluginError(f"{what}: must be a subclass of yamkit.testing.PluginContract")
    return own


def _unknown(name: str, kinds: list[str]) -> str:
    plugins = registry().plugins
    names = sorted({p.name for p in plugins if p.name and p.kind in kinds})
    what = kinds[0] if len(kinds) == 1 else "plugin"
    broken = [f"; {p.distribution} is broken: {p.reason}" for p in plugins if not p.name]
    return f"no {what} {name!r}; installed: {', '.join(names)}{''.join(broken)}"
