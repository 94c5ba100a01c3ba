"""Strong labels past the end of their clips: reported, or refused with the likely cause."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from yamkit.errors import LabelError
from yamkit.evaluation import evaluate_scores, past_end
from yamkit.evaluation.fitting import fit_calibration
from yamkit.evaluation.scores_file import Scores, Timeline
from yamkit.evaluation.sets.labelled_set import LabelledSet
from yamkit.scores.grid import Grid
from yamkit.types import LabelledClip, LabelledEvent, TagClass

CLASSES = (TagClass(0, "/m/0", "Dog"), TagClass(1, "/m/1", "Cat"))
SECONDS = 10
TIMES = [(0.0, 2.0), (1.5, 4.0), (7.0, 9.5)]


def a_set(move, clips: int = 4) -> tuple[LabelledSet, Scores]:
    """Clips of ten seconds, with three events each, whose times are moved by clip."""
    listed, timelines = [], {}
    for number in range(clips):
        events = tuple(LabelledEvent("Dog", *move(number, *times)) for times in TIMES)
        listed.append(LabelledClip((f"{number}.wav",), ("Dog",), events=events))
        random = np.random.default_rng(number)
        patches = random.random((SECONDS - 1, 2)).astype(np.float32)
        timelines[f"{number}.wav"] = Timeline(patches, SECONDS * 10)
    mark = {"model": "net", "model_sha256": "ab" * 32, "aggregate": "mean"}
    rows = {name: each.scores.mean(axis=0) for name, each in timelines.items()}
    scores = Scores(mark, CLASSES, rows, timelines=timelines, grid=Grid(10, 20, 10))
    return LabelledSet(Path("list.tsv"), "dcase-strong", tuple(listed), ("Dog",), {}), scores


WRONG = {
    "milliseconds": (lambda n, a, b: (a * 1000, b * 1000), "are the times in milliseconds?"),
    "samples": (lambda n, a, b: (a * 16000, b * 16000), "are the times numbers of samples?"),
    "samples at 48 kHz": (lambda n, a, b: (a * 48000, b * 48000), "numbers of samples?"),
    "late": (lambda n, a, b: (a + 10, b + 10), "too late by a constant of up to 10 s?"),
    "recording": (lambda n, a, b: (a + 60 * n, b + 60 * n), "those of a longer recording?"),
    "others": (lambda n, a, b: (a * 1e9, b * 1e9), "does the list belong to other clips?"),
}


@pytest.mark.parametrize("use", [lambda *a: evaluate_scores(a[0], [a[1]]), fit_calibration])
@pytest.mark.parametrize("name", WRONG)
def test_misplaced_events_are_refused_with_the_likely_cause(name: str, use) -> None:
    move, cause = WRONG[name]
    with pytest.raises(LabelError) as caught:
        use(*a_set(move))
    message = str(caught.value)
    assert cause in message
    assert message.startswith("list.tsv: ")
    assert "events lie past the end of their clips, such as Dog from " in message
    assert "which lasts 10 s" in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("share", [0.001, 0.01, 0.5, 1.0, 1.02])
def test_events_inside_their_clips_are_accepted(share: float) -> None:
    given, scores = a_set(lambda n, a, b: (a * share, b * share))
    assert past_end(given, scores) == ()
    assert evaluate_scores(given, [scores])[0].events.past_end == ()
    fit_calibration(given, scores)


def test_a_few_are_reported() -> None:
    given, scores = a_set(lambda n, a, b: (a + 9 * (n == 3), b + 9 * (n == 3)), clips=4)
    (report,) = evaluate_scores(given, [scores])
    found = report.events.past_end
    assert found == past_end(given, scores)
    assert [(each.clip, each.onset_seconds, each.is_outside) for each in found] == [
        ("3.wav", 9.0, False),
        ("3.wav", 10.5, True),
        ("3.wav", 16.0, True),
    ]
    assert [each.excess_seconds for each in found] == [1.0, 3.0, 8.5]
    # none is lost: each annotated event can be right or missed
    assert report.events.detections["collars"].overall.reference == 12
    # of segments, those past the end do not count: 4 clips of 2 + 3 + 3, less what is outside
    assert report.events.detections["segments"].overall.reference == 3 * 7 + 1


def test_a_rounded_end_is_not_reported() -> None:
    given, scores = a_set(lambda n, a, b: (a, b + 0.505))
    assert past_end(given, scores) == ()
    given, scores = a_set(lambda n, a, b: (a, b + 0.52))
    assert len(past_end(given, scores)) == 4


def test_an_endless_event_takes_no_memory() -> None:
    given, scores = a_set(lambda n, a, b: (a, 1e300 if (n, a) == (0, 0.0) else b))
    (report,) = evaluate_scores(given, [scores])
    assert len(report.events.past_end) == 1
