"""What systems that are compared are called, in reports and in the names of files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["file_names", "system_names"]

_LONGEST = 80
_PARTS = ("model", "backend", "frontend", "resampler", "hop_seconds", "aggregate")
_NAMED_PARTS = ("channel", "stream")


def system_names(systems: Sequence[Mapping[str, str]]) -> list[str]:
    """Name systems by what they differ in.

    Parameters
    ----------
    systems : sequence of mapping of str to str
        As `yamkit.evaluation.scoring.system_of` gives them.
    """
    differing = {
        key for key in (*_PARTS, *_NAMED_PARTS) if len({each.get(key) for each in systems}) > 1
    }
    names = []
    for system in systems:
        parts = [system.get(key, "") for key in _PARTS if key in differing]
        parts += [f"{key} {system.get(key, '')}" for key in _NAMED_PARTS if key in differing]
        names.append(" ".join(parts) or system.get("model", "scores"))
    return _numbered(names, " ")


def file_names(start: str, systems: Sequence[Mapping[str, str]], suffix: str) -> list[str]:
    """Name a file of each system: by the system, where there are several.

    A name holds letters, digits, dots, dashes and underscores alone, whatever a model is called.
    """
    if len(systems) == 1:
        return [f"{start}{suffix}"]
    words = [re.sub(r"[^A-Za-z0-9._-]+", "-", name) for name in system_names(systems)]
    words = [word.strip("-.")[:_LONGEST] for word in words]
    return [f"{start}-{word}{suffix}" for word in _numbered(words, "-")]


def _numbered(names: list[str], separator: str) -> list[str]:
    if len({name.casefold() for name in names}) == len(names):
        return names
    return [f"{name}{separator}{number}" for number, name in enumerate(names, start=1)]
