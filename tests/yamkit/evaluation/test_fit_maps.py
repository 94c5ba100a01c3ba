"""Fitted thresholds are the best by brute force; scikit-learn is optional."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.errors import MissingRequirementError
from yamkit.evaluation.fit_maps import find_fitter, fit_threshold


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
        tagged = scores >= threshold
        hits = int((tagged & truth).sum())
        return (
            2 * hits / (tagged.sum() + truth.sum()),
            hits / max(tagged.sum(), 1),
            int(tagged.sum()),
        )

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


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.split(".")[0] == "sklearn":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sklearn.isotonic", None)
    with pytest.raises(MissingRequirementError, match=r"pip install 'yamkit\[calibrate\]'"):
        find_fitter("platt")


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_scores_that_fall_with_the_label_have_no_map(method: str) -> None:
    values, truth = np.linspace(0.05, 0.95, 40), np.arange(40) < 20
    assert find_fitter(method)(values, truth) is None
    fitted = find_fitter(method)(values, ~truth)
    assert fitted is not None
    assert fitted[0] == method
