"""Fitting: known maps are recovered, and classes with too few examples are left raw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from yamkit.errors import LabelError, ParameterError
from yamkit.evaluation.fitting import FitSettings, fit_calibration
from yamkit.evaluation.scores_file import Scores, Timeline
from yamkit.evaluation.sets.labelled_set import LabelledSet
from yamkit.scores.calibration import logits
from yamkit.scores.grid import Grid
from yamkit.types import LabelledClip, LabelledEvent, TagClass

CLASSES = (TagClass(0, "/m/0", "Dog"), TagClass(1, "/m/1", "Cat"), TagClass(2, "/m/2", "Owl"))
MARK = {"model": "net", "model_sha256": "ab" * 32, "aggregate": "mean"}


def labelled(clips) -> LabelledSet:
    clips = list(clips)
    labels = tuple(sorted({label for clip in clips for label in clip.labels}))
    return LabelledSet(Path("list.csv"), "csv", tuple(clips), labels, {})


def drawn(count: int, slope: float, offset: float, seed: int = 0):
    """Clips whose label is drawn with the probability that a known map gives."""
    random = np.random.default_rng(seed)
    values = random.uniform(0.01, 0.99, (count, 3)).astype(np.float32)
    chance = 1 / (1 + np.exp(-(slope * logits(values[:, 0]) + offset)))
    clips, rows = [], {}
    for number in range(count):
        labels = ["Dog"] if random.random() < chance[number] else []
        labels += ["Cat"] if number < 4 else []
        labels += ["Owl"] if values[number, 2] < 0.4 else []
        clips.append(LabelledClip((f"{number}.wav",), tuple(labels)))
        rows[f"{number}.wav"] = values[number]
    return labelled(clips), Scores(MARK, CLASSES, rows)


def test_a_known_map_is_found_again() -> None:
    given_set, scores = drawn(4000, 1.5, -1.0)
    found = fit_calibration(given_set, scores)
    assert (found.model, found.model_sha256, found.unit, found.aggregate) == (
        "net",
        "ab" * 32,
        "clip",
        "mean",
    )
    dog, cat, owl = found.classes
    assert dog.method == "platt"
    assert dog.parameters == pytest.approx((1.5, -1.0), abs=0.15)
    assert dog.brier_calibrated < dog.brier_raw
    assert dog.positives + dog.negatives == 4000
    # four clips are too few, and the owl's scores fall where it is
    assert (cat.method, cat.positives, cat.threshold) == ("raw", 4, None)
    assert owl.method == "raw"
    assert found.raw == ("Cat", "Owl")


def test_isotonic_maps() -> None:
    given_set, scores = drawn(2000, 3.0, 0.0)
    dog = fit_calibration(given_set, scores, FitSettings("isotonic")).classes[0]
    assert dog.method == "isotonic"
    places = np.array([0.2, 0.5, 0.8])
    assert dog.apply(places) == pytest.approx(1 / (1 + np.exp(-3 * logits(places))), abs=0.1)


@pytest.mark.long(reason="many random problems")
def test_thresholds_for_a_precision() -> None:
    given_set, scores = drawn(3000, 1.5, -1.0)
    plain = fit_calibration(given_set, scores).classes[0]
    sure = fit_calibration(given_set, scores, FitSettings(precision=0.95)).classes[0]
    assert sure.threshold > plain.threshold
    assert sure.precision == pytest.approx(0.95, abs=0.04)
    assert plain.f1 > sure.f1
    never = fit_calibration(given_set, scores, FitSettings(precision=1.0)).classes[0]
    assert never.threshold is None or never.precision > 0.9


@pytest.mark.long(reason="many random problems")
def test_folds_of_the_list_are_kept() -> None:
    given_set, scores = drawn(400, 1.5, 0.0)
    in_folds = labelled(
        LabelledClip(clip.names, clip.labels, fold=str(number % 4))
        for number, clip in enumerate(given_set.clips)
    )
    first, second = FitSettings(seed=1), FitSettings(seed=2)
    assert fit_calibration(in_folds, scores, first) == fit_calibration(in_folds, scores, second)
    assert fit_calibration(given_set, scores, first) != fit_calibration(given_set, scores, second)
    # a fold without the label on the other side: nothing can be fitted there
    lonely = labelled(
        LabelledClip(clip.names, clip.labels, fold="1" if "Dog" in clip.labels else "2")
        for clip in given_set.clips
    )
    assert fit_calibration(lonely, scores).classes[0].method == "raw"


def test_several_classes_of_one_label() -> None:
    given_set, scores = drawn(400, 1.5, 0.0)
    meaning = {"Dog": ("Dog", "Owl"), "Cat": ("Owl",)}
    found = fit_calibration(given_set, scores, label_map=meaning)
    assert [(each.name, each.label) for each in found.classes] == [("Dog", "Dog"), ("Owl", "Dog")]


def test_strong_labels_are_fitted_to_cells() -> None:
    grid = Grid(10, 20, 10)
    random = np.random.default_rng(0)
    clips, timelines, rows = [], {}, {}
    for number in range(40):
        patches = np.full((9, 3), 0.1, np.float32)
        patches[3:6, 0] = random.uniform(0.6, 0.9) if number % 2 else 0.1
        events = (LabelledEvent("Dog", 3.0, 6.0),) if number % 2 else ()
        name = f"{number}.wav"
        labels = tuple(each.label for each in events)
        clips.append(LabelledClip((name,), labels, events=events))
        timelines[name] = Timeline(patches, 100)
        rows[name] = patches.mean(axis=0)
    scores = Scores(MARK, CLASSES, rows, timelines=timelines, grid=grid)
    found = fit_calibration(labelled(clips), scores)
    assert (found.unit, found.aggregate) == ("cell", "mean")
    (dog,) = found.classes
    assert (dog.positives, dog.negatives) == (20 * 3, 40 * 10 - 20 * 3)
    assert dog.f1 > 0.8
    with pytest.raises(LabelError, match="no patch scores; score the set again"):
        fit_calibration(labelled(clips), Scores(MARK, CLASSES, rows))


def test_settings_out_of_range() -> None:
    for wrong, message in (
        ({"method": "beta"}, "method 'beta': must be one of platt, isotonic"),
        ({"precision": 0.0}, "precision 0: must be"),
        ({"folds": 1}, "folds 1: must be"),
        ({"least_examples": 3}, "least examples 3: must be"),
    ):
        with pytest.raises(ParameterError, match=message):
            FitSettings(**wrong)


def test_a_set_without_scores() -> None:
    with pytest.raises(LabelError, match="none of its clips has scores"):
        fit_calibration(drawn(50, 1.0, 0.0)[0], Scores(MARK, CLASSES))
