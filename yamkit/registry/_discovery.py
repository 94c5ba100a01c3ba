"""Discovery of plugins; each entry point is loaded separately, and failures are recorded."""

from __future__ import annotations

import contextlib
import difflib
import functools
import importlib.metadata
import os
import sys
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pluggy

from yamkit.plugin import HookSpecs
from yamkit.registry._descriptors import HOOKS, judge
from yamkit.registry._errors import describe
from yamkit.registry._registry import Plugin, Registry
from yamkit.registry._selection import provenance, select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["GROUP", "discover", "hooks_of", "registry"]

GROUP = "yamkit"
"""The group of entry points."""

_OWN = "yamkit"  # distribution of the built-in plugins

_SLOW_SECONDS = 0.5
"""A module that takes longer to import is reported as slow."""

_MOST_DESCRIPTORS = 100
"""Most descriptors of one hook, whose generator may be endless."""


@functools.cache
def registry() -> Registry:
    """Return the plugins of this installation; they are discovered once in a process."""
    return discover(os.environ.get("YAMKIT_PLUGINS") or None)


def discover(selection: str | None = None) -> Registry:
    """Load every entry point of the group ``yamkit`` separately.

    Parameters
    ----------
    selection : str or None
        Entry points, distributions or ``distribution:entry-point``, comma-separated: only these
        are loaded; those with a leading ``-`` are not. None loads all, an empty string none.

    Raises
    ------
    ParameterError
        If the selection names an entry point or distribution that is not installed.
    """
    points = sorted(
        importlib.metadata.entry_points(group=GROUP),
        key=lambda point: (*provenance(point), point.name),
    )
    chosen = select(points, selection)
    plugins: list[Plugin] = []
    # output of a plugin's module must not mix with a result
    with contextlib.redirect_stdout(sys.stderr):
        for point in points:
            plugins += _load(point, switched_on=point in chosen)
    return Registry(tuple(_mark_clashes(plugins)))


def _load(point: importlib.metadata.EntryPoint, *, switched_on: bool) -> Iterator[Plugin]:
    distribution, version = provenance(point)
    base = Plugin(distribution, version, point.name, state="broken")
    if not switched_on:
        yield replace(base, state="off", reason="switched off by YAMKIT_PLUGINS")
        return
    began = perf_counter()
    try:
        hooks = hooks_of(point.load())
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        yield replace(base, reason=describe(error))
        return
    seconds = perf_counter() - began
    slow = ""
    if seconds > _SLOW_SECONDS:
        slow = (
            f"slow: {point.module} took {seconds:.1f} s to import, which delays every command; it "
            "should import only yamkit.plugin"
        )
    for hook, implementation in hooks:
        kind, descriptor = HOOKS[hook]
        known = replace(base, kind=kind, hook=hook, reason=slow)
        try:
            for count, info in enumerate(implementation()):
                if count == _MOST_DESCRIPTORS:
                    raise ValueError(f"more than {_MOST_DESCRIPTORS} descriptors")
                if isinstance(info, descriptor):
                    yield judge(replace(known, name=info.name, info=info))
                else:
                    reason = f"{hook} yielded {info!r:.80}: must be a {descriptor.__name__}"
                    yield replace(known, reason=reason)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            yield replace(known, reason=f"{hook} raised {describe(error)}")


def hooks_of(module: object) -> list[tuple[str, Callable[[], Any]]]:
    """Return the hook implementations of a plugin; a separate manager isolates each plugin."""
    manager = pluggy.PluginManager("yamkit")
    manager.add_hookspecs(HookSpecs)
    manager.register(module)
    found = []
    for caller in manager.get_hookcallers(module) or ():
        if not caller.has_spec():
            near = difflib.get_close_matches(caller.name, HOOKS, n=1)
            guess = f"; did you mean {near[0]}?" if near else f"; hooks: {', '.join(HOOKS)}"
            raise LookupError(f"unknown hook {caller.name}{guess}")
        found += [
            (caller.name, implementation.function) for implementation in caller.get_hookimpls()
        ]
    if not found:
        raise LookupError(f"implements no hook; hooks: {', '.join(HOOKS)}")
    return found


def _mark_clashes(plugins: list[Plugin]) -> Iterator[Plugin]:
    """Mark plugins that share a name; a plugin of yamkit keeps its name."""
    owners: dict[tuple[str, str], list[Plugin]] = {}
    for plugin in plugins:
        if plugin.state in ("ready", "missing"):
            owners.setdefault((plugin.kind, plugin.name), []).append(plugin)
    for plugin in plugins:
        same = owners.get((plugin.kind, plugin.name), [])
        own = [each for each in same if each.distribution == _OWN]
        if len(same) == 1 or plugin not in same or own == [plugin]:
            yield plugin
            continue
        who = " and ".join(f"{p.distribution} {p.version} ({p.entry_point})" for p in same)
        off = own[0] if own else same[-1]
        word = f"-{off.distribution}:{off.entry_point}"
        advice = (
            f"it selects yamkit's own; to use this one, set YAMKIT_PLUGINS={word}"
            if own
            else f"to switch one off, set YAMKIT_PLUGINS={word}"
        )
        reason = f"{plugin.kind} {plugin.name!r} comes from {who}; {advice}"
        yield replace(plugin, state="clash", reason=reason)
