"""Events and classes on the command line."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from pathlib import Path

import jsonschema
import pytest

from yamkit import Tagger
from yamkit.models.store import find_model
from yamkit.scores.classes import roll_up
from yamkit.types import EventParameters

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "docs" / "reference" / "yamkit-1.schema.json"
SOUND = str(ROOT / "docs" / "assets" / "four-events.wav")


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YAMKIT_MODEL", "yamnet-mini")


def events(out: str) -> list:
    jsonschema.validate(json.loads(out), json.loads(SCHEMA.read_text()))
    return json.loads(out)["clips"][0]["events"]


def test_the_outcome(yamkit) -> None:
    code, _, err = yamkit("classify", SOUND, "--events", "--format", "audacity", "-o", "labels.txt")
    assert code == 0
    rows = [line.split("\t") for line in Path("labels.txt").read_text().splitlines()]
    assert err == f"{len(rows)} events in 1 file -> labels.txt\n"
    names = {row[2] for row in rows}
    assert {"Ocean", "Music", "Dial tone"} <= names
    assert all(0 <= float(row[0]) < float(row[1]) <= 9.4 for row in rows)
    assert [float(row[0]) for row in rows] == sorted(float(row[0]) for row in rows)


def test_events_are_those_of_python(yamkit) -> None:
    _, out, _ = yamkit("classify", SOUND, "--events", "--format", "json", "--enter", "0.4")
    with Tagger("yamnet-mini") as tagger:
        found = tagger.tag(SOUND).events(EventParameters(0.4))
    assert [
        (each["onset_seconds"], each["offset_seconds"], each["name"]) for each in events(out)
    ] == [(each.onset_seconds, each.offset_seconds, each.tag.name) for each in found]
    assert [each["score"] for each in events(out)] == pytest.approx(
        [each.tag.score for each in found], abs=1e-6
    )
    parameters = json.loads(out)["parameters"]["events"]
    assert (parameters["enter"], parameters["leave"]) == (0.4, 0.133333333)


@pytest.fixture(scope="module")
def clip():
    with Tagger("yamnet-mini") as tagger:
        return tagger.tag(SOUND)


@pytest.mark.parametrize("classes", [[], ["Music"], ["283"], ["Animal/", "Ocean"]])
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"enter": 0.05},
        {"enter": 0.0},
        {"enter": 1.0},
        {"enter": 0.6, "leave": 0.6},
        {"leave": 0.0},
        {"enter": 0.4, "cells": "max", "score": "max"},
        {"enter": 0.2, "median_cells": 3},
        {"min_duration_seconds": 1.0, "join_gap_seconds": 0.5},
        {"most_specific": True},
    ],
)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_python_and_the_command_line_agree(yamkit, clip, given, classes) -> None:
    options = {
        "enter": "--enter",
        "leave": "--leave",
        "cells": "--cells",
        "score": "--event-score",
        "median_cells": "--median",
        "min_duration_seconds": "--min-duration",
        "join_gap_seconds": "--join-gap",
    }
    arguments = [
        part
        for name, value in given.items()
        for part in (["--most-specific"] if value is True else [options[name], str(value)])
    ]
    arguments += [part for word in classes for part in ("--classes", word)]
    code, out, err = yamkit("classify", SOUND, "--events", "--format", "json", *arguments)
    assert (code, err) == (0, "")
    wanted = EventParameters(**given)
    found = clip.events(wanted, classes=classes[0] if len(classes) == 1 else classes)
    assert [
        (each["onset_seconds"], each["offset_seconds"], each["index"], each["score"])
        for each in events(out)
    ] == [
        (each.onset_seconds, each.offset_seconds, each.tag.index, pytest.approx(each.tag.score))
        for each in found
    ]
    assert json.loads(out)["parameters"]["events"] == dataclasses.asdict(wanted)


def test_most_specific(yamkit) -> None:
    members = roll_up(find_model("yamnet-mini").classes)
    run = ["classify", SOUND, "--events", "--format", "json"]

    def overlaps(found: list) -> int:
        return sum(
            below["index"] in members[above["index"]]
            and below["onset_seconds"] < above["offset_seconds"]
            and above["onset_seconds"] < below["offset_seconds"]
            for above in found
            for below in found
            if above is not below
        )

    plain = events(yamkit(*run)[1])
    specific = events(yamkit(*run, "--most-specific")[1])
    assert overlaps(plain) > 5
    assert overlaps(specific) == 0
    assert len(specific) < len(plain) / 2
    # a class whose kinds are not reported is not held back by them
    chosen = ["--classes", "Animal"]
    assert events(yamkit(*run, *chosen, "--most-specific")[1]) == events(yamkit(*run, *chosen)[1])
    code, _, err = yamkit("classify", SOUND, "--most-specific")
    assert (code, err) == (2, "error: --most-specific requires --events\n")


def test_audacity_labels_with_scores(yamkit) -> None:
    run = ["classify", SOUND, "--events", "--format", "audacity", "--classes", "Music"]
    (name,) = {line.split("\t")[2] for line in yamkit(*run)[1].splitlines()}
    assert name == "Music"
    labels = [line.split("\t")[2] for line in yamkit(*run, "--label-scores")[1].splitlines()]
    assert all(re.fullmatch(r"Music 0\.\d{3}", label) for label in labels)


def test_several_formats_in_one_pass(yamkit) -> None:
    formats = ["audacity", "raven", "webvtt", "srt", "textgrid", "dcase", "rttm", "jams", "tsv"]
    formats += ["json", "text"]
    arguments = [part for name in formats for part in ("--format", name)]
    assert yamkit("classify", SOUND, "--events", *arguments, "-o", "out")[0] == 0
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "four-events.TextGrid",
        "four-events.dcase.tsv",
        "four-events.jams",
        "four-events.json",
        "four-events.labels.txt",
        "four-events.rttm",
        "four-events.selections.txt",
        "four-events.srt",
        "four-events.tsv",
        "four-events.txt",
        "four-events.vtt",
    ]
    assert yamkit("classify", SOUND, "--events", "-o", "x.TextGrid")[0] == 0
    assert Path("x.TextGrid").read_text().startswith('File type = "ooTextFile"')


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_classes_and_roll_up(yamkit) -> None:
    chosen = ["--classes", "Animal/", "--classes", "Music", "--not-classes", "/m/015p6"]
    _, out, _ = yamkit("classify", SOUND, "--format", "json", "--top", "all", *chosen)
    names = {tag["name"] for tag in json.loads(out)["clips"][0]["tags"]}
    assert "Music" in names
    assert "Bird vocalization, bird call, bird song" in names
    assert not names & {"Bird", "Speech", "Ocean"}
    plain = ["classify", SOUND, "--format", "json", "--classes", "Music"]
    music = [
        json.loads(yamkit(*plain, *more)[1])["clips"][0]["tags"][0]["score"]
        for more in ([], ["--roll-up"])
    ]
    assert music[0] <= music[1]
    _, out, _ = yamkit(
        "classify", SOUND, "--format", "json", "--top", "all", "--classes", "Music/", "--roll-up"
    )
    tags = json.loads(out)["clips"][0]["tags"]
    assert tags[0]["score"] == max(tag["score"] for tag in tags)
    assert "Music" in {tag["name"] for tag in tags if tag["score"] == tags[0]["score"]}
    assert music[1] == tags[0]["score"]


def test_thresholds_of_classes(yamkit) -> None:
    Path("thresholds.csv").write_text("name,threshold\nMusic,0.99\nOcean,0.2\nWater/,0.999\n")
    _, out, _ = yamkit(
        "classify", SOUND, "--events", "--format", "json", "--threshold", "thresholds.csv"
    )
    names = {each["name"] for each in events(out)}
    assert "Dial tone" in names
    assert not names & {"Music", "Water", "Ocean"}
    assert json.loads(out)["parameters"]["class_thresholds"]
    _, out, _ = yamkit("classify", SOUND, "--top", "all", "--threshold", "thresholds.csv")
    assert "  Water  " not in out
    assert "Speech" in out
    Path("thresholds.csv").write_text("name,threshold\nMusci,0.99\n")
    code, _, err = yamkit("classify", SOUND, "--threshold", "thresholds.csv")
    assert code == 2
    assert err.startswith("error: thresholds.csv, line 2: class 'Musci': ")
    assert "did you mean 'Music'?" in err


def tags(out: str) -> list:
    return [tag["name"] for tag in json.loads(out)["clips"][0]["tags"]]


def test_chosen_classes_are_all_reported(yamkit) -> None:
    run = ["classify", SOUND, "--format", "json"]
    for words, count in (("cat,dog,Bird,Ocean,Music,Speech,Bell", 7), ("Animal/", 65)):
        _, out, _ = yamkit(*run, "--classes", words)
        assert len(tags(out)) == count
        assert json.loads(out)["parameters"]["top"] is None
        assert len(tags(yamkit(*run, "--classes", words, "--top", "2")[1])) == 2
    assert len(tags(yamkit(*run, "--not-classes", "Music")[1])) == 5


def test_one_file_of_names_and_thresholds(yamkit) -> None:
    run = ["classify", SOUND, "--format", "json"]
    everything = set(tags(yamkit(*run, "--top", "all")[1]))
    Path("names.txt").write_text("Ocean\nDomestic animals, pets\nmusic\n")
    chosen = {"Ocean", "Domestic animals, pets", "Music"}
    assert set(tags(yamkit(*run, "--classes", "names.txt")[1])) == chosen
    _, out, _ = yamkit(*run, "--not-classes", "names.txt", "--top", "all")
    assert set(tags(out)) == everything - chosen
    Path("both.csv").write_text("name,threshold\nOcean,0.99\nMusic,0.01\nBird,\n")
    assert set(tags(yamkit(*run, "--classes", "both.csv")[1])) == {"Music", "Bird"}
    # a file of thresholds alone hides nothing that it does not list
    _, out, _ = yamkit(*run, "--threshold", "both.csv", "--top", "all")
    assert set(tags(out)) == everything - {"Ocean"}
    assert len(tags(yamkit(*run, "--threshold", "both.csv")[1])) == 5
    _, out, _ = yamkit(*run, "--events", "--classes", "both.csv")
    heard = {each["name"] for each in events(out)}
    assert heard == {"Music", "Bird"}
    _, out, _ = yamkit(*run, "--events", "--threshold", "both.csv")
    assert {"Dial tone", "Music"} <= {each["name"] for each in events(out)}
    Path("Ocean").write_text("Music\n")
    assert tags(yamkit(*run, "--classes", "Ocean")[1]) == ["Ocean"]


@pytest.mark.parametrize("option", ["--threshold", "--enter", "--leave"])
@pytest.mark.parametrize("command", [["classify", SOUND, "--events"], ["listen", "-"]])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("30", "did you mean 0.3?"),
        ("-1", "-1: "),
        ("nan", "nan"),
        ("0_1", "'0_1': "),
        ("1e9", "1e+09: "),
    ],
)
def test_a_threshold_is_a_score(yamkit, command, option: str, value: str, message: str) -> None:
    code, out, err = yamkit(*command, option, value)
    assert (code, out) == (2, "")
    assert message in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "srt"], "--format srt requires --events"),
        (["--min-duration", "1"], "--min-duration requires --events"),
        (["--median", "3"], "--median requires --events"),
        (["--label-scores"], "--label-scores requires --events"),
        (["--events", "--median", "2"], "median 2: "),
        (["--events", "--per-patch"], "use --events or --per-patch"),
        (
            ["--events", "--enter", "0.3", "--leave", "0.4"],
            "leave threshold 0.4 exceeds enter threshold 0.3",
        ),
        (["--classes", "Dgo"], "did you mean 'Dog'?"),
        (["--classes", "no.csv"], "--classes no.csv: no such file"),
        (["--threshold", "no.csv"], "'no.csv': must be a number, or a CSV file"),
        (["--events", "--format", "srt", SOUND], "format srt: a file holds one clip, not 2"),
        (["--calibration", "no.csv"], "no.csv: No such file"),
    ],
)
def test_errors(yamkit, arguments: list[str], message: str) -> None:
    code, out, err = yamkit("classify", SOUND, *arguments)
    assert code in (1, 2)
    assert out == ""
    assert message in err
    assert "Traceback" not in err


def test_a_format_of_one_clip_keeps_nothing_of_one_that_failed(yamkit) -> None:
    Path("bad.wav").write_bytes(b"RIFF")
    code, _, err = yamkit("classify", "bad.wav", "--events", "--format", "jams", "-o", "x.jams")
    assert code == 1
    assert err.startswith("error: bad.wav")
    assert not Path("x.jams").exists()
    assert yamkit("classify", "bad.wav", SOUND, "--events", "--format", "jams", "-o", "d/")[0] == 1
    assert sorted(path.name for path in Path("d").iterdir()) == [
        "four-events.jams",
        "yamkit.journal",
    ]


def test_events_are_resumed_from_the_journal(yamkit) -> None:
    Path("a.wav").write_bytes(Path(SOUND).read_bytes())
    run = ["classify", "a.wav", SOUND, "--events", "--format", "csv", "-o", "all.csv"]
    assert yamkit(*run)[0] == 0
    first = Path("all.csv").read_bytes()
    assert len(list(csv.reader(io.StringIO(first.decode())))) > 10
    Path("all.csv").unlink()
    assert yamkit(*run, "--resume")[0] == 0
    assert Path("all.csv").read_bytes() == first
    code, _, err = yamkit(*run, "--resume", "--enter", "0.9")
    assert code == 2
    assert "events" in err


def test_listing_classes(yamkit) -> None:
    code, out, err = yamkit("classes")
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 521
    assert out.splitlines()[0].split() == ["0", "/m/09x0r", "Speech"]
    assert [line.split()[0] for line in yamkit("classes", "--search", "dog")[1].splitlines()] == [
        "69",
        "75",
        "117",
    ]
    assert yamkit("classes", "--search", "/m/0bt9lr")[1].split() == ["69", "/m/0bt9lr", "Dog"]
    _, out, _ = yamkit("classes", "--json", "--search", "dog")
    assert json.loads(out)["classes"][0] == {
        "index": 69,
        "mid": "/m/0bt9lr",
        "name": "Dog",
        "parents": ["/m/068hy"],
    }
    code, _, err = yamkit("classes", "--search", "dgo")
    assert (code, err) == (2, "error: search 'dgo': no class matches; did you mean 'Dog'?\n")
    code, _, err = yamkit("classes", "--search", "zzz")
    assert (code, err) == (2, "error: search 'zzz': no class matches; see: yamkit classes\n")


def test_the_tree(yamkit, tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    _, out, _ = yamkit("classes", "--tree", "--search", "bow-wow")
    assert out.splitlines() == [
        "Animal  [67]",
        "  Domestic animals, pets  [68]",
        "    Dog  [69]",
        "      Bow-wow  [73]",
    ]
    lines = yamkit("classes", "--tree")[1].splitlines()
    assert lines[:2] == ["(Human sounds)", "  (Human voice)"]
    assert {line.rpartition("[")[2].rstrip("]") for line in lines if "[" in line} == {
        str(index) for index in range(521)
    }
    assert yamkit("classes", "--tree", "--model", str(tiny.folder))[1].startswith("Silence  [0]\n")
