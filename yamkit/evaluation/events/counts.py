"""Annotated and found events of clips, and the counts that their metrics follow from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from yamkit.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ClipEvents", "Counts", "Detection", "EventRow", "merged", "validate"]


class EventRow(NamedTuple):
    """An event.

    Attributes
    ----------
    column : int
        Column of its class.
    onset_seconds, offset_seconds : float
    """

    column: int
    onset_seconds: float
    offset_seconds: float


@dataclass(frozen=True)
class ClipEvents:
    """Annotated and found events of a clip.

    Attributes
    ----------
    reference, estimated : sequence of EventRow
    duration_seconds : float
    """

    reference: Sequence[EventRow]
    estimated: Sequence[EventRow]
    duration_seconds: float


@dataclass(frozen=True)
class Counts:
    """Counts of events or active segments, and metrics that follow from them.

    The metrics are NaN if nothing was annotated.

    Attributes
    ----------
    reference, estimated : int
        Annotated, and found.
    correct : int
    substitutions : int
        Found at the right time with a wrong class; 0 for a single class.
    """

    reference: int
    estimated: int
    correct: int
    substitutions: int = 0

    @property
    def precision(self) -> float:
        """Share of found ones that are correct; 0 if nothing was found."""
        if not self.estimated:
            return 0.0 if self.reference else math.nan
        return self.correct / self.estimated

    @property
    def recall(self) -> float:
        """Share of annotated ones that were found."""
        return self.correct / self.reference if self.reference else math.nan

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        if not self.reference:
            return math.nan
        return 2 * self.correct / (self.reference + self.estimated)

    @property
    def deletions(self) -> int:
        """Annotated ones that were neither found nor substituted."""
        return self.reference - self.correct - self.substitutions

    @property
    def insertions(self) -> int:
        """Found ones that are neither correct nor substitutions."""
        return self.estimated - self.correct - self.substitutions

    @property
    def error_rate(self) -> float:
        """Substitutions, deletions and insertions, divided by the number of annotated ones."""
        if not self.reference:
            return math.nan
        return (self.substitutions + self.deletions + self.insertions) / self.reference


@dataclass(frozen=True)
class Detection:
    """Counts of a set.

    Attributes
    ----------
    overall : Counts
        All classes together (micro).
    classes : tuple of Counts
        Each class.
    """

    overall: Counts
    classes: tuple[Counts, ...]

    @classmethod
    def of(cls, totals: NDArray[np.int64], substitutions: int) -> Detection:
        """Return the counts of a set.

        Parameters
        ----------
        totals : ndarray, int [K, 3]
            Annotated, found and correct, of each class.
        substitutions : int
        """
        reference, estimated, correct = (int(total) for total in totals.sum(axis=0))
        return cls(
            Counts(reference, estimated, correct, substitutions),
            tuple(Counts(*(int(value) for value in row)) for row in totals),
        )

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the annotated classes; a class that was never found counts as 0."""
        values = [each.f1 for each in self.classes if each.reference]
        return sum(values) / len(values) if values else math.nan


def validate(clips: Sequence[ClipEvents], classes: int) -> None:
    """Refuse invalid events.

    Parameters
    ----------
    clips : sequence of ClipEvents
    classes : int
        K.

    Raises
    ------
    ParameterError
        If a duration is not positive and finite, a column is not one of the classes, or an onset
        is negative or not before its offset.
    """
    for number, clip in enumerate(clips):
        if not (math.isfinite(clip.duration_seconds) and clip.duration_seconds > 0):
            raise ParameterError(
                f"clip {number}: duration {clip.duration_seconds} s: must be finite and more than 0"
            )
        for row in (*clip.reference, *clip.estimated):
            if not 0 <= row.column < classes:
                raise ParameterError(
                    f"clip {number}: class {row.column}: must be between 0 and {classes - 1}"
                )
            if not 0 <= row.onset_seconds < row.offset_seconds < math.inf:
                raise ParameterError(
                    f"clip {number}: an event from {row.onset_seconds} to {row.offset_seconds} s; "
                    "the onset must come before the offset"
                )


def merged(rows: Sequence[EventRow]) -> list[EventRow]:
    """Return events with overlapping ones of one class joined, sorted."""
    joined: list[EventRow] = []
    for row in sorted(rows):
        last = joined[-1] if joined else None
        if last and last.column == row.column and row.onset_seconds < last.offset_seconds:
            end = max(last.offset_seconds, row.offset_seconds)
            joined[-1] = EventRow(row.column, last.onset_seconds, end)
        else:
            joined.append(row)
    return joined
