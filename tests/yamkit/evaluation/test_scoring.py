"""Clip scores: the tagger's own, of the labelled part, and kept for another time."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from yamkit import Tagger
from yamkit.errors import AudioError, AudioValueError, LabelError, ParameterError
from yamkit.evaluation.scoring import Part, Scores, clip_scores, fingerprint, read_scores
from yamkit.types import TagClass


@pytest.fixture
def tagger(tiny):
    with Tagger(tiny) as opened:
        yield opened


@pytest.fixture
def sound(tmp_path: Path):
    samples = np.random.default_rng(0).normal(0, 0.1, 20 * 8000).astype(np.float32)
    path = tmp_path / "sound.wav"
    soundfile.write(path, samples, 8000, subtype="FLOAT")
    return path, samples


def score(tagger: Tagger, *part) -> np.ndarray:
    ((_, found),) = clip_scores(tagger, [Part(str(part[0]), *part[1:], key="x")])
    if isinstance(found, AudioError):
        raise found
    return found


def test_scores_are_the_taggers(tagger, sound) -> None:
    path, _ = sound
    np.testing.assert_allclose(score(tagger, path), tagger.tag(path).clip_scores, atol=1e-6)


@pytest.mark.parametrize(("start", "end"), [(0.0, 10.0), (3.0, 13.0), (10.0, 20.0), (15.0, 25.0)])
def test_a_longer_file_is_cut(tagger, sound, start: float, end: float) -> None:
    path, samples = sound
    part = samples[round(start * 8000) : round(end * 8000)]
    wanted = tagger.tag(part, 8000).clip_scores
    np.testing.assert_allclose(score(tagger, path, start, end), wanted, atol=1e-6)


@pytest.mark.parametrize(("start", "end"), [(30.0, 50.0), (30.0, 49.5), (0.0, 20.0), (5.0, 60.0)])
def test_a_file_that_is_the_part_itself_is_not(tagger, sound, start: float, end: float) -> None:
    path, samples = sound
    wanted = tagger.tag(samples, 8000).clip_scores
    np.testing.assert_allclose(score(tagger, path, start, end), wanted, atol=1e-6)


def test_a_part_beyond_the_end(tagger, sound) -> None:
    path, _ = sound
    with pytest.raises(AudioValueError, match="lasts 20.0 s, the labelled part begins at 30 s"):
        score(tagger, path, 30.0, 40.0)


def test_one_bad_file_does_no_harm(tagger, sound, tmp_path: Path) -> None:
    path, _ = sound
    (tmp_path / "bad.wav").write_bytes(b"RIFF but not really")
    places = {"a": tmp_path / "bad.wav", "b": path, "c": tmp_path / "nowhere"}
    parts = [Part(str(place), key=key) for key, place in places.items()]
    found = {part.key: each for part, each in clip_scores(tagger, parts)}
    assert isinstance(found["a"], AudioError)
    assert isinstance(found["c"], AudioError)
    assert found["b"].shape == (6,)


CLASSES = (TagClass(0, "/m/0", "A"), TagClass(1, "", 'B, "b"'))
ROWS = {"ä.wav": np.array([0.1, 0.2], "f4"), "b.wav 1-2": np.array([0.3, 0.4], "f4")}


def test_a_scores_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "scores.npz"
    stamps = {"ä.wav": "7 1", "b.wav 1-2": "8 2"}
    scores = Scores({"model": "m"}, CLASSES, ROWS, stamps, {"c.wav": "broken"}, {"d.wav"})
    scores.write(path)
    found = read_scores(path)
    assert dataclasses.replace(found, rows={}) == dataclasses.replace(scores, rows={})
    assert list(found.rows) == list(ROWS)
    wanted = np.array([[0.3, 0.4], [0.1, 0.2]], np.float32)
    np.testing.assert_array_equal(found.array(["b.wav 1-2", "ä.wav"]), wanted)
    assert found.array([]).shape == (0, 2)
    assert [each.name for each in tmp_path.iterdir()] == ["scores.npz"]
    Scores({}, CLASSES).write(path)
    assert read_scores(path).rows == {}


def test_scores_of_another_run_are_refused(tagger) -> None:
    mark = fingerprint(tagger)
    scores = Scores({**mark, "backend": "numpy"}, CLASSES)
    with pytest.raises(ParameterError) as caught:
        scores.check_same(mark, Path("s.npz"))
    assert "s.npz: scores of another run: backend 'numpy' there and 'onnx' here" in str(
        caught.value
    )
    Scores(mark, CLASSES).check_same(mark, Path("s.npz"))


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array)
    return stream.getvalue()


def huge() -> bytes:
    header = {"descr": "<f4", "fortran_order": False, "shape": (2**40, 2**10)}
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue()


HEAD = {
    "schema": "yamkit-scores/1",
    "fingerprint": {},
    "classes": [["", "a"]],
    "clips": [["x", "1 1"]],
    "failures": {},
    "missing": [],
}
ONE = np.zeros((1, 1), np.float32)
STRANGE = {
    "other schema": ({**HEAD, "schema": "yamkit-scores/2"}, npy(ONE)),
    "more clips": ({**HEAD, "clips": [["x", "1"], ["y", "1"]]}, npy(ONE)),
    "a clip twice": ({**HEAD, "clips": [["x", "1"], ["x", "1"]]}, npy(np.zeros((2, 1), "f4"))),
    "clips of another kind": ({**HEAD, "clips": 3}, npy(ONE)),
    "lists for mappings": ({**HEAD, "failures": []}, npy(ONE)),
    "no head": ({}, npy(ONE)),
    "NaN": (HEAD, npy(ONE * np.nan)),
    "whole numbers": (HEAD, npy(ONE.astype(int))),
    "less than it says": (HEAD, npy(ONE)[:-1]),
    "a shape beyond memory": (HEAD, huge()),
    "objects": (HEAD, b"\x93NUMPY\x01\x00\x10\x00{'descr': '|O'}"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_files_that_are_no_scores(name: str, tmp_path: Path) -> None:
    head, array = STRANGE[name]
    path = tmp_path / "scores.npz"
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(path, "w", compression) as archive:
            archive.writestr("head.json", json.dumps(head))
            archive.writestr("scores.npy", array)
        with pytest.raises(LabelError, match="no scores file of this version of yamkit; remove"):
            read_scores(path)


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_files_that_are_nothing_of_the_kind(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "scores.npz").write_bytes(data)
    with pytest.raises(LabelError, match="no scores file of this version of yamkit; remove it"):
        read_scores(tmp_path / "scores.npz")


def test_a_head_that_may_grow_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "scores.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("head.json", json.dumps(HEAD))
        archive.writestr("scores.npy", npy(ONE))
    with pytest.raises(LabelError, match="no scores file"):
        read_scores(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("head.json", json.dumps(HEAD))
        archive.writestr("scores.npy", npy(ONE))
    assert list(read_scores(path).rows) == ["x"]


def test_numpy_reads_the_scores_too(tmp_path: Path) -> None:
    Scores({}, CLASSES, ROWS, dict.fromkeys(ROWS, "")).write(tmp_path / "scores.npz")
    with np.load(tmp_path / "scores.npz") as arrays:
        np.testing.assert_array_equal(arrays["scores"], list(ROWS.values()))


def test_scores_are_of_a_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"first")
    part = Part(str(path), key="a.wav")
    scores = Scores({}, CLASSES)
    assert not scores.has(part)
    scores.add(part, ROWS["ä.wav"])
    assert scores.has(part)
    path.write_bytes(b"second")
    assert not scores.has(part)
    path.unlink()
    assert not scores.has(part)
    scores.add(part, AudioError("gone"))
    assert (scores.rows, scores.failures) == ({}, {"a.wav": "gone"})


def test_a_scores_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="No such file"):
        read_scores(tmp_path / "scores.npz")
