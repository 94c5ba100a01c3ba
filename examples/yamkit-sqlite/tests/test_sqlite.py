"""What yamkit promises of every output format, and what stands in the database."""

from __future__ import annotations

import io
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

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
from yamkit_sqlite._sink import SqliteSink

RUN = RunInfo(
    yamkit="1.0",
    model=RunModel("yamnet", "1", "0" * 64, "a source", 521),
    backend="onnx",
    frontend="logmel",
    resampler="polyphase",
    parameters=Parameters("mean", 0.48, None, 5, classes=(1, 2), events=EventParameters()),
    per_patch=True,
)
DOG = Tag(1, "/m/0bt9lr", "Dog", float(np.float32(0.9)))
CAT = Tag(2, "/m/01yrx", 'Cat "Tom"\n', float(np.float32(0.1)))


class TestSqlite(SinkContract):
    plugin = "sqlite"


def database(tmp_path: Path, *items: SinkItem) -> sqlite3.Connection:
    stream = io.BytesIO()
    sink = SqliteSink()
    sink.open(RUN, stream)
    for item in items:
        sink.write(item)
    sink.close()
    (tmp_path / "tags.db").write_bytes(stream.getvalue())
    return sqlite3.connect(tmp_path / "tags.db")


def test_what_stands_in_it(tmp_path: Path) -> None:
    items = [
        ClipStart("a.wav", 44_100, 2),
        PatchTags(0.0, 0.975, (DOG, CAT)),
        PatchTags(0.48, 1.455, (DOG,)),
        ClipEnd(1.5, 2, (DOG, CAT), ("truncated",)),
        ClipFailure("no.wav", "AudioFileError", "no.wav: no such file"),
        ClipStart("b.wav", 8000, 1),
        PatchTags(0.0, 0.5, (CAT,)),
        ClipFailure("b.wav", "DecodeError", "b.wav: cut off"),
        ClipStart("a.wav", 44_100, 2),
        Event(0.48, 1.92, DOG),
        ClipEnd(3.0, 5, ()),
    ]
    with closing(database(tmp_path, *items)) as found:

        def rows(query: str) -> list[tuple]:
            return found.execute(query).fetchall()

        assert rows("SELECT * FROM clips") == [
            (1, "a.wav", 44_100, 2, 1.5, 2, None, None),
            (2, "no.wav", None, None, None, None, "AudioFileError", "no.wav: no such file"),
            (3, "b.wav", 8000, 1, None, None, "DecodeError", "b.wav: cut off"),
            (4, "a.wav", 44_100, 2, 3.0, 5, None, None),
        ]
        assert rows("SELECT path, name, score, rank FROM tags ORDER BY clip, rank") == [
            ("a.wav", "Dog", DOG.score, 1),
            ("a.wav", CAT.name, CAT.score, 2),
        ]
        assert rows("SELECT start_seconds, end_seconds, name FROM timeline WHERE clip = 1") == [
            (0.0, 0.975, "Dog"),
            (0.0, 0.975, CAT.name),
            (0.48, 1.455, "Dog"),
        ]
        assert rows("SELECT clip, onset_seconds, offset_seconds, name FROM sounds") == [
            (4, 0.48, 1.92, "Dog")
        ]
        assert rows("SELECT * FROM warnings") == [(1, "truncated")]
        run = dict(rows("SELECT * FROM run"))
        assert (run["model.name"], run["parameters.hop_seconds"]) == ("yamnet", 0.48)
        assert (run["parameters.classes"], run["parameters.threshold"]) == ("[1, 2]", None)
        assert run["parameters.events.enter"] == 0.3
        assert rows("PRAGMA integrity_check") == [("ok",)]
        assert rows("PRAGMA foreign_key_check") == []


@pytest.mark.parametrize("name", ["'); DROP TABLE clips; --", 'quo"te', "nul\0", "\u202e\n\t", "é"])
def test_hostile_names_come_back_as_they_were(tmp_path: Path, name: str) -> None:
    tag = Tag(1, name, name, 0.5)
    items = (ClipStart(name, 8000, 1), ClipEnd(1.0, 1, (tag,), (name,)))
    with closing(database(tmp_path, *items)) as found:
        assert found.execute("SELECT path, name, mid FROM tags").fetchone() == (name, name, name)


def test_the_command_line(tmp_path: Path) -> None:
    import wave

    with wave.open(str(tmp_path / "tone.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        time = np.arange(48_000) / 16_000
        sound.writeframes((8000 * np.sin(2 * np.pi * 440 * time)).astype("<i2").tobytes())
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    command = [sys.executable, "-m", "yamkit", "classify", str(tmp_path / "tone.wav")]
    command += [str(tmp_path / "broken.wav"), "--per-patch", "-o", str(tmp_path / "tags.db")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1  # of the broken file
    with closing(sqlite3.connect(tmp_path / "tags.db")) as found:
        assert found.execute("SELECT count(*) FROM clips WHERE error IS NULL").fetchone() == (1,)
        assert found.execute("SELECT count(DISTINCT start_seconds) FROM timeline").fetchone() == (
            6,
        )
