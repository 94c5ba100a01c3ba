"""What every kind of plugin states of itself, and the number of the protocols."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

__all__ = [
    "API_VERSION",
    "PluginInfo",
]

API_VERSION = 1
"""Number of the protocols in this package; a descriptor states the one it was written for."""


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
        The `API_VERSION` the plugin was written for. It has no default on purpose.
    requires : tuple of str
        Top-level modules the implementation imports beyond yamkit's own requirements. They are
        looked for, not imported, before the factory is.
    install : str
        The pip requirement that brings them, such as ``yamkit[keras]``.
    contract : str
        ``"package.module:Class"`` of the plugin's contract for ``yamkit plugins check``, where it
        says more than that of its kind in `yamkit.testing`; empty where it does not.
    """

    _: KW_ONLY
    name: str
    summary: str
    factory: str
    api: int
    requires: tuple[str, ...] = ()
    install: str = ""
    contract: str = ""
