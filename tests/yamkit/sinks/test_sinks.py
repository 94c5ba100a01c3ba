"""The built-in formats, read back by somebody else's reader."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.schema import printable
from yamkit.sinks._csv import COLUMNS, CsvSink
from yamkit.sinks._json import JsonLinesSink, JsonSink
from yamkit.sinks._text import TextSink
from yamkit.types import (
    ClipEnd,
    ClipFailure,
    ClipStart,
    Event,
    EventParameters,
    Parameters,
    PatchTags,
    RunInfo,
    RunModel,
    Tag,
)

SPEECH = Tag(0, "/m/09x0r", "Speech", 0.75)
NAME = Tag(3, "/m/02qldy", 'Narration, "monologue"', 0.1234567)
FAILURE = ClipFailure("bad.wav", "DecodeError", "bad.wav: not a sound file")


def run(per_patch: bool = False, parameters: Parameters | None = None) -> RunInfo:
    return RunInfo(
        yamkit="1.2.3",
        model=RunModel("net", "1", "ab" * 32, "somewhere", 521),
        backend="onnx",
        frontend="logmel",
        resampler="polyphase",
        parameters=parameters or Parameters("mean", 0.48, None, 5),
        per_patch=per_patch,
    )


def written(sink, items, per_patch: bool = False, parameters: Parameters | None = None) -> str:
    stream = io.StringIO()
    sink.open(run(per_patch, parameters), stream)
    for item in items:
        sink.write(item)
    sink.close()
    return stream.getvalue()


def clip(path: str = "a.wav", patches: int = 0, warnings: tuple[str, ...] = ()):
    yield ClipStart(path, 44100, 2, 3.5)
    for number in range(patches):
        yield PatchTags(number * 0.48, number * 0.48 + 0.975, (SPEECH, NAME))
    yield ClipEnd(3.5, 6, (SPEECH, NAME), warnings)


def test_json_has_the_schema_in_its_order() -> None:
    items = [*clip(patches=2), FAILURE, *clip("b.wav", warnings=("truncated",))]
    document = json.loads(written(JsonSink(), items))
    assert list(document) == [
        "schema",
        "yamkit",
        "model",
        "backend",
        "frontend",
        "resampler",
        "parameters",
        "clips",
    ]
    assert document["schema"] == "yamkit/1"
    assert document["model"] == {
        "name": "net",
        "version": "1",
        "sha256": "ab" * 32,
        "source": "somewhere",
        "classes": 521,
    }
    assert document["parameters"] == {
        "aggregate": "mean",
        "hop_seconds": 0.48,
        "threshold": None,
        "top": 5,
        "score_kind": "raw",
        "calibration": None,
        "class_thresholds": None,
        "classes": None,
        "roll_up": False,
        "events": None,
        "channel": "mix",
        "stream": None,
    }
    first, failed, last = document["clips"]
    assert list(first) == [
        "path",
        "sample_rate",
        "channels",
        "timeline",
        "duration_seconds",
        "patches",
        "tags",
    ]
    assert first["timeline"][1]["start_seconds"] == 0.48
    assert first["tags"][1] == {
        "index": 3,
        "mid": "/m/02qldy",
        "name": 'Narration, "monologue"',
        "score": 0.1234567,
    }
    assert failed == {
        "path": "bad.wav",
        "error": {"type": "DecodeError", "message": "bad.wav: not a sound file"},
    }
    assert last["timeline"] == []
    assert last["warnings"] == ["truncated"]


def test_json_of_no_clip() -> None:
    assert json.loads(written(JsonSink(), []))["clips"] == []


def test_a_clip_that_fails_midway_keeps_what_came_before() -> None:
    items = [*list(clip(patches=2))[:3], ClipFailure("a.wav", "AudioValueError", "NaN"), *clip()]
    first, second = json.loads(written(JsonSink(), items))["clips"]
    assert list(first) == ["path", "sample_rate", "channels", "timeline", "error"]
    assert len(first["timeline"]) == 2
    assert second["patches"] == 6


def test_a_clip_that_fails_after_its_start_is_a_path_and_an_error() -> None:
    items = [ClipStart("a.wav", 1, 1), ClipFailure("a.wav", "AudioValueError", "NaN")]
    (only,) = json.loads(written(JsonSink(), items))["clips"]
    assert list(only) == ["path", "error"]


def test_json_streams() -> None:
    sink, stream = JsonSink(), io.StringIO()
    sink.open(run(), stream)
    lengths = [stream.tell()]
    for item in list(clip(patches=3))[:-1]:
        sink.write(item)
        lengths.append(stream.tell())
    assert lengths[0] == lengths[1] < lengths[2] < lengths[3] < lengths[4]
    sink.abort()


def test_json_lines_name_the_model_on_every_line() -> None:
    text = written(JsonLinesSink(), [*clip("ä\n.wav", patches=2), FAILURE, *clip()])
    lines = [json.loads(line) for line in text.splitlines()]
    assert len(lines) == 3
    assert {line["model"]["name"] for line in lines} == {"net"}
    assert lines[0]["path"] == "ä\n.wav"
    assert list(lines[1]) == ["model", "path", "error"]
    JsonLinesSink().abort()


paths = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(st.lists(paths, max_size=4))
def test_any_path_survives_json_and_csv(names: list[str]) -> None:
    items = [item for name in names for item in clip(name, patches=1)]
    document = json.loads(written(JsonSink(), items))
    assert [c["path"] for c in document["clips"]] == names
    lines = written(JsonLinesSink(), items).split("\n")[:-1]
    assert [json.loads(line)["path"] for line in lines] == names
    rows = list(csv.DictReader(io.StringIO(written(CsvSink(), items, per_patch=True), newline="")))
    assert [row["path"] for row in rows] == [printable(name) for name in names for _ in range(2)]


def test_csv_is_one_tidy_table() -> None:
    rows = list(csv.reader(io.StringIO(written(CsvSink(), [*clip(), FAILURE]))))
    assert tuple(rows[0]) == COLUMNS
    assert rows[1] == [
        "a.wav",
        "0.0",
        "3.5",
        "0",
        "/m/09x0r",
        "Speech",
        "0.75",
        "net",
        "mean",
        "raw",
        "mix",
        "",
        "",
    ]
    assert rows[2][5] == 'Narration, "monologue"'
    assert len(rows) == 3


SECOND = Parameters("mean", 0.48, None, 5, channel=2, stream=3)


def test_text_names_a_channel_and_a_stream_that_were_chosen() -> None:
    assert written(TextSink(), clip()).startswith("a.wav: 3.50 s, mean of 6 patches, net\n")
    text = written(TextSink(), clip(), parameters=SECOND)
    assert text.startswith("a.wav: 3.50 s, mean of 6 patches, net, channel 2, stream 3\n")


def test_json_names_the_channel_and_the_stream() -> None:
    parameters = json.loads(written(JsonSink(), clip(), parameters=SECOND))["parameters"]
    assert (parameters["channel"], parameters["stream"]) == (2, 3)
    line = json.loads(written(JsonLinesSink(), clip(), parameters=SECOND))
    assert (line["channel"], line["stream"], list(line)[-1]) == (2, 3, "tags")
    assert not {"channel", "stream"} & json.loads(written(JsonLinesSink(), clip())).keys()


def test_csv_names_the_channel_and_the_stream() -> None:
    text = written(CsvSink(), clip(), parameters=SECOND)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["channel"], row["stream"]) for row in rows] == [("2", "3")] * 2


WARNINGS = ("cut, at 'here'", "no\r\nlength")
WITH_EVENTS = Parameters("mean", 0.48, None, 5, events=EventParameters())


@pytest.mark.parametrize(
    ("items", "options", "wanted"),
    [
        # of clips, every row has them; without a tag there is a row all the same
        ([ClipEnd(3.5, 6, (SPEECH, NAME), WARNINGS)], {}, [("0", True), ("3", True)]),
        ([ClipEnd(3.5, 6, (), WARNINGS)], {}, [("", True)]),
        ([ClipEnd(3.5, 6, ())], {}, []),
        # rows of patches and events were written before they are known
        (
            [PatchTags(0.0, 0.975, (SPEECH,)), ClipEnd(3.5, 6, (SPEECH,), WARNINGS)],
            {"per_patch": True},
            [("0", False), ("", True)],
        ),
        (
            [PatchTags(0.0, 0.975, (SPEECH,)), ClipEnd(3.5, 6, (SPEECH,))],
            {"per_patch": True},
            [("0", False)],
        ),
        (
            [Event(0.0, 0.96, SPEECH), ClipEnd(3.5, 6, (SPEECH,), WARNINGS)],
            {"parameters": WITH_EVENTS},
            [("0", False), ("", True)],
        ),
        ([ClipEnd(3.5, 6, (SPEECH,), WARNINGS)], {"parameters": WITH_EVENTS}, [("", True)]),
        ([ClipEnd(3.5, 6, (SPEECH,))], {"parameters": WITH_EVENTS}, []),
    ],
)
def test_csv_has_the_warnings_of_a_clip(items, options, wanted) -> None:
    text = written(CsvSink(), [ClipStart("a.wav", 8000, 1), *items], **options)
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    texts = {False: "", True: printable("; ".join(WARNINGS))}
    assert [(row["index"], row["warnings"]) for row in rows] == [
        (index, texts[has_any]) for index, has_any in wanted
    ]
    of_clip = [row for row in rows if row["warnings"]]
    assert {(row["start_seconds"], row["end_seconds"]) for row in of_clip} <= {("0.0", "3.5")}


def test_csv_of_patches_has_no_row_of_the_clip() -> None:
    text = written(CsvSink(), clip(patches=2), per_patch=True)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["start_seconds"], row["end_seconds"]) for row in rows[::2]] == [
        ("0.0", "0.975"),
        ("0.48", "1.455"),
    ]
    assert len(rows) == 4
    CsvSink().abort()


def test_text_is_aligned() -> None:
    text = written(TextSink(), [*clip(), FAILURE])
    assert text == (
        "a.wav: 3.50 s, mean of 6 patches, net\n"
        "  Speech                  0.750\n"
        '  Narration, "monologue"  0.123\n'
    )


def test_text_with_patches() -> None:
    text = written(TextSink(), clip(patches=2), per_patch=True)
    assert text == (
        "a.wav:\n"
        '      0.000 -    0.975  Speech 0.750; Narration, "monologue" 0.123\n'
        '      0.480 -    1.455  Speech 0.750; Narration, "monologue" 0.123\n'
        "  3.50 s, mean of 6 patches, net:\n"
        "  Speech                  0.750\n"
        '  Narration, "monologue"  0.123\n'
    )
    broken = [*list(clip(patches=1))[:2], FAILURE, *clip("b.wav")]
    assert "\nb.wav: 3.50 s" in written(TextSink(), broken, per_patch=True)
    TextSink().abort()


def test_text_without_a_tag_says_so() -> None:
    items = [ClipStart("a.wav", 1, 1, 1.0), PatchTags(0, 1, ()), ClipEnd(1.0, 1, ())]
    text = written(TextSink(), items, per_patch=True)
    assert text.endswith("1 patch, net:\n  no class reaches the threshold\n")
    assert "0.000 -    1.000  -\n" in text


def test_text_shows_no_control_characters() -> None:
    text = written(TextSink(), clip("a\x1b[31m\nb.wav"))
    assert text.startswith("a\\x1b[31m\\nb.wav: 3.50 s")


@pytest.mark.parametrize("sink", [JsonSink, JsonLinesSink, CsvSink, TextSink])
def test_unknown_items_are_ignored(sink) -> None:
    assert written(sink(), [object(), *clip()]) == written(sink(), clip())
