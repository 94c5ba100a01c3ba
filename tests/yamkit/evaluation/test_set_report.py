"""Reports on a set: the same from a tagger as from its scores, and settings that take effect."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.yamkit.evaluation.label_lists import write_list, write_noise
from yamkit import Tagger
from yamkit.errors import LabelError, ParameterError
from yamkit.evaluation import (
    EvaluationSettings,
    Scores,
    evaluate,
    evaluate_scores,
    evaluate_set,
    read_scores,
    read_set,
)
from yamkit.types import EventParameters, TagClass

CLIPS = (("a.wav", "Dog"), ("b.wav", "Speech"), ("c.wav", "Dog"))


@pytest.mark.parametrize("layout", ["csv", "dcase-strong"])
def test_a_tagger_and_its_scores_have_the_same_report(tiny, tmp_path: Path, layout: str) -> None:
    write_noise(tmp_path, *(name for name, _ in CLIPS))
    path, kept = write_list(tmp_path, layout, *CLIPS), tmp_path / "scores.npz"
    settings = EvaluationSettings(threshold=0.2, bootstrap=10, events=EventParameters(enter=0.05))
    with Tagger(tiny, threads=1) as tagger:
        first = evaluate_set(path, tmp_path, tagger, settings, scores_file=kept)
    (second,) = evaluate_scores(read_set(path), [read_scores(kept)], settings)
    assert first.report.summary == second.report.summary
    assert first.events == second.events
    assert (first.events is None) == (layout == "csv")
    assert first.keys == second.keys == ("a.wav", "b.wav", "c.wav")
    names = [each.name for each in first.report.classes]
    plain = evaluate(first.truth, first.scores, names, threshold=0.2, bootstrap=10)
    assert plain.summary == first.report.summary
    if first.events is not None:
        assert first.events.parameters.enter == 0.05


def test_only_chosen_columns_are_evaluated(tmp_path: Path) -> None:
    labelled = read_set(write_list(tmp_path, "csv", *CLIPS))
    classes = tuple(TagClass(n, f"/m/{n}", name) for n, name in enumerate(["Dog", "Speech", "Cat"]))
    rows = {name: np.array([0.9, 0.2, 0.1], np.float32) for name, _ in CLIPS}
    scores = Scores({"model": "m"}, classes, rows)
    settings = EvaluationSettings(classes="Speech")
    (found,) = evaluate_scores(labelled, [scores], settings)
    assert [each.name for each in found.report.classes] == ["Speech"]
    settings = EvaluationSettings(label_map={"Dog": ("Dog", "Cat")})
    (found,) = evaluate_scores(labelled, [scores], settings)
    assert [each.name for each in found.report.classes] == ["Dog"]
    assert [each.label for each in found.coverage.unmapped] == ["Speech"]
    with pytest.raises(ParameterError, match="class 'Bird'"):
        evaluate_scores(labelled, [scores], EvaluationSettings(classes=("Bird",)))
    other = Scores({"model": "n"}, classes[:2], {name: row[:2] for name, row in rows.items()})
    with pytest.raises(ParameterError, match="--label-map"):
        evaluate_scores(labelled, [scores, other])


def test_unknown_labels_are_refused_before_anything_is_scored(tiny, tmp_path: Path) -> None:
    path = write_list(tmp_path, "csv", ("a.wav", "nonsense"))
    with Tagger(tiny, threads=1) as tagger, pytest.raises(LabelError, match="--label-map"):
        evaluate_set(path, tmp_path / "no folder", tagger)
