"""Fitting: known maps are found again, too few examples are left raw."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.errors import LabelError, MissingRequirementError, ParameterError
from yamkit.evaluation.fitting import FitSettings, fit_calibration, fit_threshold
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


def test_a_wanted_precision() -> None:
    given_set, scores = drawn(3000, 1.5, -1.0)
    plain = fit_calibration(given_set, scores).classes[0]
    sure = fit_calibration(given_set, scores, FitSettings(precision=0.95)).classes[0]
    assert sure.threshold > plain.threshold
    assert sure.precision == pytest.approx(0.95, abs=0.04)
    assert plain.f1 > sure.f1
    never = fit_calibration(given_set, scores, FitSettings(precision=1.0)).classes[0]
    assert never.threshold is None or never.precision > 0.9


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


@given(
    st.integers(1, 60),
    st.lists(st.tuples(st.sampled_from(["Dog", "Cat"]), st.integers(0, 70), st.integers(1, 30))),
)
def test_a_cell_counts_where_half_of_its_part_in_the_clip_sounds(samples: int, listed) -> None:
    sounding = {name: np.zeros(200, np.bool_) for name in ("Dog", "Cat")}
    events = []
    for label, onset, length in listed:
        if 2 * onset + length <= 2 * samples:  # those that lie elsewhere are refused
            sounding[label][onset : onset + length] = True
            events.append(LabelledEvent(label, onset / 10, (onset + length) / 10))
    patches = np.full((max(1, -(-(samples - 10) // 10)), 3), 0.5, np.float32)
    clip = LabelledClip(("a.wav",), ("Dog", "Cat"), events=tuple(events))
    timeline = Timeline(patches, samples)
    scores = Scores(
        MARK, CLASSES, {"a.wav": patches[0]}, timelines={"a.wav": timeline}, grid=Grid(10, 20, 10)
    )
    cells = range(0, samples, 10)
    for entry in fit_calibration(labelled([clip]), scores).classes:
        shares = [sounding[entry.name][n : min(n + 10, samples)].mean() for n in cells]
        assert entry.positives == sum(share >= 0.5 for share in shares)
        assert entry.positives + entry.negatives == len(cells)


@given(
    st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.5, 0.7, 0.9]), st.booleans()), min_size=1),
    st.sampled_from([None, 0.5, 0.75, 1.0]),
)
def test_no_threshold_is_better(examples, precision) -> None:
    scores = np.array([score for score, _ in examples])
    truth = np.array([label for _, label in examples])
    if not truth.any():
        truth[0] = True

    def figures(threshold: float) -> tuple[float, float, int]:
        said = scores >= threshold
        hits = int((said & truth).sum())
        return 2 * hits / (said.sum() + truth.sum()), hits / max(said.sum(), 1), int(said.sum())

    found = fit_threshold(scores, truth, precision)
    all_figures = [figures(level) for level in np.unique(scores)]
    if precision is None:
        assert figures(found)[0] == pytest.approx(max(each[0] for each in all_figures))
        return
    allowed = [each[2] for each in all_figures if each[1] >= precision]
    if not allowed:
        assert found is None
    else:
        assert figures(found)[1] >= precision
        assert figures(found)[2] == max(allowed)


def test_what_makes_no_sense(monkeypatch: pytest.MonkeyPatch) -> None:
    given_set, scores = drawn(50, 1.0, 0.0)
    for wrong, message in (
        ({"method": "beta"}, "method 'beta': must be one of platt, isotonic"),
        ({"precision": 0.0}, "precision 0: must be"),
        ({"folds": 1}, "folds 1: must be"),
        ({"least_examples": 3}, "least examples 3: must be"),
    ):
        with pytest.raises(ParameterError, match=message):
            FitSettings(**wrong)
    with pytest.raises(LabelError, match="none of its clips has scores"):
        fit_calibration(given_set, Scores(MARK, CLASSES))
    for name in list(itertools.chain(sys.modules)):
        if name.split(".")[0] == "sklearn":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sklearn.isotonic", None)
    with pytest.raises(MissingRequirementError, match=r"pip install 'yamkit\[calibrate\]'"):
        fit_calibration(given_set, scores)
