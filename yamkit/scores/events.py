"""The events of a clip, in the order of their onsets."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from yamkit.scores.detector import ClosedEvent

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from yamkit.scores.detector import EventDetector, OpenedEvent

__all__ = ["OnsetOrder", "find_events"]


class OnsetOrder:
    """Sorts events by onset while they end.

    An open event, or a run of scores above ``leave`` that may become one, holds back the events
    that started after it: memory grows with the number of events held back.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, ClosedEvent]] = []

    def update(
        self, changes: Iterator[OpenedEvent | ClosedEvent], detector: EventDetector
    ) -> Iterator[ClosedEvent]:
        """Add what a detector has found, and yield the events that no earlier one can precede."""
        for change in changes:
            if isinstance(change, ClosedEvent) and not change.is_void:
                heapq.heappush(self._waiting, (change.onset_sample, change.column, change))
        first_open = detector.first_open_sample
        while self._waiting and self._waiting[0][0] < first_open:
            yield heapq.heappop(self._waiting)[2]


def find_events(
    detector: EventDetector, scores: NDArray[np.floating], samples: int
) -> list[ClosedEvent]:
    """Return the events of a clip whose scores are known.

    Parameters
    ----------
    detector : EventDetector
        A new one.
    scores : ndarray, float [P, C]
        Scores of all patches of the clip.
    samples : int
        Length of the clip at the model's rate.

    Returns
    -------
    list of ClosedEvent
        Sorted by onset, then by column.
    """
    order = OnsetOrder()
    found = list(order.update(detector.update(scores, samples), detector))
    found += order.update(detector.finish(samples), detector)
    return found
