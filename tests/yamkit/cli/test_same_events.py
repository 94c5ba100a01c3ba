"""The same options mean the same events in classify, eval, listen and Python."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from yamkit import EventParameters, Tagger
from yamkit.models.store import find_model
from yamkit.scores.calibration import Calibration, ClassCalibration
from yamkit.scores.calibration_file import write_calibration
from yamkit.scores.choice import Choice

SOUND = Path(__file__).parents[3] / "docs" / "assets" / "four-events.wav"
RATE = 16000

# options of the command line, those of Python, and the thresholds that they mean
OPTIONS = [
    ("", {}, (0.3, 0.1)),
    ("--enter 0.05", {"events": {"enter": 0.05}}, (0.05, 0.0166666667)),
    ("--enter 0.6", {"events": {"enter": 0.6}}, (0.6, 0.2)),
    ("--leave 0.02", {"events": {"leave": 0.02}}, (0.3, 0.02)),
    ("--enter 0 --leave 0", {"events": {"enter": 0, "leave": 0}}, (0, 0)),
    ("--threshold 0.05", {"threshold": 0.05}, (0.05, 0.0166666667)),
    (
        "--threshold 0.05 --leave 0.03",
        {"threshold": 0.05, "events": {"leave": 0.03}},
        (0.05, 0.03),
    ),
    (
        "--threshold 0.05 --enter 0.2",
        {"threshold": 0.05, "events": {"enter": 0.2}},
        (0.2, 0.0666666667),
    ),
    ("--calibration cal.csv", {"calibration": "cal.csv"}, (0.3, 0.1)),
    (
        "--calibration cal.csv --leave 0.01",
        {"calibration": "cal.csv", "events": {"leave": 0.01}},
        (0.3, 0.01),
    ),
    (
        "--calibration cal.csv --enter 0.1",
        {"calibration": "cal.csv", "events": {"enter": 0.1}},
        (0.1, 0.0333333333),
    ),
    (
        "--calibration cal.csv --threshold 0.1",
        {"calibration": "cal.csv", "threshold": 0.1},
        (0.1, 0.0333333333),
    ),
]
OF_CLASSES = [
    ("--threshold own.csv", {"threshold": "own.csv"}),
    ("--threshold own.csv --enter 0.5", {"threshold": "own.csv", "events": {"enter": 0.5}}),
    ("--classes own.csv", {"classes": Path("own.csv")}),
    (
        "--classes own.csv --calibration cal.csv",
        {"classes": Path("own.csv"), "calibration": "cal.csv"},
    ),
    ("--not-classes Music --enter 0.05", {"not_classes": "Music", "events": {"enter": 0.05}}),
    ("--roll-up --enter 0.2", {"roll_up": True, "events": {"enter": 0.2}}),
]
MATRIX = [(words, options) for words, options, _ in OPTIONS] + OF_CLASSES


@pytest.fixture(autouse=True)
def sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two seconds, which a pipe holds, and files of thresholds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YAMKIT_MODEL", "yamnet-mini")
    samples, _ = soundfile.read(SOUND, dtype="int16", stop=2 * RATE - 100)
    soundfile.write("a.wav", samples, RATE)
    Path("own.csv").write_text("name,threshold\nOcean,0.6\nMusic,0.02\nSpeech,\n")
    model = find_model("yamnet-mini")
    classes = {entry.name: entry for entry in model.classes}
    maps = tuple(
        ClassCalibration(
            classes[name].index,
            classes[name].mid,
            name,
            name,
            "platt",
            positives=9,
            negatives=9,
            threshold=threshold,
            parameters=(1.1, 0.3),
        )
        for name, threshold in (("Ocean", 0.55), ("Music", 0.04))
    )
    write_calibration(Calibration(model.name, model.sha256, "cell", "mean", maps), Path("cal.csv"))
    return Path("a.wav")


@pytest.fixture(scope="module")
def tagger():
    with Tagger("yamnet-mini") as opened:
        yield opened


def listed(events) -> list[tuple]:
    return sorted(
        (each["onset_seconds"], each["offset_seconds"], each["index"], round(each["score"], 4))
        for each in events
    )


def of_python(clip, choice: Choice) -> list[tuple]:
    return sorted(
        (event.onset_seconds, event.offset_seconds, event.tag.index, round(event.tag.score, 4))
        for event in clip.events(choice)
    )


@pytest.mark.parametrize(("words", "options"), MATRIX)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_classify_and_python(yamkit, tagger: Tagger, words: str, options: dict) -> None:
    choice = Choice.of(tagger.model, **{"events": True, **options})
    code, out, err = yamkit("classify", "a.wav", "--events", "--format", "json", *words.split())
    assert (code, err) == (0, "")
    found = of_python(tagger.tag("a.wav"), choice)
    assert listed(json.loads(out)["clips"][0]["events"]) == found
    parameters = json.loads(out)["parameters"]
    assert (parameters["events"]["enter"], parameters["events"]["leave"]) == (
        choice.events.enter,
        choice.events.leave,
    )


@pytest.mark.parametrize(("words", "options"), MATRIX)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_listen_and_python(
    yamkit, tagger: Tagger, monkeypatch: pytest.MonkeyPatch, words: str, options: dict
) -> None:
    choice = Choice.of(tagger.model, **{"events": True, **options})
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as stream:
        stream.write(Path("a.wav").read_bytes())
    with io.TextIOWrapper(os.fdopen(reading, "rb")) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        code, out, _ = yamkit("listen", "-", "--format", "jsonl", *words.split())
    assert code == 0
    lines = [json.loads(line) for line in out.splitlines()]
    closed = [line for line in lines if line["type"] == "close"]
    assert listed(closed) == of_python(tagger.tag("a.wav"), choice)


@pytest.mark.parametrize(("words", "options", "thresholds"), OPTIONS)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_eval_and_python(
    yamkit, tagger: Tagger, words: str, options: dict, thresholds: tuple[float, float]
) -> None:
    choice = Choice.of(tagger.model, **{"events": True, **options})
    assert (choice.events.enter, choice.events.leave) == thresholds
    with Path("strong.tsv").open("w", newline="") as stream:
        writer = csv.writer(stream, delimiter="\t")
        writer.writerows([("filename", "onset", "offset", "event_label"), ("a.wav", 0, 1, "Ocean")])
    code, out, err = yamkit("eval", "strong.tsv", "--audio", ".", "--json", *words.split())
    assert (code, err) == (0, "")
    report = json.loads(out)["systems"][0]["events"]
    assert (report["parameters"]["enter"], report["parameters"]["leave"]) == thresholds
    ocean = next(entry.index for entry in tagger.classes if entry.name == "Ocean")
    events = [e for e in tagger.tag("a.wav").events(choice) if e.tag.index == ocean]
    assert report["segments"]["estimated"] == sum(
        len(np.arange(np.floor(e.onset_seconds), np.ceil(e.offset_seconds))) for e in events
    )


@pytest.mark.parametrize("enter", [0.05, 0.3, 0.6])
def test_parameters_and_a_choice_are_the_same(tagger: Tagger, enter: float) -> None:
    clip = tagger.tag("a.wav")
    assert clip.events(EventParameters(enter)) == clip.events(
        Choice.of(tagger.model, events={"enter": enter})
    )


@pytest.mark.parametrize("words", ["283", "Dog", "dog", "/m/0bt9lr", "Animal/", "Dog,Ocean", "74"])
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_one_text_means_the_same_classes(yamkit, tagger: Tagger, words: str) -> None:
    run = ("classify", "a.wav", "--events", "--enter", "0", "--format", "json")
    _, out, _ = yamkit(*run, "--classes", words)
    clip, parameters = tagger.tag("a.wav"), EventParameters(0.0)
    found = clip.events(parameters, classes=words)
    assert found
    assert {each["index"] for each in json.loads(out)["clips"][0]["events"]} == {
        event.tag.index for event in found
    }
    tags = clip.top(None, classes=words)
    assert {tag.index for tag in tags} == {event.tag.index for event in found}
    if words.isdecimal():
        assert clip.events(parameters, classes=int(words)) == found
