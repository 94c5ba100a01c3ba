"""From patch scores to clip scores and tags, with a state that grows with the classes alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from yamkit.errors import ParameterError
from yamkit.types import Tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from yamkit.types import TagClass

__all__ = ["AGGREGATES", "ClipScores", "gathered", "top_tags"]

AGGREGATES = ("mean", "max")
"""How patches become a clip score."""


class ClipScores:
    """Running mean or maximum of patch scores.

    Parameters
    ----------
    aggregate : {"mean", "max"}
    classes : int
        C.

    Raises
    ------
    ParameterError
        If `aggregate` is neither.
    """

    def __init__(self, aggregate: str, classes: int) -> None:
        if aggregate not in AGGREGATES:
            raise ParameterError(f"aggregate {aggregate!r}: wanted one of {', '.join(AGGREGATES)}")
        self._mean = aggregate == "mean"
        self._state = np.zeros(classes, np.float64)
        self.patches = 0

    def update(self, scores: NDArray[np.float32]) -> None:
        """Take in the scores of more patches, float32 [B, C]."""
        if self._mean:
            self._state += scores.sum(axis=0, dtype=np.float64)
        else:
            np.maximum(self._state, scores.max(axis=0, initial=0), out=self._state)
        self.patches += len(scores)

    def result(self) -> NDArray[np.float32]:
        """Give the clip scores, float32 [C]; zeros before the first patch."""
        divisor = max(self.patches, 1) if self._mean else 1
        return (self._state / divisor).astype(np.float32)


def gathered(
    groups: Sequence[Sequence[int]],
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give the members of groups in one row, and where each group's begin.

    ``np.maximum.reduceat(scores[:, members], starts, axis=1)`` is then the highest of each group,
    none of which may be empty.
    """
    sizes = [len(group) for group in groups]
    members = np.fromiter((place for group in groups for place in group), np.intp, sum(sizes))
    return members, np.cumsum([0, *sizes[:-1]])


def top_tags(
    scores: NDArray[np.floating],
    classes: Sequence[TagClass],
    top: int | None,
    threshold: float | NDArray[np.floating] | None,
    chosen: NDArray[np.intp] | None = None,
) -> tuple[Tag, ...]:
    """Choose the highest classes.

    Parameters
    ----------
    scores : ndarray, float [C]
    classes : sequence of TagClass
        C rows.
    top : int or None
        At most so many; None for all.
    threshold : float, ndarray, float [C], or None
        None below this score; None for any.
    chosen : ndarray, int, optional
        Indices of the classes to choose among, ascending; None for all.

    Returns
    -------
    tuple of Tag
        Highest score first; of equal scores the lower class index first.

    Raises
    ------
    ParameterError
        If `top` is less than 1.
    """
    if top is not None and top < 1:
        raise ParameterError(f"top {top}: wanted 1 or more, or None for all")
    if threshold is not None:
        reached = scores >= threshold
        chosen = np.flatnonzero(reached) if chosen is None else chosen[reached[chosen]]
    if chosen is None:
        order = np.argsort(-scores, kind="stable")[:top]
    else:
        order = chosen[np.argsort(-scores[chosen], kind="stable")[:top]]
    return tuple(Tag(int(i), classes[i].mid, classes[i].name, float(scores[i])) for i in order)
