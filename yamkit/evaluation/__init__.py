"""Measuring taggers on labelled sets: ``yamkit eval`` and ``yamkit calibrate``.

In the order of the data: `sets` reads labelled sets, `score` runs a tagger over one, and
`scores_file` keeps the scores. `tags` and `events` have the metrics, `coverage` says which clips
they include, `set_report` puts all of it together, and `report` and `plots` write it. `fitting`
fits calibrations: `fit_examples` collects examples, and `fit_maps` fits one class.
"""

from __future__ import annotations

from yamkit.evaluation.coverage import Coverage
from yamkit.evaluation.events.past_end import PastEnd, past_end
from yamkit.evaluation.fitting import FitSettings, fit_calibration
from yamkit.evaluation.score import score_set
from yamkit.evaluation.scores_file import Scores, read_scores
from yamkit.evaluation.set_report import (
    EvaluationSettings,
    SetReport,
    evaluate_scores,
    evaluate_set,
)
from yamkit.evaluation.sets.label_map import read_label_map
from yamkit.evaluation.sets.labelled_set import LabelledSet, read_set
from yamkit.evaluation.sets.targets import common_targets
from yamkit.evaluation.tags import metrics
from yamkit.evaluation.tags.evaluate import ClassReport, Estimate, Report, difference, evaluate
from yamkit.evaluation.tags.metric_table import METRICS

__all__ = [
    "METRICS",
    "ClassReport",
    "Coverage",
    "Estimate",
    "EvaluationSettings",
    "FitSettings",
    "LabelledSet",
    "PastEnd",
    "Report",
    "Scores",
    "SetReport",
    "common_targets",
    "difference",
    "evaluate",
    "evaluate_scores",
    "evaluate_set",
    "fit_calibration",
    "metrics",
    "past_end",
    "read_label_map",
    "read_scores",
    "read_set",
    "score_set",
]
