"""Calibrations: applied, written, read again, and refused where they are none."""

from __future__ import annotations

import csv
import dataclasses
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.errors import CalibrationError, IncompatibleError, ParameterError
from yamkit.scores.calibration import (
    Calibration,
    ClassCalibration,
    logits,
    read_calibration,
    read_class_list,
    read_class_words,
    read_thresholds,
    write_calibration,
)
from yamkit.scores.events import Grid
from yamkit.scores.postprocessing import Postprocessing
from yamkit.types import EventParameters, Peak, Tag, TagClass

CLASSES = (
    TagClass(0, "/m/09x0r", "Speech"),
    TagClass(1, "/m/0bt9lr", "Dog"),
    TagClass(2, "/m/05tny_", 'Bark, "loud"'),
)
PLATT = ClassCalibration(
    1, "/m/0bt9lr", "Dog", "dog", "platt", 40, 60, 0.4, (2.0, 1.0), 0.9, 0.8, 0.85, 0.1, 0.05
)
ISOTONIC = ClassCalibration(
    2, "/m/05tny_", 'Bark, "loud"', "bark, 1", "isotonic", 9, 9, 0.5, (0.1, 0.2, 0.6, 0.0, 0.5, 1.0)
)
RAW = ClassCalibration(0, "/m/09x0r", "Speech", "speech", "raw", 2, 98)
CALIBRATION = Calibration("net", "ab" * 32, "clip", "mean", (RAW, PLATT, ISOTONIC), "2", "3")


def test_scores_are_mapped() -> None:
    scores = np.array([[0.3, 0.5, 0.15], [0.7, 0.0, 0.9]], np.float32)
    found = CALIBRATION.apply(scores)
    assert found.dtype == np.float32
    assert found[:, 0].tolist() == scores[:, 0].tolist()
    assert found[0, 1] == pytest.approx(1 / (1 + np.exp(-1.0)))
    assert found[1, 1] == pytest.approx(
        1 / (1 + np.exp(-(2 * logits(np.array(1e-7)) + 1))), abs=1e-9
    )
    assert found[:, 2] == pytest.approx([0.25, 1.0])
    assert scores[0, 1] == 0.5
    assert CALIBRATION.thresholds == {1: 0.4, 2: 0.5}
    assert CALIBRATION.raw == ("Speech",)


def test_a_row_of_a_calibration_is_one_line_whatever_a_label_is_called(tmp_path: Path) -> None:
    entry = replace(PLATT, label="dog\n\x1b[31m\u202e")
    write_calibration(replace(CALIBRATION, classes=(entry,)), tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text(encoding="utf-8").count("\n") == 2
    (found,) = read_calibration(tmp_path / "x.csv").classes
    assert found == replace(entry, label=r"dog\n\x1b[31m\u202e")


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_maps_never_fall(values: list[float]) -> None:
    ordered = np.array(sorted(values))
    for entry in (PLATT, ISOTONIC, RAW):
        mapped = entry.apply(ordered)
        assert (np.diff(mapped) >= 0).all()
        assert mapped.min() >= 0
        assert mapped.max() <= 1


def test_a_calibration_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "ä.csv"
    write_calibration(CALIBRATION, path)
    found = read_calibration(path)
    assert found == CALIBRATION
    assert found.sha256 == CALIBRATION.sha256
    assert [each.name for each in tmp_path.iterdir()] == ["ä.csv"]
    with pytest.raises(CalibrationError, match="No such file"):
        write_calibration(CALIBRATION, tmp_path / "no" / "x.csv")


def test_a_calibration_that_names_no_channel_was_fitted_to_the_mix(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    write_calibration(CALIBRATION, path)
    with path.open(newline="") as stream:
        rows = [row[:-2] for row in csv.reader(stream)]
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    assert read_calibration(path) == dataclasses.replace(
        CALIBRATION, channel="mix", stream="default"
    )


@pytest.mark.parametrize(
    "parameters",
    [
        (),
        (0.1,),
        (-1e8, 1e8, 0.0, 1.0),
        (0.0, 5e-324, 0.0, 1.0),
        (0.2, 0.1, 0.0, 1.0),
        (0.1, 0.1, 0.0, 1.0),
        (0.1, 0.2, 1.0, 0.0),
        (0.1, 1.5),
    ],
)
def test_maps_that_do_not_rise(tmp_path: Path, parameters: tuple[float, ...]) -> None:
    path = tmp_path / "x.csv"
    entry = dataclasses.replace(ISOTONIC, parameters=parameters)
    write_calibration(dataclasses.replace(CALIBRATION, classes=(entry,)), path)
    with pytest.raises(CalibrationError, match="scores and values that rise"):
        read_calibration(path)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("schema", "yamkit-calibration/9", "another schema"),
        ("parameters", "1.0", "platt takes two parameters"),
        ("parameters", "-1.0 0.0", "the first at least 0"),
        ("parameters", "nan 0.0", "number 'nan'"),
        ("parameters", "x y", "number 'x'"),
        ("parameters", "1_0 0.0", "number '1_0'"),
        ("parameters", "1e308 1e308", r"parameters beyond 1e\+09"),
        ("parameters", "1.0 1e999", r"parameters beyond 1e\+09"),
        ("method", "raw", "method 'raw'"),
        ("method", "spline", "method 'spline'"),
        ("index", "0", "a class twice"),
        ("index", "-1", "number '-1'"),
        ("index", "1_0", "number '1_0'"),
        ("threshold", "inf", "number 'inf'"),
        ("threshold", "-1", "number '-1', wanted 0 to 1"),
        ("threshold", "2", "number '2', wanted 0 to 1"),
        ("threshold", "0_1", "number '0_1'"),
        ("threshold", "1e300", "number '1e300', wanted 0 to 1"),
        ("f1", "1.5", "number '1.5', wanted 0 to 1"),
        ("positives", "9" * 5000, "number '999"),
        ("unit", "clap", "rows of several calibrations"),
        ("model_sha256", "cd", "rows of several calibrations"),
        ("positives", "many", "number 'many'"),
    ],
)
def test_files_that_are_no_calibration(
    tmp_path: Path, column: str, value: str, message: str
) -> None:
    path = tmp_path / "x.csv"
    write_calibration(CALIBRATION, path)
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    rows[1][column] = value
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(CalibrationError, match=message):
        read_calibration(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no column schema"),
        (b"a,b\n1,2\n", "no column schema"),
        (b"\xff\xfe", "not UTF-8"),
        (b"schema,index,method,parameters,threshold\n", "no calibration of this version"),
        (b'schema,index,method,parameters,threshold\n"', "no CSV file"),
        (
            b"schema,index,method,parameters,threshold\nyamkit-calibration/1\n",
            "line 2: wanted 5 cells",
        ),
        (b"schema,index,method,parameters,threshold\n1,2,3,4,5,6\n", "line 2: wanted 5 cells"),
    ],
)
def test_strange_files(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(data)
    with pytest.raises(CalibrationError, match=message):
        read_calibration(path)


def test_a_calibration_belongs_to_its_model() -> None:
    CALIBRATION.check("ab" * 32, 3, "mean")
    CALIBRATION.check("ab" * 32, 3)
    with pytest.raises(IncompatibleError, match="fitted to another model, net"):
        CALIBRATION.check("cd" * 32, 3)
    with pytest.raises(IncompatibleError, match="has a class 2, and the model has 2 classes"):
        CALIBRATION.check("ab" * 32, 2)
    with pytest.raises(IncompatibleError, match="use --aggregate mean"):
        CALIBRATION.check("ab" * 32, 3, "max")
    dataclasses.replace(CALIBRATION, unit="cell").check("ab" * 32, 3, "max")


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
            "line 2: threshold 'nan'; wanted a number",
        ),
        ("name,threshold\nSpeech,40\n", CalibrationError, "threshold 40: .* did you mean 0.4"),
        ("name,threshold\nSpeech,-1\n", CalibrationError, "threshold -1: scores are 0 to 1$"),
        ("threshold\n0.5\n", CalibrationError, "no row with mid or name"),
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
        ("", CalibrationError, "list: lists no class"),
        ("name,threshold\n", CalibrationError, "list: lists no class"),
        ("Speech\nDogs\n", ParameterError, "list, line 2: class 'Dogs': .* did you mean 'Dog'"),
        ("name,threshold\nDog,2\n", CalibrationError, "line 2: threshold 2: scores are 0 to 1"),
    ):
        path.write_text(text)
        with pytest.raises(error, match=message):
            read_class_list(path, CLASSES)
    with pytest.raises(CalibrationError, match="No such file"):
        read_class_list(tmp_path / "nowhere", CLASSES)


def test_reading_calibrates_then_rolls_up() -> None:
    postprocessing = Postprocessing(CALIBRATION, ((0,), (1, 2), (2,)), {1: 0.9})
    scores = np.array([[0.3, 0.5, 0.6]], np.float32)
    assert postprocessing.apply(scores)[0].tolist() == [pytest.approx(0.3), 1.0, 1.0]
    assert postprocessing.score_kind == "calibrated"
    assert postprocessing.levels(3, 0.5).tolist() == [0.5, 0.9, 0.5]
    assert len(postprocessing.thresholds_sha256) == 64
    plain = Postprocessing()
    assert plain.apply(scores) is scores
    assert (plain.score_kind, plain.thresholds_sha256) == ("raw", "")


@pytest.mark.parametrize("rolls_up", [False, True])
@pytest.mark.parametrize(
    ("unit", "aggregate", "is_known"),
    [
        ("clip", "mean", False),
        ("clip", "sounding", False),
        ("clip", "max", True),
        ("cell", "mean", True),
        ("cell", "max", True),
    ],
)
def test_peaks_are_calibrated_by_what_was_fitted_to_single_patches(
    unit: str, aggregate: str, is_known: bool, rolls_up: bool
) -> None:
    roll_up = ((0,), (1,), (2,)) if rolls_up else None
    postprocessing = Postprocessing(replace(CALIBRATION, unit=unit, aggregate=aggregate), roll_up)
    scores, starts = np.array([0.3, 0.5, 0.6], np.float32), np.array([0.0, 0.48, 0.96])
    tags = tuple(Tag(each.index, each.mid, each.name, 0.5) for each in CLASSES[1:])
    found = postprocessing.peaks(scores, starts, tags)
    if is_known:
        mapped = postprocessing.apply(scores[np.newaxis])[0]
        assert found == (Peak(float(mapped[1]), 0.48), Peak(float(mapped[2]), 0.96))
    else:
        assert found == ()


def test_a_class_is_left_at_its_own_share() -> None:
    grid = Grid(10, 20, 10)
    postprocessing = Postprocessing(thresholds={0: 0.9, 2: 0.0})
    detector = postprocessing.detector(
        grid, EventParameters(0.6, 0.2), CLASSES, np.array([0, 1, 2])
    )
    assert detector._enter.tolist() == [0.9, 0.6, 0.0]
    assert detector._leave.tolist() == pytest.approx([0.3, 0.2, 0.0])


@pytest.mark.parametrize(
    "parameters", [(1e9, 1e9), (1e9, -1e9), (0.0, 1e9), (0.0, 0.0), (1e9, 0.0)]
)
def test_steep_maps_stay_within_0_and_1_and_warn_of_nothing(parameters) -> None:
    steep = dataclasses.replace(
        CALIBRATION.classes[0], method="platt", parameters=parameters, threshold=0.5
    )
    found = steep.apply(np.array([0.0, 1e-9, 0.5, 1 - 1e-9, 1.0]))
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize("text", ["-1", "2", "0_1", "nan", "1e400", "0x1"])
def test_thresholds_that_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.csv").write_text(f"name,threshold\nA,0.5\nB,{text}\n")
    with pytest.raises(CalibrationError, match="line 3: .*threshold"):
        read_thresholds(tmp_path / "t.csv", CLASSES)


@pytest.mark.parametrize(
    "name", ["huge-slope", "iso", "iso2", "none-model", "none-name", "thr-5", "thr1e300"]
)
def test_calibrations_of_strangers(shared: Path, name: str) -> None:
    with pytest.raises(CalibrationError) as caught:
        read_calibration(shared / "cases" / "hostile" / "calibration" / f"{name}.csv")
    assert f"{name}.csv" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_list_whose_first_line_is_longer_than_any_cell(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("x" * 200_000 + "\nSpeech\n")
    message = "list.txt, line 1: 200,000 characters; wanted at most 10,000"
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
    message = "classes.csv, line 3: 262,145 characters; wanted at most 262,144"
    for function in (read_calibration, read_class_words):
        with pytest.raises(CalibrationError, match=message):
            function(path)
