"""The formats of events, read back by somebody else's reader."""

from __future__ import annotations

import io
import json
import re
import warnings
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import mir_eval
import pandas
import parselmouth
import pytest
import srt
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from yamkit.schema import printable
from yamkit.sinks._csv import CsvSink
from yamkit.sinks._jams import JamsSink
from yamkit.sinks._json import JsonLinesSink, JsonSink
from yamkit.sinks._labels import AudacitySink, RttmSink
from yamkit.sinks._shared import clock, milliseconds
from yamkit.sinks._subtitles import SrtSink, WebVttSink
from yamkit.sinks._tables import DcaseSink, RavenSink, TsvSink
from yamkit.sinks._text import TextSink
from yamkit.sinks._textgrid import TextGridSink
from yamkit.types import (
    ClipEnd,
    ClipFailure,
    ClipStart,
    Event,
    EventParameters,
    Parameters,
    RunInfo,
    RunModel,
    Tag,
)

RUN = RunInfo(
    yamkit="1.2.3",
    model=RunModel("net", "1", "ab" * 32, "somewhere", 521),
    backend="onnx",
    frontend="logmel",
    resampler="polyphase",
    parameters=Parameters("mean", 0.48, None, 5, "calibrated", events=EventParameters(score="max")),
    per_patch=False,
)
HOSTILE = 'a, "b"\t<c> & ü 犬 --> d\\e\r\nf'
DOG = Tag(69, "/m/0bt9lr", "Dog", 0.912345678)
EVENTS = (
    Event(0.0, 0.48, Tag(0, "/m/09x0r", "Speech", 0.5)),
    Event(0.48, 2.4, DOG),
    Event(0.96, 3.5, Tag(1, "/m/1", HOSTILE, 0.25)),
    Event(2.88, 3.5, DOG),
)
SINKS = [
    AudacitySink,
    DcaseSink,
    JamsSink,
    RavenSink,
    RttmSink,
    SrtSink,
    TextGridSink,
    TsvSink,
    WebVttSink,
]


def clip(path: str = "a.wav", events=EVENTS):
    return [ClipStart(path, 44100, 2, 3.5), *events, ClipEnd(3.5, 6, (DOG,))]


def written(sink, items, **parameters) -> str:
    stream = io.StringIO(newline="")
    sink.open(replace(RUN, parameters=replace(RUN.parameters, **parameters)), stream)
    for item in items:
        sink.write(item)
    sink.close()
    return stream.getvalue()


def saved(folder: Path, sink, items) -> Path:
    path = folder / "events"
    path.write_text(written(sink, items), encoding="utf-8", newline="")
    return path


ESCAPED = HOSTILE.replace("\t", r"\t").replace("\r", r"\r").replace("\n", r"\n")
NAMES = ["Speech", "Dog", ESCAPED, "Dog"]
TIMES = [(event.onset_seconds, event.offset_seconds) for event in EVENTS]


def test_audacity_is_read_by_mir_eval(tmp_path: Path) -> None:
    path = saved(tmp_path, AudacitySink(), clip())
    intervals, labels = mir_eval.io.load_labeled_intervals(str(path), delimiter="\t")
    assert labels == NAMES
    assert [tuple(row) for row in intervals] == TIMES


def test_raven_is_read_by_crowsetta(tmp_path: Path) -> None:
    path = tmp_path / "a.Table.1.selections.txt"
    path.write_text(written(RavenSink(), clip("ü, a.wav")), encoding="utf-8", newline="")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs
        from crowsetta.formats.bbox import Raven

        boxes = Raven.from_file(path, annot_col="Class").to_bbox()
    assert [(box.onset, box.offset) for box in boxes] == TIMES
    assert [box.label for box in boxes] == NAMES
    assert {(box.low_freq, box.high_freq) for box in boxes} == {(0.0, 22050.0)}


def test_raven_is_read_by_pandas(tmp_path: Path) -> None:
    path = saved(tmp_path, RavenSink(), [*clip(HOSTILE), *clip("b.wav")])
    table = pandas.read_csv(path, sep="\t", quoting=3)
    assert list(table["Selection"]) == list(range(1, 9))
    assert list(table["Class"]) == NAMES * 2
    assert list(table["Begin Path"]) == [ESCAPED] * 4 + ["b.wav"] * 4
    assert list(table["Begin Time (s)"])[4:] == [3.5 + start for start, _ in TIMES]
    assert list(table["End Time (s)"])[:4] == [end for _, end in TIMES]
    assert list(table["File Offset (s)"])[4:] == [start for start, _ in TIMES]
    assert set(table["High Freq (Hz)"]) == {22050.0}
    assert set(table["Event Score"]) == {"max"}
    assert set(table["Score Kind"]) == {"calibrated"}
    assert table["Score"][1] == pytest.approx(0.912346)


def test_webvtt_is_read_by_webvtt_py(tmp_path: Path) -> None:
    text = written(WebVttSink(), clip())
    assert text.startswith("WEBVTT\n\nNOTE yamkit 1.2.3, model net, calibrated scores\n")
    cues = list(webvtt.from_string(text))
    assert [(cue.start_in_seconds, cue.end_in_seconds) for cue in cues] == [
        (int(start), int(end)) for start, end in TIMES
    ]
    assert [cue.start for cue in cues][1] == "00:00:00.480"
    assert "&lt;c&gt; &amp; ü 犬 --&gt; d" in cues[2].raw_text
    assert [cue.text for cue in cues][:2] == ["Speech", "Dog"]


def test_srt_is_read_by_srt() -> None:
    subtitles = list(srt.parse(written(SrtSink(), clip())))
    assert [each.content for each in subtitles] == NAMES
    assert [each.index for each in subtitles] == [1, 2, 3, 4]
    assert [(each.start.total_seconds(), each.end.total_seconds()) for each in subtitles] == TIMES


def test_textgrid_is_read_by_praat(tmp_path: Path) -> None:
    path = saved(tmp_path, TextGridSink(), clip())
    grid = parselmouth.TextGrid.read(str(path))
    assert (grid.xmin, grid.xmax) == (0, 3.5)
    call = parselmouth.praat.call
    assert call(grid, "Get number of tiers") == 3
    assert [call(grid, "Get tier name", n) for n in (1, 2, 3)] == ["Speech", ESCAPED, "Dog"]
    intervals = [
        (
            call(grid, "Get start time of interval", 3, n),
            call(grid, "Get end time of interval", 3, n),
            call(grid, "Get label of interval", 3, n),
        )
        for n in range(1, call(grid, "Get number of intervals", 3) + 1)
    ]
    assert intervals == [
        (0, 0.48, ""),
        (0.48, 2.4, "Dog"),
        (2.4, 2.88, ""),
        (2.88, 3.5, "Dog"),
    ]


def test_a_textgrid_without_events_is_read_by_praat(tmp_path: Path) -> None:
    grid = parselmouth.TextGrid.read(str(saved(tmp_path, TextGridSink(), clip(events=()))))
    assert parselmouth.praat.call(grid, "Get tier name", 1) == "events"


@pytest.mark.parametrize("channel", ["mix", 2])
def test_formats_with_a_place_for_it_name_the_channel(tmp_path: Path, channel: str | int) -> None:
    number = 1 if channel == "mix" else channel
    heard = {"channel": channel, "stream": None if channel == "mix" else 3}

    def text(sink) -> str:
        return written(sink, clip(), **heard)

    raven = pandas.read_csv(io.StringIO(text(RavenSink())), sep="\t", quoting=3)
    assert set(raven["Channel"]) == {number}
    assert {line.split()[2] for line in text(RttmSink()).splitlines()} == {str(number)}
    (annotation,) = json.loads(text(JamsSink()))["annotations"]
    assert annotation["sandbox"] == heard
    tsv = pandas.read_csv(io.StringIO(text(TsvSink())), sep="\t")
    assert set(tsv["channel"]) == {channel}
    note = text(WebVttSink()).splitlines()[2]
    ends = "scores" if channel == "mix" else "scores, channel 2, stream 3"
    assert note == f"NOTE yamkit 1.2.3, model net, calibrated {ends}"


@pytest.mark.parametrize("path", ["a.wav", HOSTILE, "b\rc.wav"])
def test_dcase_and_tsv_are_read_by_pandas(tmp_path: Path, path: str) -> None:
    table = pandas.read_csv(saved(tmp_path, DcaseSink(), clip(path)), sep="\t")
    assert list(table.columns) == ["filename", "onset", "offset", "event_label"]
    assert list(table["filename"]) == [printable(path)] * 4
    assert list(table["event_label"]) == NAMES
    assert list(zip(table["onset"], table["offset"], strict=True)) == TIMES
    table = pandas.read_csv(saved(tmp_path, TsvSink(), clip(path)), sep="\t")
    assert list(table["path"]) == [printable(path)] * 4
    assert list(table["name"]) == NAMES
    assert list(zip(table["start_ms"], table["end_ms"], strict=True)) == [
        (round(start * 1000), round(end * 1000)) for start, end in TIMES
    ]
    assert table["start_ms"].dtype == "int64"
    assert list(table["index"]) == [0, 69, 1, 69]


def test_rttm_is_read_by_pyannote(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs
        from pyannote.database.util import load_rttm
    path = saved(tmp_path, RttmSink(), clip('a "b"\t<c> %, ü犬.wav'))
    ((uri, annotation),) = load_rttm(str(path)).items()
    assert unquote(uri) == 'a "b"\t<c> %, ü犬.wav'
    found = sorted(
        (round(segment.start, 6), round(segment.end, 6), label)
        for segment, _, label in annotation.itertracks(yield_label=True)
    )
    assert [each[:2] for each in found] == TIMES
    assert found[2][2] == re.sub(r"\s+", "_", ESCAPED)
    first = path.read_text().splitlines()[1].split()
    assert len(first) == 10
    assert first[8] == "0.912346"


def test_jams_is_read_by_jams(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs
        import jams

        found = jams.load(str(saved(tmp_path, JamsSink(), clip(HOSTILE))), fmt="json")
    assert found.file_metadata.title == HOSTILE
    assert found.file_metadata.duration == 3.5
    (annotation,) = found.annotations
    assert annotation.namespace == "tag_open"
    data = list(annotation.data)
    assert [each.value for each in data] == ["Speech", "Dog", HOSTILE, "Dog"]
    assert [each.time for each in data] == [start for start, _ in TIMES]
    assert [each.time + each.duration for each in data] == pytest.approx([e for _, e in TIMES])
    assert data[1].confidence == 0.9123457
    assert "max of the calibrated scores" in annotation.annotation_metadata.annotation_rules


def test_json_text_and_csv_have_events_too() -> None:
    document = json.loads(written(JsonSink(), [*clip(), *clip("b.wav", events=())]))
    assert document["parameters"]["events"]["score"] == "max"
    first, second = document["clips"]
    assert first["timeline"] == []
    assert first["events"][1] == {
        "onset_seconds": 0.48,
        "offset_seconds": 2.4,
        "index": 69,
        "mid": "/m/0bt9lr",
        "name": "Dog",
        "score": 0.9123457,
    }
    assert second["events"] == []
    line = json.loads(written(JsonLinesSink(), clip()))
    assert (line["score_kind"], line["event_score"], len(line["events"])) == (
        "calibrated",
        "max",
        4,
    )
    rows = pandas.read_csv(io.StringIO(written(CsvSink(), clip(HOSTILE))))
    assert list(rows["start_seconds"]) == [start for start, _ in TIMES]
    assert set(rows["aggregate"]) == {"max"}
    assert set(rows["score_kind"]) == {"calibrated"}
    assert set(rows["path"]) == {ESCAPED}
    text = written(TextSink(), [*clip(), *clip("b.wav", events=())])
    assert text.startswith(
        "a.wav: events, each with the max of its calibrated scores\n"
        "      0.000 -    0.480  Speech 0.500\n"
    )
    assert "b.wav: no events\n  3.50 s, calibrated mean of 6 patches, net:\n" in text


@pytest.mark.parametrize("promised", [60.5, None, 59.0])
def test_text_gives_the_time_of_long_clips_as_a_clock_does(promised: float | None) -> None:
    event = Event(62.46, 3725.0, DOG)
    items = [ClipStart("a.wav", 8000, 1, promised), EVENTS[0], event, ClipEnd(3725.0, 5, ())]
    lines = written(TextSink(), items).splitlines()
    first = (
        "      0.000 -    0.480  Speech" if promised == 59.0 else "  0:00:00.0 - 0:00:00.5  Speech"
    )
    assert lines[1].startswith(first)
    # a header may promise less than there is
    assert lines[2] == "  0:01:02.5 - 1:02:05.0  Dog 0.912"


@pytest.mark.parametrize("sink", [AudacitySink, WebVttSink, SrtSink])
def test_labels_carry_the_score_where_that_is_asked_for(sink) -> None:
    texts = []
    for label_scores in (False, True):
        stream, opened = io.StringIO(), sink()
        opened.open(replace(RUN, label_scores=label_scores), stream)
        for item in clip():
            opened.write(item)
        opened.close()
        texts.append(stream.getvalue())
    assert "Dog 0.912\n" not in texts[0]
    assert texts[1].count("Dog 0.912\n") == 2
    assert (
        texts[1].replace(" 0.912\n", "\n").replace(" 0.500\n", "\n").replace(" 0.250\n", "\n")
        == texts[0]
    )


@pytest.mark.parametrize("sink", SINKS)
def test_a_clip_that_fails_leaves_whole_lines(sink) -> None:
    failed = ClipFailure("a.wav", "DecodeError", "a.wav: no")
    text = written(sink(), [failed, *clip("b.wav")])
    assert text == written(sink(), clip("b.wav"))
    sink().abort()


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(texts, texts)
def test_any_name_and_path_survive(path: str, name: str) -> None:
    event = Event(1.25, 2.5, Tag(0, "/m/0", name, 0.5))
    items = [ClipStart(path, 8000, 1), event, ClipEnd(3.0, 5, ())]
    for sink in (DcaseSink, TsvSink):
        (row,) = pandas.read_csv(
            io.StringIO(written(sink(), items), newline=""),
            sep="\t",
            keep_default_na=False,
            dtype=str,
        ).to_dict("records")
        assert printable(path) in (row.get("filename"), row.get("path"))
        assert printable(name) in (row.get("event_label"), row.get("name"))
    assert json.loads(written(JamsSink(), items))["annotations"][0]["data"][0]["value"] == name
    (line,) = written(AudacitySink(), items).split("\n")[:-1]
    assert len(line.split("\t")) == 3
    raven = written(RavenSink(), items).split("\n")[:-1]
    assert [len(each.split("\t")) for each in raven] == [14, 14]
    (line,) = written(RttmSink(), items).split("\n")[:-1]
    assert len(line.split()) == 10
    assert len(list(srt.parse(written(SrtSink(), items)))) == 1
    assert len(list(webvtt.from_string(written(WebVttSink(), items)))) == 1
    grid = written(TextGridSink(), items)
    assert grid.count("\n") == grid.count("\r\n") + len(grid.splitlines())


@given(st.floats(0, 1e5), st.floats(1e-6, 1e4))
def test_milliseconds_never_vanish(onset: float, lasts: float) -> None:
    start, end = milliseconds(Event(onset, onset + lasts, DOG))
    assert 0 <= start < end
    assert abs(start - onset * 1000) <= 1.5
    assert clock(3_723_004, ",") == "01:02:03,004"
