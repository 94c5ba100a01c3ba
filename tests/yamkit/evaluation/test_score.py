"""Scoring a set: in the order of the list, once per clip, and kept after an interruption."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.yamkit.evaluation.label_lists import write_list, write_noise
from yamkit import Tagger
from yamkit.errors import LabelError, OutputError
from yamkit.evaluation import read_scores, read_set, score_set


@pytest.fixture
def tagger(tiny):
    with Tagger(tiny, threads=1) as tagger:
        yield tagger


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_noise(tmp_path, "a.wav", "b.wav", "c.wav")
    return tmp_path


CLIPS = (("a.wav", "Dog"), ("b.wav", "Speech"), ("gone.wav", "Dog"), ("c.wav", "Dog"))


def test_scores_are_those_of_the_tagger(tagger, folder: Path) -> None:
    labelled = read_set(write_list(folder, "csv", *CLIPS))
    scores = score_set(labelled, folder, tagger)
    assert list(scores.rows) == ["a.wav", "b.wav", "c.wav"]
    assert (scores.missing, scores.failures, scores.timelines) == ({"gone.wav"}, {}, {})
    for name, row in scores.rows.items():
        np.testing.assert_allclose(row, tagger.tag(folder / name).clip_scores, atol=1e-6)


def test_strong_labels_keep_every_patch(tagger, folder: Path) -> None:
    labelled = read_set(write_list(folder, "dcase-strong", *CLIPS))
    scores = score_set(labelled, folder, tagger)
    assert scores.grid == tagger.grid
    assert scores.seconds(["a.wav"]) == [1.0]
    clip = tagger.tag(folder / "a.wav")
    assert scores.timelines["a.wav"].scores.shape == clip.scores.shape
    np.testing.assert_allclose(scores.rows["a.wav"], clip.clip_scores, atol=1e-6)


def test_a_second_run_scores_only_new_clips(tagger, folder: Path) -> None:
    labelled = read_set(write_list(folder, "csv", *CLIPS))
    kept, seen = folder / "scores.npz", []

    def progress(clips):
        assert [clip.key for clip in clips] == ["a.wav", "b.wav", "c.wav"][: len(clips)]
        return lambda item, is_new: seen.append(is_new)

    score_set(labelled.select(limit=2), folder, tagger, kept, progress=progress)
    assert seen == [True, True]
    seen.clear()
    found = score_set(labelled, folder, tagger, kept, progress=progress)
    assert seen == [False, False, True]
    again = read_scores(kept)
    assert list(again.rows) == list(found.rows)
    assert (again.array(["c.wav"]) == found.array(["c.wav"])).all()


def test_an_interruption_keeps_what_was_scored(tagger, folder: Path) -> None:
    labelled, kept = read_set(write_list(folder, "csv", *CLIPS)), folder / "scores.npz"

    def stop(item, is_new) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_set(labelled, folder, tagger, kept, progress=lambda clips: stop)
    assert list(read_scores(kept).rows) == ["a.wav"]


def test_with_strict_a_missing_file_stops_before_the_first_clip(tagger, folder: Path) -> None:
    labelled = read_set(write_list(folder, "csv", *CLIPS))
    with pytest.raises(LabelError, match=r"1 of the 4 files .* gone.wav; without --strict"):
        score_set(
            labelled, folder, tagger, strict=True, progress=lambda clips: pytest.fail("started")
        )


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_a_scores_file_that_cannot_be_written_is_refused_first(
    tagger, folder: Path, kind: str
) -> None:
    labelled, kept = read_set(write_list(folder, "csv", *CLIPS)), folder / "scores.npz"
    kept.mkdir() if kind == "folder" else kept.symlink_to(folder / "a.wav")
    with pytest.raises(OutputError, match="scores.npz"):
        score_set(labelled, folder, tagger, kept, progress=lambda clips: pytest.fail("started"))
