"""Pictures: what they show is counted right, and names cannot break them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from yamkit.errors import MissingRequirementError
from yamkit.evaluation import Coverage, SetReport, evaluate
from yamkit.evaluation._plots import confusion, plot_confusion, plot_curves


def report(classes: int) -> SetReport:
    truth = np.eye(classes, dtype=bool)[np.arange(3 * classes) % classes]
    scores = np.random.default_rng(0).random(truth.shape)
    names = [f"$\\frac{{{n}}} \n" for n in range(classes)]
    return SetReport(
        labels="list",
        layout="csv",
        system={"model": "a $ sign"},
        coverage=Coverage(len(truth), len(truth), (), {}, (), ()),
        report=evaluate(truth, scores, names),
        keys=(),
        truth=truth,
        scores=scores,
    )


def test_confusion_by_hand() -> None:
    truth = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 0]], bool)
    scores = np.array([[0.9, 0, 0.1], [0.2, 0, 0.3], [0.5, 0.5, 0.5], [0.1, 0.9, 0], [0, 0, 1]])
    assert confusion(truth, scores).tolist() == [[1, 1, 0], [1, 0, 1]]


@pytest.mark.parametrize("classes", [2, 30, 300])
def test_pictures_are_drawn(classes: int, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for plot in (plot_curves, plot_confusion):
        plot(report(classes), tmp_path / "picture.new")
        data = (tmp_path / "picture.new").read_bytes()
        assert data.startswith(b"\x89PNG")
        assert len(data) > 5_000


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingRequirementError, match=r"pip install 'yamkit\[plots\]'"):
        plot_curves(report(2), tmp_path / "x.png")
