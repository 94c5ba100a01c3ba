"""Examples of a calibration: clips with weak labels, cells with strong ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from yamkit.evaluation.fit_examples import cell_examples, clip_examples
from yamkit.evaluation.scores_file import Scores, Timeline
from yamkit.evaluation.sets.targets import Targets
from yamkit.scores.grid import Grid
from yamkit.types import LabelledClip, LabelledEvent, TagClass

CLASSES = (TagClass(0, "/m/0", "Dog"), TagClass(1, "/m/1", "Cat"))
TARGETS = Targets(("Dog", "Cat"), ((0,), (1,)), {"Dog": 0, "Cat": 1}, ())


def test_an_example_per_clip() -> None:
    clips = [LabelledClip(("a.wav",), ("Cat",)), LabelledClip(("b.wav",), ())]
    rows = {"a.wav": np.array([0.1, 0.2], "f4"), "b.wav": np.array([0.3, 0.4], "f4")}
    examples = clip_examples(clips, Scores({}, CLASSES, rows), TARGETS)
    assert (examples.scores == np.stack(list(rows.values()))).all()
    assert examples.truth.tolist() == [[False, True], [False, False]]
    assert examples.clips.tolist() == [0, 1]


@given(
    st.integers(1, 60),
    st.lists(st.tuples(st.sampled_from(["Dog", "Cat"]), st.integers(0, 70), st.integers(1, 30))),
)
def test_a_cell_has_a_label_that_covers_half_of_it(samples: int, listed) -> None:
    sounding = {name: np.zeros(200, np.bool_) for name in ("Dog", "Cat")}
    events = []
    for label, onset, length in listed:
        if 2 * onset + length <= 2 * samples:  # events past the end are refused
            sounding[label][onset : onset + length] = True
            events.append(LabelledEvent(label, onset / 10, (onset + length) / 10))
    patches = np.full((max(1, -(-(samples - 10) // 10)), 2), 0.5, np.float32)
    clip = LabelledClip(("a.wav",), ("Dog", "Cat"), events=tuple(events))
    timeline = Timeline(patches, samples)
    scores = Scores(
        {}, CLASSES, {"a.wav": patches[0]}, timelines={"a.wav": timeline}, grid=Grid(10, 20, 10)
    )
    cells = range(0, samples, 10)
    examples = cell_examples(Path("list.tsv"), [clip], scores, TARGETS)
    assert examples.scores.shape == (len(cells), 2)
    assert examples.clips.tolist() == [0] * len(cells)
    for column, name in enumerate(TARGETS.names):
        shares = [sounding[name][n : min(n + 10, samples)].mean() for n in cells]
        assert examples.truth[:, column].tolist() == [share >= 0.5 for share in shares]
