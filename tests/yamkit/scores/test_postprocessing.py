"""Postprocessing: calibration, roll-up and thresholds of single classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.yamkit.scores.calibrations import CALIBRATION, CLASSES
from yamkit.scores.grid import Grid
from yamkit.scores.postprocessing import Postprocessing
from yamkit.types import EventParameters, Peak, Tag


def test_scores_are_calibrated_then_rolled_up() -> None:
    postprocessing = Postprocessing(CALIBRATION, ((0,), (1, 2), (2,)), {1: 0.9})
    scores = np.array([[0.3, 0.5, 0.6]], np.float32)
    assert postprocessing.apply(scores)[0].tolist() == [pytest.approx(0.3), 1.0, 1.0]
    assert postprocessing.score_kind == "calibrated"
    assert postprocessing.levels(3, 0.5).tolist() == [0.5, 0.9, 0.5]
    assert len(postprocessing.thresholds_sha256) == 64
    plain = Postprocessing()
    assert plain.apply(scores) is scores
    assert (plain.score_kind, plain.thresholds_sha256) == ("raw", "")


@pytest.mark.parametrize("rolls_up", [False, True])
@pytest.mark.parametrize(
    ("unit", "aggregate", "is_known"),
    [
        ("clip", "mean", False),
        ("clip", "sounding", False),
        ("clip", "max", True),
        ("cell", "mean", True),
        ("cell", "max", True),
    ],
)
def test_peaks_are_calibrated_by_what_was_fitted_to_single_patches(
    unit: str, aggregate: str, is_known: bool, rolls_up: bool
) -> None:
    roll_up = ((0,), (1,), (2,)) if rolls_up else None
    postprocessing = Postprocessing(replace(CALIBRATION, unit=unit, aggregate=aggregate), roll_up)
    scores, starts = np.array([0.3, 0.5, 0.6], np.float32), np.array([0.0, 0.48, 0.96])
    tags = tuple(Tag(each.index, each.mid, each.name, 0.5) for each in CLASSES[1:])
    found = postprocessing.peaks(scores, starts, tags)
    if is_known:
        mapped = postprocessing.apply(scores[np.newaxis])[0]
        assert found == (Peak(float(mapped[1]), 0.48), Peak(float(mapped[2]), 0.96))
    else:
        assert found == ()


def test_a_class_with_its_own_threshold_is_left_at_the_same_ratio() -> None:
    grid = Grid(10, 20, 10)
    postprocessing = Postprocessing(thresholds={0: 0.9, 2: 0.0})
    detector = postprocessing.detector(
        grid, EventParameters(0.6, 0.2), CLASSES, np.array([0, 1, 2])
    )
    assert detector._enter.tolist() == [0.9, 0.6, 0.0]
    assert detector._leave.tolist() == pytest.approx([0.3, 0.2, 0.0])
