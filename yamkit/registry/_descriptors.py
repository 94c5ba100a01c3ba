"""The kinds of plugin, and whether a descriptor is valid and has what it requires."""

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
"""Kind of plugin -> its hook and the descriptor the hook yields."""

HOOKS = {hook: (kind, descriptor) for kind, (hook, descriptor) in KINDS.items()}
"""Hook -> the kind of plugin and the descriptor it yields."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_FACTORY = re.compile(r"\w+(\.\w+)*:\w+(\.\w+)*")


def judge(plugin: Plugin) -> Plugin:
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
