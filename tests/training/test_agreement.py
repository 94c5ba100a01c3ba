"""The figures, on examples worked by hand and against the definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from training.agreement import agreement, average_precision


def test_average_precision_by_hand() -> None:
    truth = np.array([True, False, True, False])
    assert average_precision(truth, np.array([4.0, 3.0, 2.0, 1.0])) == (1 + 2 / 3) / 2
    assert average_precision(truth, np.array([1.0, 2.0, 3.0, 4.0])) == (1 / 2 + 2 / 4) / 2


def test_ties_are_one_step() -> None:
    truth = np.array([True, False, False, True])
    assert average_precision(truth, np.zeros(4)) == 0.5


@given(
    npst.arrays(np.int8, st.integers(1, 30), elements=st.integers(0, 5)),
    st.randoms(use_true_random=False),
)
def test_average_precision_does_not_depend_on_the_order(scores, random) -> None:
    truth = np.array([random.random() < 0.4 for _ in scores])
    truth[0] = True
    places = list(range(len(scores)))
    random.shuffle(places)
    found = average_precision(truth, scores.astype(np.float32))
    assert found == average_precision(truth[places], scores[places].astype(np.float32))
    # the definition: recall's steps times the precision at each threshold
    total, before = 0.0, 0
    for threshold in sorted(set(scores.tolist()), reverse=True):
        chosen = scores >= threshold
        hits = int(truth[chosen].sum())
        total += (hits - before) / truth.sum() * hits / chosen.sum()
        before = hits
    assert found == pytest.approx(total)


def test_agreement_by_hand() -> None:
    teacher = np.array(
        [
            [0.9, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0],
            [0.1, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1],
            [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
        ],
        np.float32,
    )
    student = np.zeros_like(teacher)
    student[0, 0] = student[1, 1] = student[2, 1] = 1
    found = agreement(teacher, student)
    assert (found.patches, found.clear_patches, found.classes) == (3, 2, 7)
    assert found.first == pytest.approx(2 / 3)
    assert found.first_in_five == pytest.approx(2 / 3)  # the last one's choice is the sixth
    assert found.clear_first == found.clear_first_in_five == 0.5


def test_nothing_clear_gives_zero() -> None:
    low = np.full((2, 3), 0.1, np.float32)
    found = agreement(low, low)
    assert (found.clear_patches, found.clear_first, found.classes) == (0, 0.0, 0)
    assert found.mean_average_precision == 0.0
