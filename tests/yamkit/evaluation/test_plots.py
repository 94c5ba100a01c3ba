"""Plots: they show correct counts, and names cannot break them."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.yamkit.evaluation.reports import set_report
from yamkit.errors import MissingRequirementError
from yamkit.evaluation import evaluate
from yamkit.evaluation.plots import classes_to_name, confusion, plot_confusion, plot_curves


def test_confusion_by_hand() -> None:
    truth = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 0]], bool)
    scores = np.array([[0.9, 0, 0.1], [0.2, 0, 0.3], [0.5, 0.5, 0.5], [0.1, 0.9, 0], [0, 0, 1]])
    assert confusion(truth, scores).tolist() == [[1, 1, 0], [1, 0, 1]]


@pytest.mark.parametrize("classes", [2, 30, 300])
@pytest.mark.long(reason="many random problems")
def test_plots_are_drawn(classes: int, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    given, path = set_report(classes), tmp_path / "picture.new"
    for plot in (
        lambda: plot_curves(given, path, classes_to_name(given)),
        lambda: plot_confusion(given, path),
    ):
        plot()
        data = path.read_bytes()
        assert data.startswith(b"\x89PNG")
        assert len(data) > 5_000


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingRequirementError, match=r"pip install 'yamkit\[plots\]'"):
        plot_curves(set_report(2), tmp_path / "x.png", [0])


def test_a_class_has_the_same_colour_in_the_plots_of_all_systems(monkeypatch, tmp_path) -> None:
    figures = pytest.importorskip("matplotlib.figure")
    drawn: list[dict[str, str]] = []

    def keep(figure, *_args, **_options) -> None:
        (axes,) = figure.axes
        lines = [line for line in axes.lines if not line.get_label().startswith("_")]
        drawn.append({line.get_label().split(" (")[0]: line.get_color() for line in lines})

    monkeypatch.setattr(figures.Figure, "savefig", keep)
    first, second = set_report(30), set_report(30)
    second = replace(second, scores=1 - second.scores)
    second = replace(
        second,
        report=evaluate(second.truth, second.scores, [each.name for each in second.report.classes]),
    )
    for item in (first, second):
        plot_curves(item, tmp_path / "x.png", classes_to_name(first))
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0].values())) == 10
