"""An evaluation finds the events that `classify` reports."""

from __future__ import annotations

import numpy as np
import pytest

from yamkit.evaluation.events.evaluate import EventSearch, match_clips
from yamkit.evaluation.scores_file import Timeline
from yamkit.evaluation.sets.targets import Targets
from yamkit.scores.events import find_events
from yamkit.scores.grid import Grid
from yamkit.scores.postprocessing import Postprocessing
from yamkit.types import EventParameters, LabelledClip, TagClass

GRID = Grid(hop_samples=10, window_samples=20, sample_rate_hz=10)
TARGETS = Targets(("a", "b", "c"), ((0,), (1,), (2,)), {"a": 0, "b": 1, "c": 2}, ())

CLASSES = (
    TagClass(0, "/m/0jbk", "Animal"),
    TagClass(1, "/m/0bt9lr", "Dog"),
    TagClass(2, "/m/05tny_", "Bark"),
)


@pytest.mark.parametrize("most_specific", [False, True])
@pytest.mark.parametrize("own", [{}, {1: 0.6}, {0: 0.0, 2: 0.9}])
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"enter": 0.0},
        {"enter": 0.05},
        {"enter": 0.7},
        {"enter": 0.7, "leave": 0.7},
        {"enter": 0.5, "leave": 0.0},
    ],
)
@pytest.mark.long(reason="many random problems")
def test_an_evaluation_finds_the_events_of_classify(given, own, most_specific: bool) -> None:
    scores = np.random.default_rng(1).random((60, 3), np.float32)
    parameters, postprocessing = (
        EventParameters(**given, most_specific=most_specific),
        Postprocessing(thresholds=own),
    )
    clip = LabelledClip(("x.wav",), (), events=())
    search = EventSearch(TARGETS, GRID, parameters, postprocessing, CLASSES)
    (matched,) = match_clips([clip], [Timeline(scores, 600)], search)
    detector = postprocessing.detector(GRID, parameters, CLASSES, np.arange(3))
    expected = find_events(detector, scores, 600)
    assert expected
    assert [(row.onset_seconds * 10, row.offset_seconds * 10) for row in matched.estimated] == [
        (event.onset_sample, event.offset_sample) for event in expected
    ]
