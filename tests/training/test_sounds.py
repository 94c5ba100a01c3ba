"""Folders of audio: collections, parts, and files that cannot be read."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from training.recipe import Data
from training.sounds import Sound, collections_of, decode, part_of
from training.teacher import label, label_clips, open_teacher
from yamkit import Tagger
from yamkit.errors import ParameterError
from yamkit.models.bundle import ModelBundle

DATA = Data(0.2, {"librosa/data": "held out"}, {}, {"never": "for validation"})


def test_collections_from_an_index_or_from_folders(audio: Path, tmp_path: Path) -> None:
    named = collections_of(audio, audio / "index.csv")
    assert named["clip3.wav"] == "collection1"
    (tmp_path / "a" / "deep").mkdir(parents=True)
    shutil.copy(audio / "clip1.wav", tmp_path / "a" / "deep" / "x.wav")
    (tmp_path / "notes.txt").write_text("no sound")
    assert collections_of(tmp_path, None) == {"a/deep/x.wav": "a"}
    (tmp_path / "bad.csv").write_text("name,source\n")
    with pytest.raises(ParameterError, match="columns file and repository"):
        collections_of(audio, tmp_path / "bad.csv")


def test_parts() -> None:
    clips = [Sound(f"{n}.wav", "some", 0, 1) for n in range(1000)]
    parts = [part_of(clip, DATA) for clip in clips]
    assert parts == [part_of(clip, DATA) for clip in clips]
    assert 150 < parts.count("validation") < 250
    assert set(parts) == {"training", "validation"}
    assert part_of(Sound("0.wav", "never", 0, 1), DATA) == "validation"
    assert {part_of(clip, Data(0.0)) for clip in clips} == {"training"}


def test_decode(audio: Path, tmp_path: Path, tiny: ModelBundle) -> None:
    said: list[str] = []
    teacher = open_teacher(tiny, 1)
    sounds = decode(audio, audio / "index.csv", DATA, teacher, tmp_path / "s.i16", said.append)
    assert len(sounds.clips) == 20
    assert len(said) == 1
    assert "broken.wav" in said[0]
    wanted, _ = soundfile.read(audio / "clip4.wav", dtype="float32")
    (clip,) = (clip for clip in sounds.clips if clip.path == "clip4.wav")
    np.testing.assert_allclose(sounds.of(clip), wanted, atol=1 / 65536)

    scores = label_clips(teacher, sounds, [sounds.clips.index(clip)])
    with Tagger(tiny) as tagger:
        tagged = tagger.tag(sounds.of(clip), 8000)
    np.testing.assert_allclose(scores[2], tagged.scores, atol=1e-6)
    window, hop = tiny.features.patch_window_samples, tiny.features.patch_hop_samples
    assert scores[1].tolist() == [hop * n for n in range(len(tagged.scores))]
    labelled = label(teacher, [sounds.of(clip)[:window], np.zeros(window, np.float32)])
    assert labelled.patches.shape == (2, 24, 20)
    found = 1 / (1 + np.exp(-labelled.logits[0].astype(np.float64)))
    np.testing.assert_allclose(found, tagged.scores[0], atol=2e-3)
    teacher.close()


def test_a_folder_without_sound(tmp_path: Path, tiny: ModelBundle) -> None:
    teacher = open_teacher(tiny, 1)
    with pytest.raises(ParameterError, match="no file in it could be decoded"):
        decode(tmp_path, None, DATA, teacher, tmp_path / "s.i16", print)
