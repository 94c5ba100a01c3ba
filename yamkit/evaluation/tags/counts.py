"""Counts that the metrics of tags are computed from, for any number of weightings of the clips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from yamkit.evaluation.tags.ranking import LabelRanks, RankedClips

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Counts", "ScoredClips"]

_ACCURACY_RANKS = (1, 5)


@dataclass(frozen=True)
class Counts:
    """Weights of clips by label and score, for C classes and R weightings.

    Attributes
    ----------
    positives, negatives : ndarray, float64 [C, R]
        Clips with the label, and without it.
    tagged : ndarray, float64 [C, R]
        Clips whose score is at or above the threshold.
    hits : ndarray, float64 [C, R]
        Clips with the label whose score is at or above the threshold.
    label_precision_sums : ndarray, float64 [C, R]
        Sum of the label-ranking precisions of the clips with the label.
    average_precision, auc, best_f1, best_threshold : ndarray, float64 [C, R]
        What follows from the order of the clips; NaN where undefined.
    top_k : mapping of int to ndarray, float64 [R]
        By k, labels that are among the k highest scores of their clip. Empty if a clip has
        several labels; only for k less than C.
    """

    positives: Floats
    negatives: Floats
    tagged: Floats
    hits: Floats
    label_precision_sums: Floats
    average_precision: Floats
    auc: Floats
    best_f1: Floats
    best_threshold: Floats
    top_k: Mapping[int, Floats]

    @property
    def pairs(self) -> Floats:
        """Pairs of a clip with the label and one without, float64 [C, R]."""
        return self.positives * self.negatives


class ScoredClips:
    """Truth and scores, sorted once, to be counted under many weightings.

    Parameters
    ----------
    truth : ndarray, bool [N, C]
    scores : ndarray, float [N, C]
    threshold : float
    """

    def __init__(
        self, truth: NDArray[np.bool_], scores: NDArray[np.floating], threshold: float
    ) -> None:
        self._tagged = scores >= threshold
        self._ranked = [RankedClips(truth[:, n], scores[:, n]) for n in range(truth.shape[1])]
        labels = LabelRanks.of(truth, scores)
        by_class = np.argsort(labels.classes, kind="stable")
        cuts = np.searchsorted(labels.classes[by_class], np.arange(1, truth.shape[1]))
        self._labels = [
            (labels.clips[part], (labels.hits[part] / labels.ranks[part])[:, np.newaxis])
            for part in np.split(by_class, cuts)
        ]
        has_several = bool((truth.sum(axis=1) > 1).any())
        self._in_top_k = {
            k: labels.clips[labels.ranks <= k]
            for k in _ACCURACY_RANKS
            if k < truth.shape[1] and not has_several
        }

    def count(self, weights: NDArray[np.floating]) -> Counts:
        """Count clips.

        Parameters
        ----------
        weights : ndarray, float [N, R]
            How often each clip counts.
        """
        totals = weights.sum(axis=0, dtype=np.float64)
        rankings = [ranked.rank(weights, totals) for ranked in self._ranked]
        tagged, hits, sums = [], [], []
        for column, (clips, precisions) in enumerate(self._labels):
            is_tagged = self._tagged[:, column]
            own = weights[clips].astype(np.float64)
            tagged.append(weights[is_tagged].sum(axis=0, dtype=np.float64))
            hits.append(own[is_tagged[clips]].sum(axis=0))
            sums.append((own * precisions).sum(axis=0))
        return Counts(
            positives=np.array([each.positives for each in rankings]),
            negatives=np.array([each.negatives for each in rankings]),
            tagged=np.array(tagged),
            hits=np.array(hits),
            label_precision_sums=np.array(sums),
            average_precision=np.array([each.average_precision for each in rankings]),
            auc=np.array([each.auc for each in rankings]),
            best_f1=np.array([each.best_f1 for each in rankings]),
            best_threshold=np.array([each.best_threshold for each in rankings]),
            top_k={
                k: weights[clips].sum(axis=0, dtype=np.float64)
                for k, clips in self._in_top_k.items()
            },
        )
