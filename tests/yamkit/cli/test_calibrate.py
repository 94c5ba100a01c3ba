"""`yamkit calibrate`, strong labels in `yamkit eval`, and a calibration in every command."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from yamkit.evaluation.scores_file import read_scores
from yamkit.models.bundle import ModelBundle

CLIPS = 24


@pytest.fixture(autouse=True)
def _set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: ModelBundle):
    """Clips of noise, loud or soft; the loud ones are labelled, from one second to two."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YAMKIT_MODEL", str(tiny.folder))
    Path("audio").mkdir()
    weak, strong = ["path,labels"], ["filename\tonset\toffset\tevent_label"]
    for number in range(CLIPS):
        noise = np.random.default_rng(number).normal(0, 0.001, 3 * 8000)
        is_loud = number % 2 == 0
        if is_loud:
            noise[8000:16000] *= 200
        name = f"{number}.wav"
        soundfile.write(Path("audio", name), noise, 8000)
        weak.append(f"{name},{'Speech' if is_loud else 'Dog' if number == 1 else ''}")
        strong.append(f"{name}\t1.0\t2.0\tSpeech" if is_loud else f"{name}\t\t\t")
    Path("weak.csv").write_text("\n".join(weak) + "\n")
    Path("strong.tsv").write_text("\n".join(strong) + "\n")


FIT = ("calibrate", "weak.csv", "--audio", "audio", "-o", "cal.csv")


def rows(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_calibration_is_fitted_and_applied(yamkit) -> None:
    code, out, err = yamkit(*FIT, "--scores", "scores.npz")
    assert (code, err) == (0, "")
    assert out.startswith("cal.csv: ")
    assert "fitted to clips" in out
    assert "left raw, too few examples or none that rise:" in out
    found = {row["name"]: row for row in rows("cal.csv")}
    assert set(found) == {"Speech", "Dog"}
    assert found["Dog"]["method"] == "raw"
    assert found["Speech"]["positives"] == "12"
    again = ("calibrate", "weak.csv", "--from-scores", "scores.npz", "-o", "again.csv")
    assert yamkit(*again)[0] == 0
    assert Path("again.csv").read_bytes() == Path("cal.csv").read_bytes()
    Path("names.txt").write_text("Speech\n")
    for words in ("Speech", "names.txt"):
        assert yamkit(*again, "--classes", words)[0] == 0
        assert [row["name"] for row in rows("again.csv")] == ["Speech"]
    assert yamkit(*again, "--classes", "Dog,Speech")[0] == 0
    assert rows("again.csv") == rows("cal.csv")


def test_outputs_say_calibrated(yamkit, tiny: ModelBundle) -> None:
    yamkit(*FIT, "--method", "isotonic")
    plain = ("classify", "audio/0.wav", "--top", "all", "--classes", "Speech")
    calibrated = (*plain, "--calibration", "cal.csv")
    assert "calibrated mean of" in yamkit(*calibrated)[1]
    table = list(csv.DictReader(io.StringIO(yamkit(*calibrated, "--format", "csv")[1])))
    assert table[0]["score_kind"] == "calibrated"
    document = json.loads(yamkit(*calibrated, "--format", "json")[1])
    assert document["parameters"]["score_kind"] == "calibrated"
    assert len(document["parameters"]["calibration"]) == 64
    raw = json.loads(yamkit(*plain, "--format", "json")[1])
    assert raw["parameters"]["score_kind"] == "raw"
    (own,) = (row for row in rows("cal.csv") if row["name"] == "Speech")
    numbers = [float(number) for number in own["parameters"].split()]
    half = len(numbers) // 2
    mapped = np.interp(raw["clips"][0]["tags"][0]["score"], numbers[:half], numbers[half:])
    assert document["clips"][0]["tags"][0]["score"] == pytest.approx(mapped, abs=0.02)
    events = json.loads(yamkit(*calibrated, "--events", "--format", "json")[1])
    assert events["parameters"]["class_thresholds"]
    entered = ("--events", "--enter", "0.2", "--format", "json")
    assert not json.loads(yamkit(*calibrated, *entered)[1])["parameters"]["class_thresholds"]


def test_a_calibration_of_something_else_is_refused(yamkit) -> None:
    yamkit(*FIT)
    code, _, err = yamkit(
        "classify", "audio/0.wav", "--calibration", "cal.csv", "--model", "yamnet-mini"
    )
    assert code == 2
    assert err.startswith("error: ")
    assert "tiny" in err
    assert "yamkit calibrate" in err
    code, _, err = yamkit(
        "classify", "audio/0.wav", "--calibration", "cal.csv", "--aggregate", "max"
    )
    assert code == 2
    assert "use --aggregate mean" in err
    evaluate = ("eval", "weak.csv", "--audio", "audio", "--calibration", "cal.csv")
    assert yamkit(*evaluate, "--aggregate", "max")[0] == 2
    code, out, _ = yamkit(*evaluate)
    assert code == 0
    assert "(scores are calibrated for the classes in the calibration)" in out


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_strong_labels_are_evaluated(yamkit) -> None:
    evaluate = ("eval", "strong.tsv", "--audio", "audio", "--enter", "0.5", "--leave", "0.4")
    code, out, err = yamkit(*evaluate, "--report", "report")
    assert (code, err) == (0, "")
    assert "(dcase-strong): 24 clips listed, 24 found, 24 scored, 0 failed" in out
    for line in ("segment-based (1 s) F1, all events", "event-based (0.2 s) error rate", "PSDS 2"):
        assert line in out
    assert "(events enter at 0.5 and leave at 0.4; PSDS over 50 thresholds)" in out
    document = json.loads(Path("report/report.json").read_text())
    events = document["systems"][0]["events"]
    assert events["segments"]["reference"] == 12
    assert [entry["name"] for entry in events["classes"]] == ["Speech"]
    assert 0 <= events["psds_1"] <= 1
    (row,) = rows("report/events.csv")
    assert (row["name"], row["collars_reference"]) == ("Speech", "12")
    # the scores hold the patches, so that other thresholds need no audio
    again = ("eval", "strong.tsv", "--from-scores", "report/scores.npz")
    assert yamkit(*again, "--enter", "0.5", "--leave", "0.4")[1] == out
    assert yamkit(*again, "--enter", "0.9")[1] != out
    assert "(events enter at 0.3 and leave at 0.1; " in yamkit(*again)[1]
    assert "(events enter at 0.6 and leave at 0.2; " in yamkit(*again, "--threshold", "0.6")[1]
    twice = yamkit(*again, "--from-scores", "report/scores.npz")[1]
    assert "tiny 1" in twice
    assert "PSDS 1" in twice


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_events_found_are_those_of_classify(yamkit) -> None:
    options = ("--enter", "0.5405", "--leave", "0.54", "--median", "3")
    _, out, _ = yamkit("eval", "strong.tsv", "--audio", "audio", "--json", *options)
    (system,) = json.loads(out)["systems"]
    names = [f"audio/{number}.wav" for number in range(CLIPS)]
    _, text, _ = yamkit(
        "classify", *names, "--events", "--format", "json", "--classes", "Speech", *options
    )
    found = sum(len(clip["events"]) for clip in json.loads(text)["clips"])
    assert system["events"]["collars"]["estimated"] == found


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_calibrated_events_are_those_of_classify(yamkit) -> None:
    yamkit("calibrate", "strong.tsv", "--audio", "audio", "-o", "cells.csv")
    options = ("--calibration", "cells.csv", "--enter", "0.4")
    _, out, _ = yamkit("eval", "strong.tsv", "--audio", "audio", "--json", *options)
    (system,) = json.loads(out)["systems"]
    names = [f"audio/{number}.wav" for number in range(CLIPS)]
    _, text, _ = yamkit(
        "classify", *names, "--events", "--format", "json", "--classes", "Speech", *options
    )
    found = sum(len(clip["events"]) for clip in json.loads(text)["clips"])
    assert system["events"]["collars"]["estimated"] == found > 0


def test_strong_labels_are_calibrated_by_cell(yamkit) -> None:
    code, out, _ = yamkit("calibrate", "strong.tsv", "--audio", "audio", "-o", "cells.csv")
    assert code == 0
    assert "fitted to cells" in out
    (row,) = rows("cells.csv")
    assert row["unit"] == "cell"
    assert int(row["positives"]) > CLIPS


def test_a_segment_of_a_whole_video(yamkit) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 25 * 8000)
    soundfile.write("audio/abc.wav", noise, 8000)
    soundfile.write("audio/xyz_5000.wav", noise[: 10 * 8000], 8000)
    head = "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n"
    rows = "abc_10000\t1\t2\t/m/1\nabc_20000\t1\t2\t/m/1\nxyz_5000\t1\t2\t/m/1\n"
    Path("strong.tsv").write_text(head + rows)
    assert yamkit("eval", "strong.tsv", "--audio", "audio", "--scores", "s.npz")[0] == 0
    found = read_scores(Path("s.npz")).timelines
    # ten seconds, what is left of a video that ends before (to a patch), and a file of its own
    seconds = [each.samples / 8000 for each in found.values()]
    assert seconds == [10.0, pytest.approx(5.0, abs=0.12), 10.0]
    assert [len(each.scores) for each in found.values()] == [83, 41, 83]


@pytest.mark.parametrize(
    ("move", "cause"),
    [
        (lambda time: time * 1000, "are the times in milliseconds?"),
        (lambda time: time + 3, "are all times too late by a constant of up to 4 s?"),
    ],
)
@pytest.mark.parametrize(
    "command",
    [
        ("eval", "moved.tsv", "--audio", "audio", "--scores", "s.npz"),
        ("eval", "moved.tsv", "--from-scores", "strong.npz"),
        ("calibrate", "moved.tsv", "--audio", "audio", "-o", "cells.csv"),
    ],
)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_strong_labels_that_lie_elsewhere_are_refused(yamkit, command, move, cause: str) -> None:
    yamkit("eval", "strong.tsv", "--audio", "audio", "--scores", "strong.npz")
    text = Path("strong.tsv").read_text()
    moved = text.replace("\t1.0\t2.0\t", f"\t{move(1.0)}\t{move(2.0)}\t")
    Path("moved.tsv").write_text(moved)
    code, out, err = yamkit(*command)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("error: moved.tsv: 12 of 12 events lie past the end of their clips, such")
    assert cause in err
    assert not Path("cells.csv").exists()


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_strong_labels_past_the_end_are_counted_and_named(yamkit) -> None:
    text = Path("strong.tsv").read_text()
    Path("strong.tsv").write_text(
        text + "0.wav\t2.5\t3.25\tSpeech\n2.wav\t3\t4\tSpeech\n2.wav\t2\t3.005\tnonsense\n"
    )
    lines = [
        "  events that end after their clip (1, by up to 0.25 s): "
        "0.wav Speech 2.5 to 3.25 s of 3 s",
        "  events wholly past the end of their clip (1, by up to 1 s): "
        "2.wav Speech 3 to 4 s of 3 s",
    ]
    code, out, _ = yamkit("eval", "strong.tsv", "--audio", "audio", "--report", "r")
    assert code == 0
    assert out.splitlines()[2:4] == lines
    document = json.loads(Path("r/report.json").read_text())
    events = document["systems"][0]["events"]
    assert events["collars"]["reference"] == 14
    assert [each["offset_seconds"] for each in events["past_end"]] == [3.25, 4.0]
    code, out, _ = yamkit("calibrate", "strong.tsv", "--from-scores", "r/scores.npz", "-o", "c.csv")
    assert out.splitlines()[-2:] == lines


@pytest.mark.parametrize("folder", ["audio", "."])
def test_what_classify_writes_as_dcase_is_read_again(yamkit, folder: str) -> None:
    names = [f"audio/{number}.wav" for number in range(4)]
    options = ("--enter", "0.5405", "--leave", "0.54")
    _, text, _ = yamkit("classify", *names, "--events", "--format", "dcase", *options)
    assert text.count("\n") > 4
    Path("found.tsv").write_text(text)
    code, out, err = yamkit("eval", "found.tsv", "--audio", folder, "--json", *options)
    assert code == 0
    assert ("found under names that differ in folders" in err) == (folder == "audio")
    document = json.loads(out)
    assert document["coverage"]["found"] == document["coverage"]["listed"]
    assert document["systems"][0]["events"]["collars"]["f1"] == 1


def test_errors(yamkit) -> None:
    code, _, err = yamkit("eval", "weak.csv", "--audio", "audio", "--enter", "0.5")
    assert code == 2
    assert err.startswith("error: --enter requires ")
    assert "weak.csv" in err
    yamkit("eval", "weak.csv", "--audio", "audio", "--scores", "weak.npz")
    code, _, err = yamkit("eval", "strong.tsv", "--from-scores", "weak.npz")
    assert code == 1
    assert "no patch scores; score the set again" in err
    code, _, err = yamkit("calibrate", "weak.csv", "-o", "no/cal.csv")
    assert (code, err.count("\n")) == (1, 1)
    assert "no/cal.csv: must be a file" in err
    code, _, err = yamkit(*FIT, "--precision", "2")
    assert (code, err.count("\n")) == (2, 1)
    assert "invalid value for '--precision': '2': must be a number from 0 to 1" in err
    code, _, err = yamkit(*FIT, "--precision", "0")
    assert (code, err) == (2, "error: precision 0: must be above 0 and at most 1\n")
    assert not Path("cal.csv").exists()
