"""The contract of output formats, and the contents of the database."""

from __future__ import annotations

import contextlib
import io
import re
import sqlite3
import subprocess
import sys
import tempfile
import wave
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from yamkit.errors import OutputError
from yamkit.testing import SinkContract
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
    SinkItem,
    Tag,
)
from yamkit_sqlite import _sink
from yamkit_sqlite._sink import SqliteSink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
RUN = RunInfo(
    yamkit="1.0",
    model=RunModel("yamnet", "1", "0" * 64, "a source", 521),
    backend="onnx",
    frontend="logmel",
    resampler="polyphase",
    parameters=Parameters("mean", 0.48, None, 5),
    per_patch=True,
)
DOG = Tag(1, "/m/0bt9lr", "Dog", float(np.float32(0.9)))
CAT = Tag(2, "/m/01yrx", "Cat", float(np.float32(0.1)))
HOSTILE = [
    "'); DROP TABLE clips; --",
    'quo"te and `tick` and ]',
    "line\nbreak\r\n",
    "nul\0 in it",
    "\u202eright to left \U0001f415 e\u0301",
    "?1 :name @name $name",
    " spaces ",
    "",
    "x" * 100_000,
]


class TestSqlite(SinkContract):
    plugin = "sqlite"


@dataclass(frozen=True)
class Unknown:
    """An item of a type that a later yamkit may add."""


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def written(*items: object, run: RunInfo = RUN) -> bytes:
    stream = io.BytesIO()
    sink = SqliteSink()
    sink.open(run, stream)
    for item in items:
        sink.write(item)
    sink.close()
    return stream.getvalue()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Callable[..., sqlite3.Connection]]:
    """Write items, and return a connection to the database; SQLite checks every database."""
    opened = contextlib.ExitStack()

    def make(*items: SinkItem, run: RunInfo = RUN) -> sqlite3.Connection:
        path = tmp_path / "tags.db"
        path.write_bytes(written(*items, run=run))
        found = opened.enter_context(closing(sqlite3.connect(path)))
        assert found.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert found.execute("PRAGMA foreign_key_check").fetchall() == []
        return found

    with opened:
        yield make


def rows(found: sqlite3.Connection, query: str) -> list[tuple]:
    return found.execute(query).fetchall()


def test_clips_and_failures(database) -> None:
    found = database(
        ClipStart("a.wav", 44_100, 2),
        PatchTags(0.0, 0.975, (DOG, CAT)),
        PatchTags(0.48, 1.455, (DOG,)),
        ClipEnd(1.5, 2, (DOG, CAT), ("truncated", "clipped")),
        ClipFailure("no.wav", "AudioFileError", "no.wav: no such file"),
        ClipStart("b.wav", 8000, 1),
        PatchTags(0.0, 0.5, (CAT,)),
        ClipFailure("b.wav", "DecodeError", "b.wav: cut off"),
        ClipStart("a.wav", 44_100, 2),
        ClipEnd(3.0, 5, (CAT,)),
    )
    assert rows(found, "SELECT * FROM clips") == [
        (1, "a.wav", 44_100, 2, 1.5, 2, None, None),
        (2, "no.wav", None, None, None, None, "AudioFileError", "no.wav: no such file"),
        (3, "b.wav", 8000, 1, None, None, "DecodeError", "b.wav: cut off"),
        (4, "a.wav", 44_100, 2, 3.0, 5, None, None),
    ]
    assert rows(found, "SELECT * FROM classes") == [(1, DOG.mid, "Dog"), (2, CAT.mid, "Cat")]
    assert rows(found, "SELECT * FROM warnings") == [(1, "truncated"), (1, "clipped")]
    assert rows(found, "SELECT * FROM clip_tags") == [
        (1, 1, 1, DOG.score),
        (1, 2, 2, CAT.score),
        (4, 2, 1, CAT.score),
    ]
    assert rows(found, "SELECT * FROM patch_tags") == [
        (1, 0.0, 0.975, 1, 1, DOG.score),
        (1, 0.0, 0.975, 2, 2, CAT.score),
        (1, 0.48, 1.455, 1, 1, DOG.score),
        (3, 0.0, 0.5, 2, 1, CAT.score),
    ]


def test_views(database) -> None:
    found = database(
        ClipStart("a.wav", 44_100, 2),
        PatchTags(0.0, 0.975, (DOG,)),
        Event(0.48, 1.92, CAT),
        ClipEnd(3.0, 5, (DOG,)),
    )
    assert rows(found, "SELECT * FROM tags") == [
        ("a.wav", "Dog", DOG.score, 1, DOG.mid, 1, 1),
    ]
    assert rows(found, "SELECT * FROM timeline") == [
        ("a.wav", 0.0, 0.975, "Dog", DOG.score, 1, DOG.mid, 1, 1),
    ]
    assert rows(found, "SELECT * FROM sounds") == [
        ("a.wav", 0.48, 1.92, "Cat", CAT.score, CAT.mid, 1, 2),
    ]


def test_the_run(database) -> None:
    def run_row(run: RunInfo) -> dict[str, object]:
        found = database(run=run)
        found.row_factory = sqlite3.Row
        (row,) = rows(found, "SELECT * FROM runs")
        return dict(row)

    bare = run_row(RUN)
    assert bare == {
        "id": 1,
        "yamkit": "1.0",
        "model_name": "yamnet",
        "model_version": "1",
        "model_sha256": "0" * 64,
        "model_source": "a source",
        "model_classes": 521,
        "backend": "onnx",
        "frontend": "logmel",
        "resampler": "polyphase",
        "provider": "cpu",
        "aggregate": "mean",
        "hop_seconds": 0.48,
        "threshold": None,
        "top": 5,
        "score_kind": "raw",
        "calibration": None,
        "class_thresholds": None,
        "classes": None,
        "roll_up": 0,
        "events_enter": None,
        "events_leave": None,
        "events_cells": None,
        "events_score": None,
        "events_median_cells": None,
        "events_min_duration_seconds": None,
        "events_join_gap_seconds": None,
        "per_patch": 1,
        "shard": 1,
        "shards": 1,
        "channel": "mix",
        "stream": None,
    }
    parameters = replace(
        RUN.parameters,
        threshold=0.25,
        top=None,
        score_kind="calibrated",
        calibration="c" * 64,
        class_thresholds="d" * 64,
        classes=(1, 2),
        roll_up=True,
        events=EventParameters(0.4, 0.2, "max", "mean", 3, 0.1, 0.2),
        channel=2,
        stream=3,
    )
    full = run_row(replace(RUN, parameters=parameters, per_patch=False, shard=(2, 9)))
    assert {key: value for key, value in full.items() if value != bare[key]} == {
        "threshold": 0.25,
        "top": None,
        "score_kind": "calibrated",
        "calibration": "c" * 64,
        "class_thresholds": "d" * 64,
        "classes": "[1, 2]",
        "roll_up": 1,
        "events_enter": 0.4,
        "events_leave": 0.2,
        "events_cells": "max",
        "events_score": "mean",
        "events_median_cells": 3,
        "events_min_duration_seconds": 0.1,
        "events_join_gap_seconds": 0.2,
        "per_patch": 0,
        "shard": 2,
        "shards": 9,
        "channel": "2",
        "stream": 3,
    }


def test_no_clips(database) -> None:
    found = database()
    tables = ("clips", "classes", "warnings", "clip_tags", "patch_tags", "events")
    views = ("tags", "timeline", "sounds")
    assert [rows(found, f"SELECT count(*) FROM {name}") for name in (*tables, *views)] == [
        [(0,)]
    ] * 9


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_come_back_as_they_were(database, name: str) -> None:
    tag = Tag(1, name, name, 0.5)
    run = replace(RUN, model=replace(RUN.model, name=name, source=name))
    found = database(
        ClipStart(name, 8000, 1),
        ClipEnd(1.0, 1, (tag,), (name,)),
        ClipFailure(name, name, name),
        run=run,
    )
    assert rows(found, "SELECT path, name, mid FROM tags") == [(name,) * 3]
    assert rows(found, "SELECT message FROM warnings") == [(name,)]
    assert rows(found, "SELECT path, error_type, error_message FROM clips WHERE id = 2") == [
        (name,) * 3
    ]
    assert rows(found, "SELECT model_name, model_source FROM runs") == [(name,) * 2]


def test_scores_are_exact(database) -> None:
    random = np.random.default_rng(0)
    bits = random.integers(0, 0x3F800000, 5000, dtype=np.uint32, endpoint=True)
    edges = np.array([0.0, 1.0, np.nextafter(np.float32(0), np.float32(1))], np.float32)
    scores = np.concatenate([edges, bits.view(np.float32)])  # every exponent from 0 to 1
    tags = tuple(Tag(i, "", str(i), float(score)) for i, score in enumerate(scores))
    found = database(
        ClipStart("a.wav", 8000, 1),
        PatchTags(0.0, 1.0, tags),
        Event(0.0, 1.0, tags[-1]),
        ClipEnd(1.0, 1, tags),
    )
    for table in ("clip_tags", "patch_tags"):
        back = [score for (score,) in rows(found, f"SELECT score FROM {table} ORDER BY rank")]
        assert np.array_equal(np.array(back, np.float32), scores)
        assert all(isinstance(score, float) for score in back)
    assert rows(found, "SELECT score FROM events") == [(float(scores[-1]),)]


def test_batches_end_anywhere(database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sink, "_BATCH_ROWS", 3)
    clip = [PatchTags(i * 0.48, i * 0.48 + 0.975, (DOG, CAT)) for i in range(10)]
    found = database(ClipStart("a.wav", 8000, 1), *clip, ClipEnd(5.0, 10, (DOG,)))
    assert rows(found, "SELECT count(*) FROM timeline") == [(20,)]


def test_items_of_a_later_yamkit_change_nothing() -> None:
    items = [ClipStart("a.wav", 8000, 1), PatchTags(0.0, 1.0, (DOG,)), ClipEnd(1.0, 1, (DOG,))]
    odd = [thing for item in items for thing in (Unknown(), item)]
    assert written(*odd) == written(*items)


class Full(io.RawIOBase):
    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("count", range(4))
def test_abort_leaves_nothing(scratch: Path, count: int) -> None:
    items = [ClipStart("a.wav", 8000, 1), PatchTags(0.0, 1.0, (DOG,)), ClipEnd(1.0, 1, (DOG,))]
    stream = io.BytesIO()
    sink = SqliteSink()
    sink.open(RUN, stream)
    assert list(scratch.iterdir())
    for item in items[:count]:
        sink.write(item)
    sink.abort()
    sink.abort()
    assert not list(scratch.iterdir())
    assert stream.getvalue() == b""


def test_a_stream_that_fails_leaves_nothing(scratch: Path) -> None:
    sink = SqliteSink()
    sink.open(RUN, Full())
    with pytest.raises(OSError, match="No space left"):
        sink.close()
    sink.abort()
    assert not list(scratch.iterdir())


def test_no_room_for_the_database(scratch: Path) -> None:
    sink = SqliteSink()
    sink.open(RUN, io.BytesIO())
    sink._database.commit()
    sink._database.execute("PRAGMA max_page_count = 1")  # as much as it has now
    sink.write(ClipStart("a.wav", 8000, 1))
    with pytest.raises(OutputError, match=r"scratch: database or disk is full.*TMPDIR"):
        sink.write(ClipFailure("a.wav", "DecodeError", "x" * 100_000))
    sink.abort()
    assert not list(scratch.iterdir())


def test_a_failure_of_open_leaves_nothing(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sink, "_script", lambda name: "SELECT * FROM absent")
    with pytest.raises(OutputError, match="no such table: absent"):
        SqliteSink().open(RUN, io.BytesIO())
    assert not list(scratch.iterdir())


def test_the_command_line(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "tone.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        time = np.arange(48_000) / 16_000
        sound.writeframes((8000 * np.sin(2 * np.pi * 440 * time)).astype("<i2").tobytes())
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    command = [sys.executable, "-m", "yamkit", "classify", "tone.wav", "broken.wav"]
    command += ["--model", "yamnet-mini", "--per-patch", "--format", "sqlite", "-o"]
    for place in ("tags.db", "-"):
        done = subprocess.run([*command, place], capture_output=True, cwd=tmp_path)
        assert done.returncode == 1, done.stderr  # because of the broken file
        if place == "-":
            (tmp_path / "piped.db").write_bytes(done.stdout)
    assert (tmp_path / "piped.db").read_bytes() == (tmp_path / "tags.db").read_bytes()
    with closing(sqlite3.connect(tmp_path / "tags.db")) as found:
        assert rows(found, "SELECT path, error_type IS NULL FROM clips") == [
            ("tone.wav", 1),
            ("broken.wav", 0),
        ]
        assert rows(found, "SELECT count(DISTINCT start_seconds) FROM timeline") == [(6,)]
        assert rows(found, "SELECT model_name FROM runs") == [("yamnet-mini",)]


def test_the_tutorial_shows_the_code_as_it_is() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    sources = [*ROOT.glob("yamkit_sqlite/*.*"), *ROOT.glob("*.toml"), Path(__file__)]
    code = {line.strip() for path in sources for line in path.read_text("utf-8").splitlines()}
    parts = re.findall(r"(?: part of .+ -->\n```\w+|```text)\n(?!examples/)([^`]*)```", readme)
    assert parts
    for line in "".join(parts).splitlines():
        assert line.strip() in {*code, "", "..."}, line
