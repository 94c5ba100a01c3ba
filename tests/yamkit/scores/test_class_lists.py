"""Files that list classes, with and without thresholds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.yamkit.scores.calibrations import CALIBRATION, CLASSES
from yamkit.errors import CalibrationError, ParameterError
from yamkit.scores.calibration_file import read_calibration, write_calibration
from yamkit.scores.class_lists import read_class_list, read_class_words, read_thresholds
from yamkit.types import TagClass


def test_thresholds_of_classes(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("﻿name,threshold\nSpeech,0.5\ndog/,0.25\nSpeech,\n", encoding="utf-8")
    assert read_thresholds(path, CLASSES) == {0: 0.5, 1: 0.25, 2: 0.25}
    write_calibration(CALIBRATION, path)
    assert read_thresholds(path, CLASSES) == {1: 0.4, 2: 0.5}
    path.write_text("mid,name,threshold\n,Dog,0.7\n/m/09x0r,,0.6\n")
    assert read_thresholds(path, CLASSES) == {0: 0.6, 1: 0.7}
    for text, error, message in (
        ("name,threshold\nSpeech,high\n", CalibrationError, "line 2: threshold 'high'"),
        (
            "name,threshold\nSpeech,nan\n",
            CalibrationError,
            "line 2: threshold 'nan'",
        ),
        ("name,threshold\nSpeech,40\n", CalibrationError, "threshold 40: .* did you mean 0.4"),
        ("name,threshold\nSpeech,-1\n", CalibrationError, "threshold -1: .* 1$"),
        ("threshold\n0.5\n", CalibrationError, "no row"),
        ("name\nSpeech\n", CalibrationError, "no column threshold"),
        ("name,threshold\nSpech,0.5\n", ParameterError, "line 2: class 'Spech'.*'Speech'"),
        ("name,threshold\n\n\nSpech,0.5\n", ParameterError, "line 4: class 'Spech'"),
    ):
        path.write_text(text)
        with pytest.raises(error, match=message):
            read_thresholds(path, CLASSES)


def test_a_list_of_classes_may_hold_thresholds(tmp_path: Path) -> None:
    path = tmp_path / "list"
    for text, chosen, thresholds in (
        ("Speech\n\n dog/ \n", (0, 1, 2), {}),
        ("Dog,Speech\n", (0, 1), {}),
        ("name\nDog\n", (1,), {}),
        ("name,threshold\nSpeech,0.5\nDog,\n", (0, 1), {0: 0.5}),
        ('"mid","threshold"\n/m/09x0r,0.5\n', (0,), {0: 0.5}),
        ("index,threshold\r\n2,0.25\r\n1,0\r\n", (1, 2), {1: 0.0, 2: 0.25}),
        ("name;threshold\r\nDog; 0.25\r\n;\r\n", (1,), {1: 0.25}),
        ("name\tthreshold\nDog\t0.25\n", (1,), {1: 0.25}),
        ("name, threshold\n Dog, 0.25\n", (1,), {1: 0.25}),
    ):
        path.write_bytes(text.encode())
        assert read_class_list(path, CLASSES) == (chosen, thresholds)
    write_calibration(CALIBRATION, path)
    assert read_class_list(path, CLASSES)[1] == read_thresholds(path, CLASSES)
    for text, error, message in (
        ("", CalibrationError, "list: "),
        ("name,threshold\n", CalibrationError, "list: "),
        ("Speech\nDogs\n", ParameterError, "list, line 2: class 'Dogs': .* did you mean 'Dog'"),
        ("name,threshold\nDog,2\n", CalibrationError, "line 2: threshold 2: "),
    ):
        path.write_text(text)
        with pytest.raises(error, match=message):
            read_class_list(path, CLASSES)
    with pytest.raises(CalibrationError, match="No such file"):
        read_class_list(tmp_path / "nowhere", CLASSES)


@pytest.mark.parametrize("text", ["-1", "2", "0_1", "nan", "1e400", "0x1"])
def test_invalid_thresholds(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.csv").write_text(f"name,threshold\nA,0.5\nB,{text}\n")
    with pytest.raises(CalibrationError, match="line 3: .*threshold"):
        read_thresholds(tmp_path / "t.csv", CLASSES)


def test_a_list_whose_first_line_is_longer_than_any_cell(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("x" * 200_000 + "\nSpeech\n")
    message = "list.txt, line 1: 200,000 characters: .* 10,000"
    with pytest.raises(CalibrationError, match=message):
        read_class_words(path)
    with pytest.raises(CalibrationError, match=message):
        read_class_list(path, (TagClass(0, "/m/0", "Speech"),))


@pytest.mark.parametrize("row", ["," * 10_001, "Dog," * 2501, "x" * 10_001])
@pytest.mark.parametrize("before", ["Dog\n", "name\nDog\n", "name,threshold\nDog,0.5\n"])
def test_rows_of_bounded_length(tmp_path: Path, before: str, row: str) -> None:
    path = tmp_path / "classes.csv"
    path.write_text(f'{before}"{row}"{",0.5" * ("threshold" in before)}\n')
    number = before.count("\n") + 1
    functions = [lambda: read_class_words(path), lambda: read_class_list(path, CLASSES)]
    if "threshold" in before:
        functions.append(lambda: read_thresholds(path, CLASSES))
    for function in functions:
        with pytest.raises(CalibrationError, match=f"classes.csv, line {number}: 10,00. char"):
            function()


def test_lines_of_bounded_length(tmp_path: Path) -> None:
    path = tmp_path / "classes.csv"
    path.write_text("name,threshold\nDog,0.5\n" + (1 << 18) * "," + "\n")
    message = "classes.csv, line 3: 262,145 characters: .* 262,144"
    for function in (read_calibration, read_class_words):
        with pytest.raises(CalibrationError, match=message):
            function(path)
