"""Agreement of a student with its teacher: metrics over patches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Agreement", "agreement", "average_precision", "mean"]

_CLEAR_SCORE = 0.3
"""Teacher's score from which on a class counts as present."""


@dataclass(frozen=True)
class Agreement:
    """Metrics over patches; 0 if there is nothing to count.

    Attributes
    ----------
    patches, clear_patches : int
        All, and those where the teacher's highest score is at least 0.3.
    first, first_in_five : float
        Share of patches on which both have the same first choice; on which the student's is among
        the teacher's first five.
    clear_first, clear_first_in_five : float
        Of the clear patches: the same first choice; the student's first choice among the
        teacher's first five.
    mean_average_precision : float
        Over classes with a teacher's score of at least 0.3 somewhere, which is the truth.
    classes : int
        How many these are.
    """

    patches: int
    clear_patches: int
    first: float
    first_in_five: float
    clear_first: float
    clear_first_in_five: float
    mean_average_precision: float
    classes: int


def agreement(teacher: NDArray[np.float32], student: NDArray[np.float32]) -> Agreement:
    """Compare two taggers on the same patches.

    Parameters
    ----------
    teacher, student : ndarray, float32 [N, C]
        Scores.
    """
    first = student.argmax(axis=1)
    same = first == teacher.argmax(axis=1)
    # among the five: at most four classes are higher
    higher = (teacher > teacher[np.arange(len(first)), first, np.newaxis]).sum(axis=1)
    in_five = higher < 5
    clear = teacher.max(axis=1) >= _CLEAR_SCORE
    truth = teacher >= _CLEAR_SCORE
    present = np.flatnonzero(truth.any(axis=0))
    precisions = [average_precision(truth[:, index], student[:, index]) for index in present]
    return Agreement(
        patches=len(teacher),
        clear_patches=int(clear.sum()),
        first=mean(same),
        first_in_five=mean(in_five),
        clear_first=mean(same[clear]),
        clear_first_in_five=mean(in_five[clear]),
        mean_average_precision=mean(precisions),
        classes=len(present),
    )


def average_precision(truth: NDArray[np.bool_], scores: NDArray[np.float32]) -> float:
    """Average the precision over the positives, in the order of decreasing scores.

    Equal scores count as one step, so the result does not depend on the order of the rows
    (the definition of scikit-learn's `average_precision_score`).

    Parameters
    ----------
    truth : ndarray, bool [N]
        With at least one True.
    scores : ndarray [N]
    """
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order])
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    found = hits[ends]
    precision = found / (ends + 1)
    return float(np.sum(np.diff(found, prepend=0) * precision) / hits[-1])


def mean(values: ArrayLike) -> float:
    """Average numbers; 0 if there are none."""
    array = np.asarray(values, np.float64)
    return float(array.mean()) if len(array) else 0.0
