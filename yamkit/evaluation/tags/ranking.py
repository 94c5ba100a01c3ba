"""Clips ranked by score, and labels ranked within their clips.

A bootstrap resample is a weighting: each clip counts as often as it was drawn. So the clips of a
class are sorted once, and each resample only adds up weights in that order. Clips with equal scores
have no order: they are counted as one step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["LabelRanks", "RankedClips", "RankingMetrics"]

_AT_ONCE = 2**22
"""Comparisons in memory at a time."""


@dataclass(frozen=True)
class RankingMetrics:
    """Metrics of one class that depend only on the order of the clips, for R weightings.

    Attributes
    ----------
    average_precision : ndarray, float64 [R]
        NaN without positives.
    auc : ndarray, float64 [R]
        NaN without positives or without negatives.
    best_f1, best_threshold : ndarray, float64 [R]
        Highest F1 of any threshold, and the highest threshold that has it; NaN without positives.
    positives, negatives : ndarray, float64 [R]
        Weight of the clips with the label, and without it.
    """

    average_precision: Floats
    auc: Floats
    best_f1: Floats
    best_threshold: Floats
    positives: Floats
    negatives: Floats


class RankedClips:
    """The clips of one class in descending order of score.

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
        step = np.searchsorted(last, places)  # run of equal scores that a positive belongs to
        self._ends, self._starts = last[step], first[step]
        # clips below the last positive only add to the number of negatives
        self._order = order[: self._ends[-1] + 1] if len(places) else order[:0]
        self._places = places
        self._scores = ranked[places]
        self._hits_end = np.searchsorted(places, self._ends, side="right")
        self._hits_start = np.searchsorted(places, self._starts)

    def rank(self, weights: NDArray[np.floating], totals: Floats) -> RankingMetrics:
        """Compute the metrics that depend only on the order of the clips.

        Parameters
        ----------
        weights : ndarray, float [N, R]
        totals : ndarray, float64 [R]
            Sums of the weights over the clips.
        """
        if not len(self._places):
            undefined = np.full(len(totals), np.nan)
            zeros = np.zeros(len(totals))
            return RankingMetrics(undefined, undefined, undefined, undefined, zeros, totals)
        own, hits, hits_before, found, found_before = self._counts(weights)
        positives = own.sum(axis=0)
        negatives = totals - positives
        below = negatives - (found - hits)
        equal = (found - hits) - (found_before - hits_before)
        with np.errstate(invalid="ignore", divide="ignore"):
            # a positive of weight 0 may have nothing at or above it: 0 / 0
            precisions = np.where(own > 0, hits / found, 0)
            f1 = 2 * hits / (found + positives)
            best = f1.argmax(axis=0)  # the first of equal ones has the highest threshold
            best_f1 = np.take_along_axis(f1, best[np.newaxis], axis=0)[0]
            return RankingMetrics(
                average_precision=(own * precisions).sum(axis=0) / positives,
                auc=(own * (below + 0.5 * equal)).sum(axis=0) / (positives * negatives),
                best_f1=np.where(positives > 0, best_f1, np.nan),
                best_threshold=np.where(positives > 0, self._scores[best], np.nan),
                positives=positives,
                negatives=negatives,
            )

    def curve(self, weights: NDArray[np.floating]) -> tuple[Floats, Floats, NDArray[np.floating]]:
        """Return recall, precision and threshold at every positive, from the highest score down.

        Parameters
        ----------
        weights : ndarray, float [N, 1]
        """
        own, hits, _, found, _ = self._counts(weights)
        return hits[:, 0] / own.sum(), hits[:, 0] / found[:, 0], self._scores

    def _counts(self, weights: NDArray[np.floating]) -> tuple[Floats, ...]:
        """Count at every positive, float64 [P, R].

        Returns
        -------
        own
            Its weight.
        hits, hits_before
            Positives with at least its score, and with a higher one.
        found, found_before
            Clips with at least its score, and with a higher one.
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
    """Ranks of the labels of each clip among the clip's scores; one entry per label, M in all.

    Attributes
    ----------
    clips, classes : ndarray, int64 [M]
        Clip and class of each label.
    ranks : ndarray, int64 [M]
        Number of classes that score at least as high, including the label itself.
    hits : ndarray, int64 [M]
        Number of these that are labels of the clip.
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
