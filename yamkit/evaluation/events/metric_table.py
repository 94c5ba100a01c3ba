"""The metrics of a report on events, one entry each: name in files, title in text, computation.

Reports in text, JSON and CSV follow these tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from yamkit.evaluation.events.collars import collar_based
from yamkit.evaluation.events.psds import PSDS_1, PSDS_2
from yamkit.evaluation.events.segments import segment_based

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from yamkit.evaluation.events.counts import ClipEvents, Detection
    from yamkit.evaluation.events.psds import PsdsScenario

__all__ = [
    "COUNT_METRICS",
    "DETECTION_METRICS",
    "PSDS_METRICS",
    "DetectionMetric",
    "PsdsMetric",
]


@dataclass(frozen=True)
class DetectionMetric:
    """A way to count which events were detected.

    Attributes
    ----------
    key : str
        Name in JSON and CSV.
    title : str
        In the text.
    heading : str
        Of the column with the F1 of each class, in the text.
    compute : callable
        From clips and the number of classes to a `Detection`.
    """

    key: str
    title: str
    heading: str
    compute: Callable[[Sequence[ClipEvents], int], Detection]


@dataclass(frozen=True)
class PsdsMetric:
    """A scenario of PSDS.

    Attributes
    ----------
    key : str
        Name in JSON.
    title : str
        In the text.
    scenario : PsdsScenario
    """

    key: str
    title: str
    scenario: PsdsScenario


DETECTION_METRICS = (
    DetectionMetric("segments", "segment-based (1 s)", "segment F1", segment_based),
    DetectionMetric("collars", "event-based (0.2 s)", "event F1", collar_based),
)
PSDS_METRICS = (
    PsdsMetric("psds_1", "PSDS 1", PSDS_1),
    PsdsMetric("psds_2", "PSDS 2", PSDS_2),
)
COUNT_METRICS = ("precision", "recall", "f1", "error_rate")
"""Properties of `Counts` that JSON and CSV have for each detection metric."""
