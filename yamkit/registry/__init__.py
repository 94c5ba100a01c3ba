"""Discovery of plugins: who offers what, what is broken and why, and what a name stands for.

Nothing here knows the name of any plugin.
"""

from __future__ import annotations

from yamkit.registry._descriptors import KINDS
from yamkit.registry._discovery import GROUP, discover, hooks_of, registry
from yamkit.registry._errors import describe, plugin_errors
from yamkit.registry._registry import Plugin, Registry, import_entrance

__all__ = [
    "GROUP",
    "KINDS",
    "Plugin",
    "Registry",
    "describe",
    "discover",
    "hooks_of",
    "import_entrance",
    "plugin_errors",
    "registry",
]
