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

__all__ = ["AGGREGATES", "ClipScores", "Peaks", "check_aggregate", "gathered", "top_tags"]

AGGREGATES = ("mean", "max", "sounding")
"""How patches become a clip score."""

_LEAST_WEIGHT = 1e-6
"""Below this mean weight every patch is silent; scores near 1 are no more exact."""


def check_aggregate(aggregate: str, silence: int | None, model: str) -> None:
    """Refuse a way to sum patches up that there is not, or not for a model.

    Parameters
    ----------
    aggregate : str
    silence : int or None
        Index of the class that stands for silence.
    model : str
        Name of the model.

    Raises
    ------
    ParameterError
    """
    if aggregate not in AGGREGATES:
        raise ParameterError(f"aggregate {aggregate!r}: wanted one of {', '.join(AGGREGATES)}")
    if aggregate == "sounding" and silence is None:
        raise ParameterError(
            f"aggregate 'sounding': the bundle of {model} names no class as silence; install the "
            'model again with --replace, or name one in its model.toml: silence = "Silence"'
        )


class ClipScores:
    """Running mean or maximum of patch scores.

    Parameters
    ----------
    aggregate : {"mean", "max", "sounding"}
        ``sounding``: the mean of patches, each weighted by 1 minus its score of silence; the plain
        mean where all weights are about zero.
    classes : int
        C.
    silence : int or None
        Index of the class that stands for silence; ``sounding`` needs it.
    """

    def __init__(self, aggregate: str, classes: int, silence: int | None = None) -> None:
        check_aggregate(aggregate, silence, "the model")
        self._aggregate, self._silence = aggregate, silence
        self._state = np.zeros(classes, np.float64)
        self._weighted = np.zeros(classes, np.float64)
        self._weight = 0.0
        self.patches = 0

    def update(self, scores: NDArray[np.float32]) -> None:
        """Take in the scores of more patches, float32 [B, C]."""
        if self._aggregate == "max":
            np.maximum(self._state, scores.max(axis=0, initial=0), out=self._state)
        else:
            self._state += scores.sum(axis=0, dtype=np.float64)
        if self._aggregate == "sounding":
            weights = 1.0 - scores[:, self._silence].astype(np.float64)
            self._weighted += weights @ scores.astype(np.float64)
            self._weight += float(weights.sum())
        self.patches += len(scores)

    def result(self) -> NDArray[np.float32]:
        """Give the clip scores, float32 [C]; zeros before the first patch."""
        if self._weight > _LEAST_WEIGHT * self.patches:
            return (self._weighted / self._weight).astype(np.float32)
        divisor = 1 if self._aggregate == "max" else max(self.patches, 1)
        return (self._state / divisor).astype(np.float32)


class Peaks:
    """Running maximum of each class, and the patch that has it: the first of equal ones.

    Attributes
    ----------
    scores : ndarray, float32 [C]
        -1 before the first patch.
    start_samples : ndarray, int64 [C]
        Where the patches begin, at the model's rate.
    """

    def __init__(self, classes: int) -> None:
        self.scores = np.full(classes, -1.0, np.float32)
        self.start_samples = np.zeros(classes, np.int64)

    def update(self, scores: NDArray[np.float32], start_samples: NDArray[np.int64]) -> None:
        """Take in more patches: scores float32 [B, C], and where they begin, int64 [B]."""
        places = scores.argmax(axis=0)
        highest = scores[places, np.arange(scores.shape[1])]
        is_higher = highest > self.scores
        self.scores[is_higher] = highest[is_higher]
        self.start_samples[is_higher] = start_samples[places[is_higher]]


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
