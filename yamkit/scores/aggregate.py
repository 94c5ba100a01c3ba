"""From scores of patches to scores of clips and tags; memory does not grow with the clip."""

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
"""How the scores of patches become that of the clip."""

_LEAST_WEIGHT = 1e-6
"""Below this mean weight every patch is silent: scores near 1 are not more exact."""


def check_aggregate(aggregate: str, silence: int | None, model: str) -> None:
    """Check that an aggregate exists and is possible with a model.

    Parameters
    ----------
    aggregate : str
    silence : int or None
        Index of the silence class.
    model : str
        Name of the model.

    Raises
    ------
    ParameterError
    """
    if aggregate not in AGGREGATES:
        raise ParameterError(f"aggregate {aggregate!r}: must be one of {', '.join(AGGREGATES)}")
    if aggregate == "sounding" and silence is None:
        raise ParameterError(
            f"aggregate 'sounding': {model} names no silence class: install the model again with "
            '--replace, or add one to its model.toml: silence = "Silence"'
        )


class ClipScores:
    """Running mean or maximum of patch scores.

    Parameters
    ----------
    aggregate : {"mean", "max", "sounding"}
        ``sounding``: the mean of patches, each weighted by 1 minus its score of silence; the plain
        mean if all weights are close to zero.
    classes : int
        C.
    silence : int or None
        Index of the silence class; required by ``sounding``.
    """

    def __init__(self, aggregate: str, classes: int, silence: int | None = None) -> None:
        check_aggregate(aggregate, silence, "the model")
        self._aggregate, self._silence = aggregate, silence
        self._state = np.zeros(classes, np.float64)
        self._weighted = np.zeros(classes, np.float64)
        self._weight = 0.0
        self.patches = 0

    def update(self, scores: NDArray[np.float32]) -> None:
        """Add the scores of further patches, float32 [B, C]."""
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
        """Return the clip scores, float32 [C]; zeros before the first patch."""
        if self._weight > _LEAST_WEIGHT * self.patches:
            return (self._weighted / self._weight).astype(np.float32)
        divisor = 1 if self._aggregate == "max" else max(self.patches, 1)
        return (self._state / divisor).astype(np.float32)


class Peaks:
    """Running maximum of each class, and the first patch that has it.

    Attributes
    ----------
    scores : ndarray, float32 [C]
        -1 before the first patch.
    start_samples : ndarray, int64 [C]
        First sample of each of these patches, at the model's rate.
    """

    def __init__(self, classes: int) -> None:
        self.scores = np.full(classes, -1.0, np.float32)
        self.start_samples = np.zeros(classes, np.int64)

    def update(self, scores: NDArray[np.float32], start_samples: NDArray[np.int64]) -> None:
        """Add further patches: their scores, float32 [B, C], and first samples, int64 [B]."""
        places = scores.argmax(axis=0)
        highest = scores[places, np.arange(scores.shape[1])]
        is_higher = highest > self.scores
        self.scores[is_higher] = highest[is_higher]
        self.start_samples[is_higher] = start_samples[places[is_higher]]


def gathered(
    groups: Sequence[Sequence[int]],
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the members of all groups in one array, and the start of each group in it.

    ``np.maximum.reduceat(scores[:, members], starts, axis=1)`` is then the maximum of each group.
    No group may be empty.
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
    """Return the classes with the highest scores.

    Parameters
    ----------
    scores : ndarray, float [C]
    classes : sequence of TagClass
        C rows.
    top : int or None
        Largest number of tags; None for all.
    threshold : float, ndarray, float [C], or None
        Lowest score; None for any.
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
        raise ParameterError(f"top {top}: must be 1 or more, or None for all")
    if threshold is not None:
        reached = scores >= threshold
        chosen = np.flatnonzero(reached) if chosen is None else chosen[reached[chosen]]
    if chosen is None:
        order = np.argsort(-scores, kind="stable")[:top]
    else:
        order = chosen[np.argsort(-scores[chosen], kind="stable")[:top]]
    return tuple(Tag(int(i), classes[i].mid, classes[i].name, float(scores[i])) for i in order)
