"""What is reported: derived from options by one rule, whoever gives them."""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.yamkit.scores.calibrations import CALIBRATION, CLASSES
from yamkit.errors import CalibrationError, IncompatibleError, ParameterError
from yamkit.scores.calibration_file import write_calibration
from yamkit.scores.choice import Choice
from yamkit.scores.grid import Grid
from yamkit.types import EventParameters

MODEL = SimpleNamespace(classes=CLASSES, sha256=CALIBRATION.model_sha256)
GRID = Grid(10, 20, 10)


@pytest.mark.parametrize(
    ("options", "enter", "leave"),
    [
        ({}, 0.3, 0.1),
        ({"events": {"enter": 0.05}}, 0.05, 0.0166666667),
        ({"events": {"enter": 0.6}}, 0.6, 0.2),
        ({"events": {"enter": 0.6, "leave": None}}, 0.6, 0.2),
        ({"events": {"leave": 0.02}}, 0.3, 0.02),
        ({"threshold": 0.6}, 0.6, 0.2),
        ({"threshold": np.float32(0.5)}, 0.5, 0.166666667),
        ({"threshold": 0.6, "events": {"leave": 0.5}}, 0.6, 0.5),
        ({"threshold": 0.6, "events": {"enter": 0.9}}, 0.9, 0.3),
        ({"threshold": 0.0}, 0.0, 0.0),
        ({"threshold": 1}, 1.0, 0.333333333),
    ],
)
def test_thresholds_of_events(options: dict, enter: float, leave: float) -> None:
    choice = Choice.of(MODEL, **{"events": True, **options})
    assert choice.events == EventParameters(enter, leave)
    detector = choice.detector(GRID, CLASSES)
    assert detector._enter.tolist() == [enter] * 3
    assert detector._leave.tolist() == [leave] * 3


@given(st.floats(0, 1), st.none() | st.floats(0, 1))
def test_a_choice_and_parameters_have_the_same_thresholds(enter: float, share) -> None:
    leave = None if share is None else share * enter
    parameters = EventParameters(enter, leave)
    assert Choice.of(MODEL, events={"enter": enter, "leave": leave}).events == parameters
    assert Choice.of(MODEL, events={"leave": leave}, threshold=enter).events == parameters
    assert Choice.of(MODEL, events=parameters, threshold=0.7).events == parameters
    detectors = [
        choice.detector(GRID, CLASSES)
        for choice in (Choice(events=parameters), Choice.of(MODEL, events=True, threshold=enter))
    ]
    assert detectors[0]._enter.tolist() == detectors[1]._enter.tolist()


@pytest.mark.parametrize(
    ("options", "thresholds"),
    [
        ({"calibration": "cal.csv"}, {1: 0.4, 2: 0.5}),
        ({"calibration": CALIBRATION}, {1: 0.4, 2: 0.5}),
        ({"calibration": "cal.csv", "threshold": 0.2}, {}),
        ({"calibration": "cal.csv", "events": {"enter": 0.2}}, {}),
        ({"calibration": "cal.csv", "events": {"leave": 0.01}}, {1: 0.4, 2: 0.5}),
        ({"calibration": "cal.csv", "events": False}, {}),
        ({"calibration": "cal.csv", "threshold": "own.csv"}, {0: 0.9}),
        ({"calibration": "cal.csv", "classes": [Path("own.csv")]}, {0: 0.9, 1: 0.4, 2: 0.5}),
        ({"threshold": Path("own.csv"), "events": {"enter": 0.2}}, {0: 0.9}),
        ({"classes": Path("own.csv"), "threshold": "other.csv"}, {0: 0.8}),
        ({"classes": ["Dog", Path("own.csv")]}, {0: 0.9}),
        ({"not_classes": Path("own.csv")}, {}),
    ],
)
def test_thresholds_of_single_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict, thresholds: dict
) -> None:
    monkeypatch.chdir(tmp_path)
    write_calibration(CALIBRATION, Path("cal.csv"))
    Path("own.csv").write_text("name,threshold\nSpeech,0.9\n")
    Path("other.csv").write_text("name,threshold\nSpeech,0.8\n")
    choice = Choice.of(MODEL, **{"events": True, **options})
    assert choice.postprocessing.thresholds == thresholds
    assert (choice.postprocessing.calibration is not None) == ("calibration" in options)


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ((), None),
        ("1", (1,)),
        (1, (1,)),
        (np.int64(1), (1,)),
        ("Dog", (1,)),
        ("dog", (1,)),
        ("/m/0bt9lr", (1,)),
        ("Dog/", (1, 2)),
        ("Dog,Speech", (0, 1)),
        ('Bark, "loud"', (2,)),
        (["0", 1, "Dog"], (0, 1)),
        (Path("list"), (1,)),
        (["Speech", Path("list")], (0, 1)),
    ],
)
def test_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words, chosen) -> None:
    monkeypatch.chdir(tmp_path)
    Path("list").write_text("Dog\n")
    assert Choice.of(MODEL, classes=words).classes == chosen
    if chosen is not None:
        rest = tuple(index for index in range(3) if index not in chosen)
        assert Choice.of(MODEL, not_classes=words).classes == rest


def test_tags_of_classes_with_their_own_thresholds(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("name,threshold\nSpeech,0.9\n")
    scores = np.array([0.8, 0.2, 0.6], np.float32)

    def found(**options: object) -> list[int]:
        return [tag.index for tag in Choice.of(MODEL, **options).tags(scores, CLASSES)]

    assert found() == [0, 2, 1]
    assert found(top=1) == [0]
    assert found(threshold=0.5) == [0, 2]
    assert found(threshold=tmp_path / "own.csv") == [2, 1]
    assert found(classes=tmp_path / "own.csv") == []
    assert found(classes=["0", 1]) == [0, 1]
    # with events, thresholds of classes are those of events
    assert found(threshold=tmp_path / "own.csv", events=True) == [0, 2, 1]


def test_roll_up_and_other_fields() -> None:
    choice = Choice.of(MODEL, roll_up=True, top=None, per_patch=True, strict=True)
    assert choice.postprocessing.roll_up == ((0,), (1, 2), (2,))
    assert (choice.top, choice.per_patch, choice.strict) == (None, True, True)
    assert pickle.loads(pickle.dumps(choice)) == choice


def test_a_calibration_must_fit() -> None:
    other = SimpleNamespace(classes=CLASSES, sha256="cd" * 32)
    with pytest.raises(IncompatibleError):
        Choice.of(other, calibration=CALIBRATION)
    with pytest.raises(IncompatibleError, match="--aggregate mean"):
        Choice.of(MODEL, calibration=CALIBRATION, aggregate="max")
    with pytest.raises(CalibrationError, match=r"none\.csv"):
        Choice.of(MODEL, calibration="none.csv")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top": 0}, "top 0: "),
        ({"threshold": math.inf}, "threshold inf: "),
        ({"threshold": 40.0}, "did you mean 0.4"),
        ({"events": {"enter": 0.05, "leave": 0.1}}, "leave threshold 0.1 exceeds enter .* 0.05"),
        ({"events": {"leave": 0.5}}, "leave threshold 0.5 exceeds enter threshold 0.3"),
        ({"events": {"median_cells": 2}}, "median 2: "),
        ({"events": True, "per_patch": True}, "--events or --per-patch"),
        ({"classes": "Dgo"}, "did you mean 'Dog'"),
        ({"classes": [True, 7]}, "class 7: "),
    ],
)
def test_options_out_of_range(options: dict, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Choice.of(MODEL, **options)


def test_a_choice_without_events_has_no_detector() -> None:
    with pytest.raises(ParameterError, match="events=True"):
        Choice().detector(GRID, CLASSES)


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({"top": 0}, "0"),
        ({"threshold": float("inf")}, "inf"),
        ({"threshold": 1.5}, "1.5"),
        ({"events": EventParameters(), "per_patch": True}, "--per-patch"),
    ],
)
def test_invalid_choices_are_refused(options: dict, value: str) -> None:
    with pytest.raises(ParameterError, match=value):
        Choice(**options)
