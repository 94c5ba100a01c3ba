"""Measure a tagger on labelled sets.

`evaluate` works on arrays alone, `evaluate_set` on a list of labels and a folder of audio;
`metrics` holds the figures of the field as pure functions. ``yamkit eval`` is the command.
"""

from __future__ import annotations

from yamkit.evaluation import metrics
from yamkit.evaluation._evaluate import (
    METRICS,
    ClassReport,
    Figure,
    Report,
    difference,
    evaluate,
)
from yamkit.evaluation._past_end import PastEnd
from yamkit.evaluation._set import (
    Coverage,
    SetReport,
    common_targets,
    evaluate_scores,
    evaluate_set,
    past_end,
    score_set,
)

__all__ = [
    "METRICS",
    "ClassReport",
    "Coverage",
    "Figure",
    "PastEnd",
    "Report",
    "SetReport",
    "common_targets",
    "difference",
    "evaluate",
    "evaluate_scores",
    "evaluate_set",
    "metrics",
    "past_end",
    "score_set",
]
