"""Calibration files: written, read again, and refused if they are invalid."""

from __future__ import annotations

import csv
import dataclasses
from dataclasses import replace
from pathlib import Path

import pytest

from tests.yamkit.scores.calibrations import CALIBRATION, ISOTONIC, PLATT
from yamkit.errors import CalibrationError
from yamkit.scores.calibration_file import calibration_sha256, read_calibration, write_calibration


def test_a_row_of_a_calibration_is_one_line_whatever_a_label_is_called(tmp_path: Path) -> None:
    entry = replace(PLATT, label="dog\n\x1b[31m\u202e")
    write_calibration(replace(CALIBRATION, classes=(entry,)), tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text(encoding="utf-8").count("\n") == 2
    (found,) = read_calibration(tmp_path / "x.csv").classes
    assert found == replace(entry, label=r"dog\n\x1b[31m\u202e")


def test_a_calibration_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "ä.csv"
    write_calibration(CALIBRATION, path)
    found = read_calibration(path)
    assert found == CALIBRATION
    assert calibration_sha256(found) == calibration_sha256(CALIBRATION)
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
    with pytest.raises(CalibrationError, match="isotonic"):
        read_calibration(path)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("schema", "yamkit-calibration/9", "schema"),
        ("parameters", "1.0", "platt"),
        ("parameters", "-1.0 0.0", "platt"),
        ("parameters", "nan 0.0", "number 'nan'"),
        ("parameters", "x y", "number 'x'"),
        ("parameters", "1_0 0.0", "number '1_0'"),
        ("parameters", "1e308 1e308", r"1e\+09"),
        ("parameters", "1.0 1e999", "'1e999'"),
        ("method", "raw", "method 'raw'"),
        ("method", "spline", "method 'spline'"),
        ("index", "0", "duplicate"),
        ("index", "-1", "number '-1'"),
        ("index", "1_0", "number '1_0'"),
        ("threshold", "inf", "number 'inf'"),
        ("threshold", "-1", "number '-1'"),
        ("threshold", "2", "number '2'"),
        ("threshold", "0_1", "number '0_1'"),
        ("threshold", "1e300", "number '1e300'"),
        ("f1", "1.5", "number '1.5'"),
        ("positives", "9" * 5000, "number '999"),
        ("unit", "clap", "different"),
        ("model_sha256", "cd", "different"),
        ("positives", "many", "number 'many'"),
    ],
)
def test_invalid_calibrations(tmp_path: Path, column: str, value: str, message: str) -> None:
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
        (b"schema,index,method,parameters,threshold\n", "yamkit calibrate"),
        (b'schema,index,method,parameters,threshold\n"', "CSV"),
        (
            b"schema,index,method,parameters,threshold\nyamkit-calibration/1\n",
            "line 2: .* 5 cells",
        ),
        (b"schema,index,method,parameters,threshold\n1,2,3,4,5,6\n", "line 2: .* 5 cells"),
    ],
)
def test_strange_files(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(data)
    with pytest.raises(CalibrationError, match=message):
        read_calibration(path)


@pytest.mark.parametrize(
    "name", ["huge-slope", "iso", "iso2", "none-model", "none-name", "thr-5", "thr1e300"]
)
def test_calibrations_of_strangers(shared: Path, name: str) -> None:
    with pytest.raises(CalibrationError) as caught:
        read_calibration(shared / "cases" / "hostile" / "calibration" / f"{name}.csv")
    assert f"{name}.csv" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
