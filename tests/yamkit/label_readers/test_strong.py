"""Lists of strong labels, found by their header and read."""

from __future__ import annotations

from pathlib import Path

import pytest

from yamkit.errors import LabelError
from yamkit.evaluation.sets.labelled_set import read_set
from yamkit.types import LabelledEvent


def test_dcase(tmp_path: Path) -> None:
    path = tmp_path / "labels.tsv"
    path.write_text(
        "filename\tonset\toffset\tevent_label\n"
        "a.wav\t0.5\t1.25\tDog\n"
        "b.wav\t\t\t\n"
        "c.wav\t0\t1\tCat\n"
        "a.wav\t1.0\t2\tDog\n"
        'a.wav\t3\t4\t"Crowing, cock"\n'
    )
    found = read_set(path)
    assert found.layout == "dcase-strong"
    assert found.is_strong
    first, second, third = found.clips
    assert first.names == ("a.wav",)
    assert first.labels == ("Dog", "Crowing, cock")
    assert first.events == (
        LabelledEvent("Dog", 0.5, 1.25),
        LabelledEvent("Dog", 1.0, 2.0),
        LabelledEvent("Crowing, cock", 3.0, 4.0),
    )
    assert (second.labels, second.events) == ((), ())
    assert third.line == 4


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_dcase_from_a_spreadsheet(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "labels.csv"
    rows = (
        "filename|onset|offset|event_label||\r\n"
        'a.wav|"0,5"|"1,25"|Dog||\r\n'
        "|||||\r\n"
        "b.wav|||\r\n"
        'a.wav|3|4.5|"Crowing, cock"\r\n'
        "|||\r\n\r\n"
    )
    path.write_bytes(("\ufeff" + rows.replace("|", delimiter)).encode())
    found = read_set(path)
    assert found.layout == "dcase-strong"
    first, second = found.clips
    assert first.events == (
        LabelledEvent("Dog", 0.5, 1.25),
        LabelledEvent("Crowing, cock", 3.0, 4.5),
    )
    assert (second.names, second.events, second.line) == (("b.wav",), (), 4)


def test_audioset(tmp_path: Path) -> None:
    path = tmp_path / "audioset_eval_strong.tsv"
    path.write_text(
        "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n"
        "-a_b_30000\t0.627\t7.237\t/m/05zppz\n"
        "-a_b_30000\t0\t10\t/m/0bt9lr\n"
        "xyz_0\t1\t2\t/m/05zppz\n"
    )
    (tmp_path / "mid_to_display_name.tsv").write_text("/m/05zppz\tMale speech\n/m/1\tOne\n")
    found = read_set(path)
    assert found.layout == "audioset-strong"
    first, second = found.clips
    assert (first.start_seconds, first.end_seconds) == (30.0, 40.0)
    assert first.names[0] == "-a_b_30000.wav"
    assert "-a_b" in first.names
    assert first.labels == ("/m/05zppz", "/m/0bt9lr")
    assert first.events is not None
    assert first.events[0] == LabelledEvent("/m/05zppz", 0.627, 7.237)
    assert second.start_seconds == 0
    assert found.vocabulary == {"/m/05zppz": "Male speech", "/m/1": "One"}
    (tmp_path / "mid_to_display_name.tsv").unlink()
    assert read_set(path).vocabulary == {}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.wav\t2\t1\tDog", "line 2: event from 2 to 1 s"),
        ("a.wav\t-1\t1\tDog", "line 2: event from -1 to 1 s"),
        ("a.wav\t1,500,0\t2\tDog", "line 2: onset '1,500,0': must be a number"),
        ("a.wav\tx\t1\tDog", "line 2: onset 'x': must be a number"),
        ("a.wav\t0\tnan\tDog", "event from 0 to nan s"),
        ("a.wav\t0\t1\t", "line 2: no event_label"),
        ("a.wav\t0\t1", "3 columns: must be 4"),
        ("../a.wav\t0\t1\tDog", "leads out"),
    ],
)
def test_invalid_rows_are_refused(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "labels.tsv"
    path.write_text(f"filename\tonset\toffset\tevent_label\n{row}\n")
    with pytest.raises(LabelError, match=message):
        read_set(path)


def test_segments_without_a_start(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    for segment in ("abc", "abc_", "_30", "abc_x", "abc_" + "9" * 400):
        rows = f"segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n{segment}\t0\t1\t/m/1\n"
        path.write_text(rows)
        with pytest.raises(LabelError, match="must be a video id, _ and milliseconds"):
            read_set(path)
