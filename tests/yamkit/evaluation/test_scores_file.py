"""The scores file: written, read again, and refused if it is invalid."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from yamkit.errors import LabelError
from yamkit.evaluation.scores_file import Scores, Timeline, read_scores
from yamkit.types import TagClass

CLASSES = (TagClass(0, "/m/0", "A"), TagClass(1, "", 'B, "b"'))
ROWS = {"ä.wav": np.array([0.1, 0.2], "f4"), "b.wav 1-2": np.array([0.3, 0.4], "f4")}


def test_a_scores_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "scores.npz"
    warnings = {"ä.wav": ("cut", "odd")}
    scores = Scores(
        {"model": "m"}, CLASSES, ROWS, {"c.wav": "broken"}, {"d.wav"}, warnings=warnings
    )
    scores.write(path)
    found = read_scores(path)
    assert dataclasses.replace(found, rows={}) == dataclasses.replace(scores, rows={})
    assert list(found.rows) == list(ROWS)
    expected = np.array([[0.3, 0.4], [0.1, 0.2]], np.float32)
    np.testing.assert_array_equal(found.array(["b.wav 1-2", "ä.wav"]), expected)
    assert found.array([]).shape == (0, 2)
    assert [each.name for each in tmp_path.iterdir()] == ["scores.npz"]
    Scores({}, CLASSES).write(path)
    assert read_scores(path).rows == {}


def test_files_of_earlier_versions_have_no_warnings(tmp_path: Path) -> None:
    path = tmp_path / "scores.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("head.json", json.dumps(HEAD))
        archive.writestr("scores.npy", npy(ONE))
    assert read_scores(path).warnings == {}


def test_with_strict_a_clip_with_warnings_fails() -> None:
    timelines = {key: Timeline(row[np.newaxis], 8000) for key, row in ROWS.items()}
    scores = Scores(
        {}, CLASSES, ROWS, {"c.wav": "broken"}, timelines=timelines, warnings={"ä.wav": ("a", "b")}
    )
    strict = scores.strict()
    assert strict.failures == {"c.wav": "broken", "ä.wav": "a; b"}
    assert list(strict.rows) == list(strict.timelines) == ["b.wav 1-2"]
    assert strict.warnings == {}
    assert list(scores.rows) == list(ROWS)


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
    "schema": "yamkit-scores/2",
    "fingerprint": {},
    "classes": [["", "a"]],
    "clips": ["x"],
    "failures": {},
    "missing": [],
}
ONE = np.zeros((1, 1), np.float32)
STRANGE = {
    "other schema": ({**HEAD, "schema": "yamkit-scores/X"}, npy(ONE)),
    "more clips": ({**HEAD, "clips": ["x", "y"]}, npy(ONE)),
    "a clip twice": ({**HEAD, "clips": ["x", "x"]}, npy(np.zeros((2, 1), "f4"))),
    "clips of another kind": ({**HEAD, "clips": 3}, npy(ONE)),
    "lists for mappings": ({**HEAD, "failures": []}, npy(ONE)),
    "warnings that are a list": ({**HEAD, "warnings": ["x"]}, npy(ONE)),
    "no head": ({}, npy(ONE)),
    "NaN": (HEAD, npy(ONE * np.nan)),
    "infinite": (HEAD, npy(ONE - np.inf)),
    "more than 1": (HEAD, npy(ONE + 7)),
    "less than 0": (HEAD, npy(ONE - 1)),
    "a class with a colour": ({**HEAD, "classes": [["/m/0", "\x1b[31mA"]]}, npy(ONE)),
    "a class of C1": ({**HEAD, "classes": [["/m/0", "\x9bA"]]}, npy(ONE)),
    "a class that is no text": ({**HEAD, "classes": [["/m/0", "\ud800"]]}, npy(ONE)),
    "a class that is a number": ({**HEAD, "classes": [["/m/0", 7]]}, npy(ONE)),
    "a model with a title": ({**HEAD, "fingerprint": {"model": "\x1b]0;t\x07"}}, npy(ONE)),
    "a model that is a list": ({**HEAD, "fingerprint": {"model": ["m"]}}, npy(ONE)),
    "a reason that is a number": ({**HEAD, "failures": {"y": 7}}, npy(ONE)),
    "a clip that is a number": ({**HEAD, "clips": [7]}, npy(ONE)),
    "whole numbers": (HEAD, npy(ONE.astype(int))),
    "less than it says": (HEAD, npy(ONE)[:-1]),
    "a shape beyond memory": (HEAD, huge()),
    "objects": (HEAD, b"\x93NUMPY\x01\x00\x10\x00{'descr': '|O'}"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_invalid_files_are_refused(name: str, tmp_path: Path) -> None:
    head, array = STRANGE[name]
    path = tmp_path / "scores.npz"
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(path, "w", compression) as archive:
            archive.writestr("head.json", json.dumps(head))
            archive.writestr("scores.npy", array)
        with pytest.raises(LabelError, match=r"not a scores file .* --scores"):
            read_scores(path)


GRID = {"grid": [10, 20, 10], "timelines": [["x", 3, 40]]}
STRANGE_TIMELINES = {
    "a rate beyond numbers": {"grid": [10, 20, 10**400]},
    "no rate": {"grid": [10, 20, 0]},
    "a rate that is true": {"grid": [10, 20, True]},
    "a rate that is half": {"grid": [10, 20, 0.5]},
    "a window beyond all": {"grid": [1, 10**30, 10]},
    "a window of very many hops": {"grid": [1, 10**6, 10]},
    "two numbers": {"grid": [10, 20]},
    "a text": {"grid": "abc"},
    "more samples than patches": {"timelines": [["x", 3, 41]]},
    "samples beyond all": {"timelines": [["x", 3, 10**12]]},
    "no samples": {"timelines": [["x", 3, 0]]},
    "less patches than it says": {"timelines": [["x", 4, 40]]},
    "patches beyond memory": {"timelines": [["x", 10**12, 40]]},
    "a clip twice": {"timelines": [["x", 1, 10], ["x", 2, 10]]},
    "a clip without scores": {"timelines": [["y", 3, 40]]},
    "no timelines": {"timelines": None},
}


@pytest.mark.parametrize("name", ["good", *STRANGE_TIMELINES])
def test_invalid_timelines_are_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "scores.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        head = {**HEAD, **GRID, **STRANGE_TIMELINES.get(name, {})}
        archive.writestr("head.json", json.dumps(head))
        archive.writestr("scores.npy", npy(ONE))
        archive.writestr("patches.npy", npy(np.zeros((3, 1), np.float32)))
    if name == "good":
        assert read_scores(path).timelines["x"].samples == 40
        return
    with pytest.raises(LabelError, match=r"not a scores file .* --scores"):
        read_scores(path)


@pytest.mark.parametrize(
    "name",
    [
        "big-rate",
        "big-window",
        "control",
        "lzma-error",
        "samples-1e12",
        "samples-1e9",
        "scores7",
        "surrogate",
        "token-error",
    ],
)
def test_hostile_scores_files_are_refused(shared: Path, name: str) -> None:
    with pytest.raises(LabelError, match=r"not a scores file .* --scores"):
        read_scores(shared / "cases" / "hostile" / "scores" / f"{name}.npz")


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_other_files_are_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "scores.npz").write_bytes(data)
    with pytest.raises(LabelError, match=r"not a scores file .* --scores"):
        read_scores(tmp_path / "scores.npz")


def test_a_compressed_head_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "scores.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("head.json", json.dumps(HEAD))
        archive.writestr("scores.npy", npy(ONE))
    with pytest.raises(LabelError, match="not a scores file"):
        read_scores(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("head.json", json.dumps(HEAD))
        archive.writestr("scores.npy", npy(ONE))
    assert list(read_scores(path).rows) == ["x"]


def test_numpy_reads_the_scores(tmp_path: Path) -> None:
    Scores({}, CLASSES, ROWS).write(tmp_path / "scores.npz")
    with np.load(tmp_path / "scores.npz") as arrays:
        np.testing.assert_array_equal(arrays["scores"], list(ROWS.values()))
        assert json.loads(arrays["head.json"])["clips"] == list(ROWS)


def test_a_missing_scores_file(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="No such file"):
        read_scores(tmp_path / "scores.npz")
