"""The kinds of plugin, and the checks of their descriptors."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from yamkit.plugin import (
    API_VERSION,
    BackendInfo,
    FrontendInfo,
    LabelReaderInfo,
    PluginInfo,
    ResamplerInfo,
    RunnerInfo,
    SinkInfo,
)

if TYPE_CHECKING:
    from yamkit.registry._registry import Plugin

__all__ = ["HOOKS", "KINDS", "judge"]

KINDS: dict[str, tuple[str, type[PluginInfo]]] = {
    "frontend": ("yamkit_frontends", FrontendInfo),
    "backend": ("yamkit_backends", BackendInfo),
    "resampler": ("yamkit_resamplers", ResamplerInfo),
    "sink": ("yamkit_sinks", SinkInfo),
    "label reader": ("yamkit_label_readers", LabelReaderInfo),
    "runner": ("yamkit_runners", RunnerInfo),
}
"""Hook of each kind of plugin, and the descriptor that the hook yields."""

HOOKS = {hook: (kind, descriptor) for kind, (hook, descriptor) in KINDS.items()}
"""Kind of plugin of each hook, and the descriptor that the hook yields."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_FACTORY = re.compile(r"\w+(\.\w+)*:\w+(\.\w+)*")


def judge(plugin: Plugin) -> Plugin:
    """Check a descriptor, and find the packages that it requires."""
    info = plugin.info
    assert info is not None
    if reason := _fault(info, KINDS[plugin.kind][1], plugin.distribution):
        return replace(plugin, info=None, reason=reason)
    try:
        missing = [name for name in info.requires if importlib.util.find_spec(name) is None]
    except (ImportError, ValueError):
        reason = f"requires {info.requires!r}: must be names of top-level modules"
        return replace(plugin, info=None, reason=reason)
    if missing:
        command = f"pip install '{info.install}'" if info.install else "install it with pip"
        return replace(plugin, state="missing", reason=f"needs {', '.join(missing)}: {command}")
    return replace(plugin, state="ready")


def _fault(info: PluginInfo, descriptor: type[PluginInfo], distribution: str) -> str:
    """Return the fault of a descriptor; an empty string if it has none."""
    if type(info.api) is not int or info.api != API_VERSION:
        older = isinstance(info.api, int) and info.api < API_VERSION
        return (
            f"written for plugin API {info.api!r}, but this yamkit has {API_VERSION}: "
            f"pip install --upgrade {distribution if older else 'yamkit'}"
        )
    for field in fields(descriptor):
        value = getattr(info, field.name)
        if not _has_type(value, str(field.type)):
            return f"{field.name} {value!r:.80}: must have type {field.type}"
    if not _NAME.fullmatch(info.name):
        return f"name {info.name!r}: must be lower-case letters, digits, '-', '_' or '.'"
    if not _FACTORY.fullmatch(info.factory):
        return f"factory {info.factory!r}: must be 'package.module:Name'"
    return ""


def _has_type(value: object, annotation: str) -> bool:
    """Return whether a value has a type, as annotated in a descriptor."""
    if annotation == "tuple[str, ...]":
        return isinstance(value, tuple) and all(isinstance(part, str) for part in value)
    return type(value).__name__ == annotation
