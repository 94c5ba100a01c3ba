"""Coverage: every listed clip is scored, missing, failed or pending."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from yamkit.errors import LabelError
from yamkit.evaluation.coverage import check_complete, coverage_of, scored_clips
from yamkit.evaluation.scores_file import Scores
from yamkit.evaluation.sets.labelled_set import LabelledSet
from yamkit.evaluation.sets.targets import targets_of
from yamkit.types import LabelledClip, TagClass

CLASSES = (TagClass(0, "/m/0", "Dog"), TagClass(1, "/m/1", "Cat"))
NAMES = ("a.wav", "b.wav", "c.wav", "d.wav", "e.wav")
LABELLED = LabelledSet(
    Path("list.csv"), "csv", tuple(LabelledClip((name,), ("Dog",)) for name in NAMES), ("Dog",), {}
)
ROW = np.array([0.5, 0.1], np.float32)


def scores(*scored: str, **options) -> Scores:
    return Scores({"model": "m"}, CLASSES, dict.fromkeys(scored, ROW), **options)


FIRST = scores("a.wav", "b.wav", missing={"d.wav"}, warnings={"a.wav": ("cut",)})
SECOND = scores(
    "a.wav", "c.wav", failures={"b.wav": "broken"}, missing={"d.wav"}, warnings={"a.wav": ("odd",)}
)


def test_each_clip_is_counted_once() -> None:
    covered = coverage_of(LABELLED, [FIRST, SECOND], targets_of(LABELLED, CLASSES))
    assert [clip.names[0] for clip in scored_clips(LABELLED, [FIRST, SECOND])] == ["a.wav"]
    assert (covered.listed, covered.found, covered.scored) == (5, 4, 1)
    assert covered.missing == ("d.wav",)
    assert covered.failed == {"b.wav": "broken"}
    assert covered.pending == ("c.wav", "e.wav")
    assert covered.warned == {"a.wav": ("cut", "odd")}
    parts = (covered.missing, covered.failed, covered.pending)
    assert covered.scored + sum(map(len, parts)) == covered.listed


def test_without_scores_one_reason_is_given() -> None:
    failed = scores(failures={"c.wav": "broken"})
    with pytest.raises(LabelError, match=r"list.csv: .*; c.wav: broken"):
        scored_clips(LABELLED, [failed])
    with pytest.raises(LabelError, match=r"4 of 5 clips .*; c.wav: broken; without --strict"):
        check_complete(LABELLED, scores("a.wav", failures={"c.wav": "broken"}))
    check_complete(LABELLED, scores(*NAMES))
