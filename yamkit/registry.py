"""Discovery of plugins: who offers what, what is broken and why, and what a name stands for.

Each entry point is loaded by itself, so one broken plugin costs nobody else anything; the failure
is kept with the distribution it came from. Nothing here knows the name of any plugin.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import importlib
import importlib.metadata
import importlib.util
import os
import re
import sys
from dataclasses import dataclass, fields, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pluggy

from yamkit._util.text import described
from yamkit.errors import (
    BrokenPluginError,
    MissingRequirementError,
    ParameterError,
    PluginClashError,
    UnknownPluginError,
    YamkitError,
)
from yamkit.plugin import (
    API_VERSION,
    BackendInfo,
    FrontendInfo,
    HookSpecs,
    LabelReaderInfo,
    PluginInfo,
    ResamplerInfo,
    RunnerInfo,
    SinkInfo,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["KINDS", "Plugin", "Registry", "blamed", "discover", "registry"]

GROUP = "yamkit"
_OWN = "yamkit"  # the distribution of the built-in plugins

_SLOW_SECONDS = 0.5
"""A light module that takes longer does what it should leave to the implementation."""

_MOST_DESCRIPTORS = 100
"""From one hook: a generator of a stranger may have no end."""

KINDS: dict[str, tuple[str, type[PluginInfo]]] = {
    "frontend": ("yamkit_frontends", FrontendInfo),
    "backend": ("yamkit_backends", BackendInfo),
    "resampler": ("yamkit_resamplers", ResamplerInfo),
    "sink": ("yamkit_sinks", SinkInfo),
    "label reader": ("yamkit_label_readers", LabelReaderInfo),
    "runner": ("yamkit_runners", RunnerInfo),
}
"""Kind of plugin -> its hook and the descriptor the hook yields."""

_HOOKS = {hook: (kind, descriptor) for kind, (hook, descriptor) in KINDS.items()}
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_FACTORY = re.compile(r"\w+(\.\w+)*:\w+(\.\w+)*")


@dataclass(frozen=True)
class Plugin:
    """One thing a distribution offers, or one that it fails to offer.

    Attributes
    ----------
    kind, hook, name : str
        Empty where the failure came before they were known.
    distribution, version, entry_point : str
        Where it comes from.
    state : {"ready", "missing", "clash", "broken", "off"}
    reason : str
        Why the state is not ``ready``, or what is wrong all the same.
    info : PluginInfo or None
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
        """Names that can be selected, those that lack an extra included."""
        usable = ("ready", "missing", "clash")
        return sorted({p.name for p in self.plugins if p.kind == kind and p.state in usable})

    def resolve(self, kind: str, name: str) -> Plugin:
        """Find the plugin a name stands for; a name of yamkit's own always stands for that one.

        Raises
        ------
        UnknownPluginError
            If no plugin of that kind has the name.
        PluginClashError
            If several strangers' have it.
        BrokenPluginError
            If the one that has it is broken.
        MissingRequirementError
            If it needs packages that are not installed.
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

    def load(self, plugin: Plugin, entrance: str | None = None) -> Callable[..., Any]:
        """Import the factory of a ready plugin, or another entrance that its descriptor names.

        Raises
        ------
        BrokenPluginError
            If it cannot be imported, or is not callable.
        """
        assert plugin.info is not None
        entrance = entrance or plugin.info.factory
        try:
            return import_entrance(entrance)
        except (Exception, SystemExit) as error:
            raise BrokenPluginError(
                f"{plugin.kind} {plugin.name!r} of {plugin.distribution} {plugin.version} cannot "
                f"be loaded from {entrance}: {describe(error)}"
            ) from error

    def _unknown(self, kind: str, name: str) -> str:
        names = self.names(kind)
        message = f"no {kind} {name!r}; installed: {', '.join(names) or 'none'}"
        if near := difflib.get_close_matches(str(name), names, n=1):
            message += f"; did you mean {near[0]!r}?"
        if any(p.state == "off" for p in self.plugins):
            message += "; YAMKIT_PLUGINS switches some off"
        broken = sum(p.state == "broken" for p in self.plugins)
        if broken:
            message += f"; {broken} broken, see `yamkit plugins`"
        return message


def import_entrance(entrance: str) -> Callable[..., Any]:
    """Import what ``"package.module:Name"`` names."""
    module_name, _, path = entrance.partition(":")
    found: Any = importlib.import_module(module_name)
    for attribute in path.split("."):
        found = getattr(found, attribute)
    if not callable(found):
        raise TypeError(f"{entrance} is not callable")
    return found  # type: ignore[no-any-return]


@functools.cache
def registry() -> Registry:
    """Discover the plugins once in a process."""
    return discover(os.environ.get("YAMKIT_PLUGINS") or None)


def discover(selection: str | None = None) -> Registry:
    """Load every entry point of the group ``yamkit``, each by itself.

    Parameters
    ----------
    selection : str or None
        Entry points, distributions or ``distribution:entry-point``, comma-separated: those alone
        are loaded; with a leading ``-`` they are left out. None loads all, an empty string none.

    Raises
    ------
    ParameterError
        If the selection names what is not installed.
    """
    points = sorted(
        importlib.metadata.entry_points(group=GROUP),
        key=lambda point: (*_provenance(point), point.name),
    )
    chosen = _select(points, selection)
    plugins: list[Plugin] = []
    # what a stranger's module prints would stand in the middle of a result
    with contextlib.redirect_stdout(sys.stderr):
        for point in points:
            plugins += _load(point, switched_on=point in chosen)
    return Registry(tuple(_mark_clashes(plugins)))


def _select(
    points: list[importlib.metadata.EntryPoint], selection: str | None
) -> set[importlib.metadata.EntryPoint]:
    if selection is None:
        return set(points)

    def matching(word: str) -> set[importlib.metadata.EntryPoint]:
        found = {p for p in points if _canonical(word) in map(_canonical, _words(p))}
        if not found:
            names = sorted({name for p in points for name in _words(p)[:2]})
            raise ParameterError(
                f"YAMKIT_PLUGINS names {word!r}, which is not installed; "
                f"it may name: {', '.join(names)}"
            )
        return found

    words = [word.strip() for word in selection.split(",") if word.strip()]
    included = [matching(word) for word in words if not word.startswith("-")]
    excluded = [matching(word[1:]) for word in words if word.startswith("-")]
    start = set().union(*included) if included or not excluded else set(points)
    return start.difference(*excluded)


def _canonical(word: str) -> str:
    """Spell a name as pip compares it."""
    return re.sub(r"[-_.]+", "-", word).lower()


def _words(point: importlib.metadata.EntryPoint) -> tuple[str, str, str]:
    """Give the words that select an entry point."""
    distribution = _provenance(point)[0]
    return point.name, distribution, f"{distribution}:{point.name}"


def _load(point: importlib.metadata.EntryPoint, *, switched_on: bool) -> Iterator[Plugin]:
    distribution, version = _provenance(point)
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
            f"slow: {point.module} took {seconds:.1f} s to import, and every command waits; it "
            "should import yamkit.plugin alone"
        )
    for hook, implementation in hooks:
        kind, descriptor = _HOOKS[hook]
        known = replace(base, kind=kind, hook=hook, reason=slow)
        try:
            for count, info in enumerate(implementation()):
                if count == _MOST_DESCRIPTORS:
                    raise ValueError(f"more than {_MOST_DESCRIPTORS} descriptors")
                if isinstance(info, descriptor):
                    yield _judge(replace(known, name=info.name, info=info))
                else:
                    reason = f"{hook} yielded {info!r:.80}, wanted a {descriptor.__name__}"
                    yield replace(known, reason=reason)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            yield replace(known, reason=f"{hook} raised {describe(error)}")


def hooks_of(module: object) -> list[tuple[str, Callable[[], Any]]]:
    """Give the hook implementations of a plugin; a manager of its own isolates each plugin."""
    manager = pluggy.PluginManager("yamkit")
    manager.add_hookspecs(HookSpecs)
    manager.register(module)
    found = []
    for caller in manager.get_hookcallers(module) or ():
        if not caller.has_spec():
            near = difflib.get_close_matches(caller.name, _HOOKS, n=1)
            guess = f"; did you mean {near[0]}?" if near else f"; hooks: {', '.join(_HOOKS)}"
            raise LookupError(f"unknown hook {caller.name}{guess}")
        found += [
            (caller.name, implementation.function) for implementation in caller.get_hookimpls()
        ]
    if not found:
        raise LookupError(f"implements no hook; hooks: {', '.join(_HOOKS)}")
    return found


def _judge(plugin: Plugin) -> Plugin:
    """Check a descriptor and look for what it requires."""
    info = plugin.info
    assert info is not None
    if reason := _fault(info, KINDS[plugin.kind][1], plugin.distribution):
        return replace(plugin, info=None, reason=reason)
    try:
        missing = [name for name in info.requires if importlib.util.find_spec(name) is None]
    except (ImportError, ValueError):
        reason = f"requires {info.requires!r}: wanted names of top-level modules"
        return replace(plugin, info=None, reason=reason)
    if missing:
        command = f"pip install '{info.install}'" if info.install else "install it with pip"
        return replace(plugin, state="missing", reason=f"needs {', '.join(missing)}: {command}")
    return replace(plugin, state="ready")


def _fault(info: PluginInfo, descriptor: type[PluginInfo], distribution: str) -> str:
    """Say what is wrong with a descriptor; nothing where it is sound."""
    if type(info.api) is not int or info.api != API_VERSION:
        older = isinstance(info.api, int) and info.api < API_VERSION
        return (
            f"written for plugin API {info.api!r}, this yamkit has {API_VERSION}: "
            f"pip install --upgrade {distribution if older else 'yamkit'}"
        )
    for field in fields(descriptor):
        value = getattr(info, field.name)
        if not _is_of(value, str(field.type)):
            return f"{field.name} {value!r:.80}: wanted {field.type}"
    if not _NAME.fullmatch(info.name):
        return f"name {info.name!r}: wanted lower-case letters, digits, '-', '_' or '.'"
    if not _FACTORY.fullmatch(info.factory):
        return f"factory {info.factory!r}: wanted 'package.module:Name'"
    return ""


def _is_of(value: object, annotation: str) -> bool:
    """Check a value against one of the types that descriptors have."""
    if annotation == "tuple[str, ...]":
        return isinstance(value, tuple) and all(isinstance(part, str) for part in value)
    return type(value).__name__ == annotation


def _mark_clashes(plugins: list[Plugin]) -> Iterator[Plugin]:
    """Mark plugins that share a name; one of yamkit's own keeps it, and goes on working."""
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
            f"it stands for yamkit's own; to use this one, YAMKIT_PLUGINS={word}"
            if own
            else f"switch one off: YAMKIT_PLUGINS={word}"
        )
        reason = f"{plugin.kind} {plugin.name!r} comes from {who}; {advice}"
        yield replace(plugin, state="clash", reason=reason)


def _provenance(point: importlib.metadata.EntryPoint) -> tuple[str, str]:
    """Name and version of the distribution; a damaged one has neither."""
    try:
        assert point.dist is not None
        return point.dist.name or "unknown", point.dist.version or "unknown"
    except Exception:  # metadata of strangers: any parse error means the same
        return "unknown", "unknown"


def describe(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


@contextlib.contextmanager
def blamed(who: str) -> Iterator[None]:
    """Say whose an error is that is none of yamkit's.

    Raises
    ------
    BrokenPluginError
        In place of any other exception.
    """
    try:
        yield
    except YamkitError:
        raise
    except Exception as error:
        raise BrokenPluginError(f"{who} failed: {described(error)}") from error
