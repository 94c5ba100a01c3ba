"""The entry points that ``YAMKIT_PLUGINS`` selects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from yamkit.errors import ParameterError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["provenance", "select"]


def select(points: list[EntryPoint], selection: str | None) -> set[EntryPoint]:
    """Return the entry points that a selection loads; see `discover`."""
    if selection is None:
        return set(points)

    def matching(word: str) -> set[EntryPoint]:
        found = {p for p in points if _canonical(word) in map(_canonical, _words(p))}
        if not found:
            names = sorted({name for p in points for name in _words(p)[:2]})
            raise ParameterError(
                f"YAMKIT_PLUGINS: {word!r} is not installed; installed: {', '.join(names)}"
            )
        return found

    words = [word.strip() for word in selection.split(",") if word.strip()]
    included = [matching(word) for word in words if not word.startswith("-")]
    excluded = [matching(word[1:]) for word in words if word.startswith("-")]
    start = set().union(*included) if included or not excluded else set(points)
    return start.difference(*excluded)


def _canonical(word: str) -> str:
    """Return a name in the form in which pip compares names."""
    return re.sub(r"[-_.]+", "-", word).lower()


def _words(point: EntryPoint) -> tuple[str, str, str]:
    """Return the words that select an entry point."""
    distribution = provenance(point)[0]
    return point.name, distribution, f"{distribution}:{point.name}"


def provenance(point: EntryPoint) -> tuple[str, str]:
    """Return name and version of the distribution; ``unknown`` if its metadata is damaged."""
    try:
        assert point.dist is not None
        return point.dist.name or "unknown", point.dist.version or "unknown"
    except Exception:  # damaged metadata may raise any parse error
        return "unknown", "unknown"
