"""What the descriptors of all kinds have in common, and the API number that they state."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

__all__ = ["API_VERSION", "PluginInfo"]

API_VERSION = 1
"""Number of the protocols. It changes when a protocol changes; a new kind of plugin, or a new field
with a default in a descriptor, leaves it unchanged."""


@dataclass(frozen=True)
class PluginInfo:
    """What every descriptor states.

    Attributes
    ----------
    name : str
        What users type: lower-case letters, digits, ``-``, ``_`` and ``.``, beginning with a
        letter or digit.
    summary : str
        One line for ``yamkit plugins``.
    factory : str
        ``"package.module:Name"`` of a callable that returns the implementation.
    api : int
        The `API_VERSION` that the plugin was written for. It has no default, so that authors state
        it.
    requires : tuple of str
        Top-level modules that the implementation imports in addition to yamkit's own requirements.
        yamkit looks for them before it imports the factory, and does not import them itself.
    install : str
        The pip requirement that installs them, such as ``yamkit[keras]``.
    contract : str
        ``"package.module:Class"`` of the plugin's contract for ``yamkit plugins check``; empty if
        the contract of its kind in `yamkit.testing` is enough.
    """

    _: KW_ONLY
    name: str
    summary: str
    factory: str
    api: int
    requires: tuple[str, ...] = ()
    install: str = ""
    contract: str = ""
