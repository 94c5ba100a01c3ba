"""A small report on a set, for tests of what is made of reports."""

from __future__ import annotations

import numpy as np

from yamkit.evaluation import Coverage, SetReport, evaluate

__all__ = ["set_report"]


def set_report(classes: int, *, bootstrap: int = 0) -> SetReport:
    """Return a report on three clips per class, whose names contain formulas and line breaks."""
    truth = np.eye(classes, dtype=bool)[np.arange(3 * classes) % classes]
    scores = np.random.default_rng(0).random(truth.shape)
    names = [f"$\\frac{{{n}}} \n" for n in range(classes)]
    return SetReport(
        labels="list",
        layout="csv",
        system={"model": "a $ sign"},
        coverage=Coverage(len(truth), len(truth), (), {}, (), ()),
        report=evaluate(truth, scores, names, bootstrap=bootstrap),
        keys=(),
        truth=truth,
        scores=scores,
    )
