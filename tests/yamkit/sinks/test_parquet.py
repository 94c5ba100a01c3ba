"""Parquet tables and arrays, read back by pyarrow and NumPy."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yamkit.errors import OutputError, ParameterError
from yamkit.sinks._npy import EmbeddingsSink, ScoresSink
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

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

SPEECH = Tag(0, "/m/09x0r", "Speech", 0.75)
NAME = Tag(3, "/m/02qldy", 'Narration, "monologue"', 0.125)
FAILURE = ClipFailure("bad.wav", "DecodeError", "bad.wav: not a sound file")
SCORES = np.array([0.5, 0.25], np.float16)
EMBEDDING = np.array([1, 2, 3], np.float16)


def run(per_patch: bool = False, arrays: tuple[str, ...] = (), **parameters) -> RunInfo:
    return RunInfo(
        yamkit="1.2.3",
        model=RunModel("net", "1", "ab" * 32, "somewhere", 2),
        backend="onnx",
        frontend="logmel",
        resampler="polyphase",
        parameters=Parameters("mean", 0.48, None, 5, **parameters),
        per_patch=per_patch,
        embedding_size=3,
        arrays=arrays,
        shard=(2, 8),
    )


def table(items, **options):
    from yamkit.sinks._parquet import ParquetSink

    stream = io.BytesIO()
    sink = ParquetSink()
    sink.open(run(**options), stream)
    for item in items:
        sink.write(item)
    sink.close()
    return pq.read_table(io.BytesIO(stream.getvalue()))


def test_a_row_a_tag_and_a_row_for_what_has_none() -> None:
    end = ClipEnd(1.0004, 2, (SPEECH, NAME), ("odd", "very odd"))
    found = table(
        [
            *(ClipStart('ä, "b"\n.wav', 8000, 1), end),
            *(ClipStart("silent.wav", 8000, 1), ClipEnd(2.0, 4, ())),
            FAILURE,
        ]
    )
    assert found.schema.field("name").type == pa.dictionary(pa.int32(), pa.string())
    assert found.schema.field("score").type == pa.float32()
    assert found.schema.field("start_ms").type == pa.int64()
    rows = found.to_pylist()
    assert [row["path"] for row in rows] == ['ä, "b"\n.wav'] * 2 + ["silent.wav", "bad.wav"]
    assert [row["rank"] for row in rows] == [1, 2, None, None]
    assert [row["name"] for row in rows] == ["Speech", NAME.name, None, None]
    assert [row["score"] for row in rows] == [0.75, 0.125, None, None]
    assert [row["end_seconds"] for row in rows] == [1.0004, 1.0004, 2.0, None]
    assert [row["end_ms"] for row in rows] == [1000, 1000, 2000, None]
    assert [row["warnings"] for row in rows] == [["odd", "very odd"], None, None, None]
    assert [row["error_type"] for row in rows] == [None, None, None, "DecodeError"]
    assert rows[3]["error"] == FAILURE.message
    assert {(row["channel"], row["stream"]) for row in rows} == {("mix", None)}


def test_the_table_says_what_made_it() -> None:
    about = json.loads(table([]).schema.metadata[b"yamkit"])
    assert about["model"]["sha256"] == "ab" * 32
    assert about["parameters"]["hop_seconds"] == 0.48
    assert about["shard"] == "2/8"


def test_the_table_names_the_channel_and_the_stream() -> None:
    end = ClipEnd(1.0, 2, (SPEECH,))
    found = table([ClipStart("a.wav", 8000, 2), end, FAILURE], channel=2, stream=3)
    assert [(row["channel"], row["stream"]) for row in found.to_pylist()] == [("2", 3)] * 2
    parameters = json.loads(found.schema.metadata[b"yamkit"])["parameters"]
    assert (parameters["channel"], parameters["stream"]) == (2, 3)


def test_patches_with_arrays() -> None:
    patches = [
        PatchTags(0.0, 0.975, (SPEECH, NAME), SCORES, EMBEDDING),
        PatchTags(0.48, 1.2345, (), SCORES * 2, EMBEDDING * 2),
    ]
    end = ClipEnd(1.2345, 2, (SPEECH,), ("odd",))
    found = table(
        [ClipStart("a.wav", 8000, 1), *patches, end],
        per_patch=True,
        arrays=("scores", "embedding"),
    )
    assert found.schema.field("scores").type == pa.list_(pa.float32())
    rows = found.to_pylist()
    assert [(row["start_ms"], row["end_ms"], row["rank"]) for row in rows] == [
        (0, 975, 1),
        (0, 975, 2),
        (480, 1234, None),
        (0, 1234, None),
    ]
    assert [row["scores"] for row in rows] == [[0.5, 0.25], None, [1.0, 0.5], None]
    assert [row["embedding"] for row in rows] == [[1, 2, 3], None, [2, 4, 6], None]
    assert rows[3]["warnings"] == ["odd"]


def test_a_long_table_comes_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    from yamkit.sinks import _parquet

    monkeypatch.setattr(_parquet, "_GROUP_ROWS", 4)
    patches = [PatchTags(float(n), n + 1.0, (SPEECH,)) for n in range(10)]
    found = table([ClipStart("a.wav", 8000, 1), *patches, ClipEnd(11.0, 10, ())], per_patch=True)
    assert found["start_seconds"].num_chunks == 3
    assert found["start_seconds"].to_pylist() == [float(n) for n in range(10)]


def test_arrays_make_groups_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from yamkit.sinks import _parquet

    monkeypatch.setattr(_parquet, "_GROUP_VALUES", 4)
    patches = [PatchTags(float(n), n + 1.0, (), SCORES) for n in range(4)]
    found = table([ClipStart("a.wav", 8000, 1), *patches], per_patch=True, arrays=("scores",))
    assert found["scores"].num_chunks == 2


def test_giving_up_writes_no_whole_table() -> None:
    from yamkit.sinks._parquet import ParquetSink

    stream = io.BytesIO()
    sink = ParquetSink()
    sink.open(run(), stream)
    sink.write(ClipStart("a.wav", 8000, 1))
    sink.write(ClipEnd(1.0, 1, (SPEECH,)))
    sink.abort()
    assert pq.read_table(io.BytesIO(stream.getvalue())).num_rows == 0


@settings(max_examples=30)
@given(st.lists(st.tuples(st.text(), st.text(), st.floats(0, 1, width=32)), max_size=8))
def test_any_names_come_back(rows) -> None:
    items = []
    for path, name, score in rows:
        items += [ClipStart(path, 8000, 1), ClipEnd(1.0, 1, (Tag(1, "", name, score),))]
    found = table(items).to_pylist()
    assert [(row["path"], row["name"], row["score"]) for row in found] == rows


@pytest.mark.parametrize(("sink", "array"), [(ScoresSink, "scores"), (EmbeddingsSink, "embedding")])
def test_arrays_of_a_clip(sink, array: str) -> None:
    stream = io.BytesIO()
    writer = sink()
    writer.open(run(per_patch=True, arrays=(array,)), stream)
    writer.write(ClipStart("a.wav", 8000, 1))
    wanted = []
    for factor in range(300):
        arrays = (SCORES * factor, EMBEDDING * factor)
        writer.write(PatchTags(0.0, 1.0, (), *arrays))
        wanted.append(arrays[array == "embedding"])
    writer.write(ClipEnd(300.0, 300, ()))
    writer.close()
    found = np.load(io.BytesIO(stream.getvalue()), allow_pickle=False)
    assert found.dtype == np.float16
    np.testing.assert_array_equal(found, wanted)


def test_a_clip_as_one_row() -> None:
    stream = io.BytesIO()
    writer = ScoresSink()
    writer.open(run(arrays=("scores",)), stream)
    writer.write(ClipStart("a.wav", 8000, 1))
    writer.write(ClipEnd(1.0, 1, (), (), SCORES))
    writer.close()
    assert np.load(io.BytesIO(stream.getvalue())).tolist() == [[0.5, 0.25]]


def test_arrays_that_cannot_be_written() -> None:
    with pytest.raises(ParameterError, match="--save-scores"):
        ScoresSink().open(run(), io.BytesIO())

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    with pytest.raises(OutputError, match="cannot be written to a pipe"):
        EmbeddingsSink().open(run(arrays=("embedding",)), Pipe())


def test_events_are_rows_and_the_clip_is_one_behind_them() -> None:
    parameters = Parameters("mean", 0.48, None, 5, events=EventParameters(score="max"))
    about = replace(run(arrays=("scores",)), parameters=parameters)
    scores = np.arange(3, dtype=np.float16)
    from yamkit.sinks._parquet import ParquetSink

    stream = io.BytesIO()
    sink = ParquetSink()
    sink.open(about, stream)
    sink.write(ClipStart("a.wav", 8000, 1))
    sink.write(Event(0.48, 0.96, Tag(1, "/m/1", "One", 0.5)))
    sink.write(ClipEnd(2.0, 3, (Tag(1, "/m/1", "One", 0.1),), ("odd",), scores))
    sink.close()
    rows = pq.read_table(io.BytesIO(stream.getvalue())).to_pylist()
    assert [(row["name"], row["start_ms"], row["end_ms"], row["rank"]) for row in rows] == [
        ("One", 480, 960, None),
        (None, 0, 2000, None),
    ]
    assert rows[1]["scores"] == [0, 1, 2]
    assert rows[1]["warnings"] == ["odd"]
