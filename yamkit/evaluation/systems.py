"""Systems: the model and parameters that scores depend on, and their names in reports and files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from yamkit.run.info import fingerprint, run_info
from yamkit.scores.choice import Choice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from yamkit.tagger import Tagger

__all__ = ["file_names", "system_names", "system_of"]

_LONGEST = 80
_PARTS = ("model", "backend", "frontend", "resampler", "hop_seconds", "aggregate")
_NAMED_PARTS = ("channel", "stream")


def system_of(tagger: Tagger) -> dict[str, str]:
    """Return the model and the parameters that the scores of a tagger depend on."""
    found = fingerprint(run_info(tagger, Choice()))
    stream = "default" if tagger.options.stream is None else found["stream"]
    keys = ("model", "model_sha256", *_PARTS[1:], "channel")
    return {**{key: found[key] for key in keys}, "stream": stream}


def system_names(systems: Sequence[Mapping[str, str]]) -> list[str]:
    """Name systems by the parameters in which they differ.

    Parameters
    ----------
    systems : sequence of mapping of str to str
        See `system_of`.
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
    """Name one file per system: after the system, if there are several.

    Names contain only letters, digits, dots, dashes and underscores, whatever a model is called.
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
