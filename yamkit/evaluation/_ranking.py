"""Counts from which the ranking metrics follow, for any number of weightings of the clips at once.

A bootstrap resample is a weighting: each clip counts as often as it was drawn. So clips are sorted
once a class, and every resample only adds weights up along that order. Clips with equal scores have
no order among themselves: they are counted as one step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["ClassFigures", "LabelRanks", "RankedClips"]

_AT_ONCE = 2**22
"""Comparisons in memory at a time."""


@dataclass(frozen=True)
class ClassFigures:
    """What the order of the clips says of one class, for R weightings; NaN where undefined.

    Attributes
    ----------
    average_precision : ndarray, float64 [R]
        NaN without positives.
    auc : ndarray, float64 [R]
        NaN without positives or without negatives.
    best_f1 : ndarray, float64 [R]
        The highest F1 of any threshold; NaN without positives.
    positives, negatives : ndarray, float64 [R]
        Weights.
    """

    average_precision: Floats
    auc: Floats
    best_f1: Floats
    positives: Floats
    negatives: Floats


class RankedClips:
    """The clips of one class by falling score.

    Parameters
    ----------
    truth : ndarray, bool [N]
    scores : ndarray, float [N]
        Finite.
    """

    def __init__(self, truth: NDArray[np.bool_], scores: NDArray[np.floating]) -> None:
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
        first = np.append(0, last[:-1] + 1)
        places = np.flatnonzero(truth[order])
        step = np.searchsorted(last, places)  # of equal scores, to which a positive belongs
        self._ends, self._starts = last[step], first[step]
        # what lies below the last positive adds nothing but to the number of negatives
        self._order = order[: self._ends[-1] + 1] if len(places) else order[:0]
        self._places = places
        self._scores = ranked[places]
        self._hits_end = np.searchsorted(places, self._ends, side="right")
        self._hits_start = np.searchsorted(places, self._starts)

    def figures(self, weights: NDArray[np.floating], totals: Floats) -> ClassFigures:
        """Compute the figures.

        Parameters
        ----------
        weights : ndarray, float [N, R]
        totals : ndarray, float64 [R]
            Their sums over the clips.
        """
        if not len(self._places):
            none = np.full(len(totals), np.nan)
            return ClassFigures(none, none, none, np.zeros(len(totals)), totals)
        own, hits, hits_before, found, found_before = self._counts(weights)
        positives = own.sum(axis=0)
        negatives = totals - positives
        below = negatives - (found - hits)
        equal = (found - hits) - (found_before - hits_before)
        with np.errstate(invalid="ignore", divide="ignore"):
            # a positive that weighs nothing may have nothing above it: 0 / 0
            precisions = np.where(own > 0, hits / found, 0)
            return ClassFigures(
                average_precision=(own * precisions).sum(axis=0) / positives,
                auc=(own * (below + 0.5 * equal)).sum(axis=0) / (positives * negatives),
                best_f1=np.where(
                    positives > 0, (2 * hits / (found + positives)).max(axis=0), np.nan
                ),
                positives=positives,
                negatives=negatives,
            )

    def best_threshold(self, weights: NDArray[np.floating]) -> float:
        """Give the score that is the best threshold by F1, the highest of equally good ones.

        Parameters
        ----------
        weights : ndarray, float [N, 1]
        """
        own, hits, _, found, _ = self._counts(weights)
        f1 = 2 * hits / (found + own.sum(axis=0))
        return float(self._scores[np.argmax(f1[:, 0])])

    def curve(self, weights: NDArray[np.floating]) -> tuple[Floats, Floats, NDArray[np.floating]]:
        """Give recall, precision and threshold at every positive, from the highest score down."""
        own, hits, _, found, _ = self._counts(weights)
        return hits[:, 0] / own.sum(), hits[:, 0] / found[:, 0], self._scores

    def _counts(self, weights: NDArray[np.floating]) -> tuple[Floats, ...]:
        """Count at every positive, float64 [P, R].

        Returns
        -------
        own
            Its weight.
        hits, hits_before
            Positives with at least its score, with a higher one.
        found, found_before
            Clips with at least its score, with a higher one.
        """
        ranked = weights[self._order]
        own = ranked[self._places]
        sums = np.cumsum(ranked, axis=0, out=ranked)
        hits = np.zeros((len(own) + 1, own.shape[1]))
        np.cumsum(own, axis=0, out=hits[1:])
        before = np.where(self._starts[:, np.newaxis] > 0, sums[self._starts - 1], 0)
        return (
            own.astype(np.float64),
            hits[self._hits_end],
            hits[self._hits_start],
            sums[self._ends].astype(np.float64),
            before.astype(np.float64),
        )


@dataclass(frozen=True)
class LabelRanks:
    """Where the labels of each clip stand among its scores; one entry a label, M in all.

    Attributes
    ----------
    clips, classes : ndarray, int64 [M]
        Which label: the clip, and the class.
    ranks : ndarray, int64 [M]
        How many classes score at least as high, itself among them.
    hits : ndarray, int64 [M]
        How many of these are labels of the clip.
    """

    clips: NDArray[np.int64]
    classes: NDArray[np.int64]
    ranks: NDArray[np.int64]
    hits: NDArray[np.int64]

    @classmethod
    def of(cls, truth: NDArray[np.bool_], scores: NDArray[np.floating]) -> LabelRanks:
        """Rank the labels of clips.

        Parameters
        ----------
        truth : ndarray, bool [N, C]
        scores : ndarray, float [N, C]
        """
        clips, classes = np.nonzero(truth)
        ranks, hits = np.empty((2, len(clips)), np.int64)
        size = max(1, _AT_ONCE // truth.shape[1])
        for start in range(0, len(clips), size):
            part = slice(start, start + size)
            rows = clips[part]
            above = scores[rows] >= scores[rows, classes[part]][:, np.newaxis]
            ranks[part] = above.sum(axis=1)
            hits[part] = (above & truth[rows]).sum(axis=1)
        return cls(clips, classes, ranks, hits)
