"""Folders of audio: collections, parts, and files that cannot be read."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.training.small_recipe import RECIPE
from training.recipe import Data, read_recipe
from training.sounds import Sound, Sounds, collections_of, decode, part_of, with_generated
from training.synthesis import Synthesiser
from training.teacher import label, label_clips, open_teacher
from yamkit import Tagger
from yamkit.errors import ParameterError
from yamkit.models.bundle import ModelBundle

DATA = Data(
    validation_part=0.2,
    generated_clips=3,
    generated_seconds=0.5,
    held_out={"librosa/data": "held out"},
    left_out={},
    validation_only={},
)


def test_collections_from_an_index_or_from_folders(audio: Path, tmp_path: Path) -> None:
    named = collections_of(audio, audio / "index.csv", pytest.fail)
    assert named["clip3.wav"] == "collection1"
    (tmp_path / "a" / "deep").mkdir(parents=True)
    shutil.copy(audio / "clip1.wav", tmp_path / "a" / "deep" / "x.wav")
    (tmp_path / "notes.txt").write_text("no sound")
    shutil.copy(audio / "clip1.wav", tmp_path / "y.wav")
    shutil.copy(audio / "clip1.wav", tmp_path / "z.wav")
    found = collections_of(tmp_path, None, pytest.fail)
    assert found == {"a/deep/x.wav": "a", "y.wav": ".", "z.wav": "."}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"name,source\n", "columns file and repository"),
        (b"file,repository\na.wav\n", "line 2: file or repository is empty"),
        (b"file,repository\n,x\n", "line 2: file or repository is empty"),
        (b"file,repository\na.wav,x\n/etc/a.wav,x\n", "line 3: '/etc/a.wav' is outside"),
        (b"file,repository\na/../../b.wav,x\n", "outside the folder"),
        (b"file,repository\n..\\b.wav,x\n", "outside the folder"),
        (b"file,repository\nC:/b.wav,x\n", "outside the folder"),
        (b"file,repository\n\xff.wav,x\n", "not a CSV file in UTF-8"),
        (b'file,repository\n"a.wav"b,x\n', "not a CSV file in UTF-8"),
    ],
)
def test_an_index_that_is_none(tmp_path: Path, text: bytes, message: str) -> None:
    path = tmp_path / "index.csv"
    path.write_bytes(text)
    with pytest.raises(ParameterError) as caught:
        collections_of(tmp_path, path, pytest.fail)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_index_from_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "index.csv"
    path.write_bytes("\ufefffile,repository\r\nä.wav,x\r\n".encode())
    assert collections_of(tmp_path, path, pytest.fail) == {"ä.wav": "x"}


def test_parts() -> None:
    data = dataclasses.replace(DATA, validation_only={"never": "for validation"})
    clips = [Sound(f"{n}.wav", "some", 0, 1) for n in range(1000)]
    parts = [part_of(clip, data) for clip in clips]
    assert parts == [part_of(clip, data) for clip in clips]
    assert 150 < parts.count("validation") < 250
    assert set(parts) == {"training", "validation"}
    assert part_of(Sound("0.wav", "never", 0, 1), data) == "validation"
    assert part_of(Sound("caf\udce9.wav", "some", 0, 1), data) in {"training", "validation"}
    none = dataclasses.replace(DATA, validation_part=0.0)
    assert {part_of(clip, none) for clip in clips} == {"training"}


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
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.wav").write_bytes(b"RIFF but not really")
    data = dataclasses.replace(DATA, held_out={})
    said: list[str] = []
    with pytest.raises(ParameterError, match="contains no file that can be decoded"):
        decode(tmp_path, None, data, teacher, tmp_path / "s.i16", said.append)
    assert len(said) == 1
    assert "b.wav" in said[0]
    with pytest.raises(ParameterError) as caught:
        decode(tmp_path, None, DATA, teacher, tmp_path / "s.i16", print)
    assert "[data.held_out]: no collection 'librosa/data' in" in str(caught.value)
    assert str(caught.value).endswith("there are 'a'")


def test_generated_sounds_follow_the_recorded_ones(tmp_path: Path) -> None:
    recipe = read_recipe(
        RECIPE, {"data.generated_clips": "3", "data.generated_seconds": "0.5", "seed": "5"}
    )
    file = tmp_path / "s.i16"
    np.arange(100, dtype="<i2").tofile(file)
    recorded = Sound("a.wav", "a", 0, 100)
    sounds = with_generated(Sounds(file, (recorded,)), recipe, 8000)
    assert sounds.clips[0] == recorded
    assert [clip.start for clip in sounds.clips[1:]] == [100, 4100, 8100]
    assert len(sounds.samples) == 12100
    np.testing.assert_array_equal(sounds.samples[:100], np.arange(100))
    made = Synthesiser(4000, 8000).sound(recipe.random("generated", 2))
    np.testing.assert_allclose(sounds.of(sounds.clips[3]), made, atol=1 / 32768)
