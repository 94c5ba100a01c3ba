"""The installed plugins: discovery, faults and their reasons, and the plugin that a name selects.

No plugin is named here.
"""

from __future__ import annotations

from yamkit.registry._descriptors import KINDS
from yamkit.registry._discovery import GROUP, discover, hooks_of, registry
from yamkit.registry._errors import describe, plugin_errors
from yamkit.registry._registry import Plugin, Registry, import_reference

__all__ = [
    "GROUP",
    "KINDS",
    "Plugin",
    "Registry",
    "describe",
    "discover",
    "hooks_of",
    "import_reference",
    "plugin_errors",
    "registry",
]
