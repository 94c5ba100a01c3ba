"""Calibrations: how scores are mapped, and which models they fit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.yamkit.scores.calibrations import CALIBRATION, ISOTONIC, PLATT, RAW
from yamkit.errors import IncompatibleError
from yamkit.scores.calibration import logits


def test_scores_are_mapped() -> None:
    scores = np.array([[0.3, 0.5, 0.15], [0.7, 0.0, 0.9]], np.float32)
    found = CALIBRATION.apply(scores)
    assert found.dtype == np.float32
    assert found[:, 0].tolist() == scores[:, 0].tolist()
    assert found[0, 1] == pytest.approx(1 / (1 + np.exp(-1.0)))
    assert found[1, 1] == pytest.approx(
        1 / (1 + np.exp(-(2 * logits(np.array(1e-7)) + 1))), abs=1e-9
    )
    assert found[:, 2] == pytest.approx([0.25, 1.0])
    assert scores[0, 1] == 0.5
    assert CALIBRATION.thresholds == {1: 0.4, 2: 0.5}
    assert CALIBRATION.raw == ("Speech",)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_maps_never_fall(values: list[float]) -> None:
    ordered = np.array(sorted(values))
    for entry in (PLATT, ISOTONIC, RAW):
        mapped = entry.apply(ordered)
        assert (np.diff(mapped) >= 0).all()
        assert mapped.min() >= 0
        assert mapped.max() <= 1


def test_a_calibration_belongs_to_its_model() -> None:
    CALIBRATION.check("ab" * 32, 3, "mean")
    CALIBRATION.check("ab" * 32, 3)
    with pytest.raises(IncompatibleError, match="net .*yamkit calibrate"):
        CALIBRATION.check("cd" * 32, 3)
    with pytest.raises(IncompatibleError, match="class 2, .* 2 classes"):
        CALIBRATION.check("ab" * 32, 2)
    with pytest.raises(IncompatibleError, match="use --aggregate mean"):
        CALIBRATION.check("ab" * 32, 3, "max")
    dataclasses.replace(CALIBRATION, unit="cell").check("ab" * 32, 3, "max")


@pytest.mark.parametrize(
    "parameters", [(1e9, 1e9), (1e9, -1e9), (0.0, 1e9), (0.0, 0.0), (1e9, 0.0)]
)
def test_steep_maps_stay_within_0_and_1_and_warn_of_nothing(parameters) -> None:
    steep = dataclasses.replace(
        CALIBRATION.classes[0], method="platt", parameters=parameters, threshold=0.5
    )
    found = steep.apply(np.array([0.0, 1e-9, 0.5, 1 - 1e-9, 1.0]))
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found) >= 0).all()
