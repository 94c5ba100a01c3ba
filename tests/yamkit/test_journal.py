"""The journal: what was finished is there whole, and nothing else is."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from yamkit.errors import OutputError, ParameterError
from yamkit.journal import Journal
from yamkit.types import ClipEnd, ClipFailure, ClipStart, PatchTags, Peak, Tag, TagClass

CLASSES = (TagClass(0, "/m/0", "A"), TagClass(1, "/m/1", "B"))
STAMP = (7, 8)
START = ClipStart("a.wav", 16000, 1)
PATCH = PatchTags(0.0, 0.975, (Tag(1, "/m/1", "B", 0.5),), np.array([0.25, 0.5], np.float16))
END = ClipEnd(1.0, 1, (Tag(1, "/m/1", "B", 0.5),), ("odd",), peaks=(Peak(0.75, 0.48),))
FAILURE = ClipFailure("a.wav", "DecodeError", "a.wav: broken")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.journal"


def journal(path: Path, *, resume: bool = True, top: str = "5", **options) -> Journal:
    parameters = {"model": "m", "top": top}
    return Journal(path, parameters, CLASSES, resume=resume, **options)


def write(log: Journal, key: str, *items, stamp: tuple[int, int] | None = STAMP) -> None:
    for item in items:
        log.write(key, stamp, item)


def test_what_was_finished_is_there_again(path: Path) -> None:
    with journal(path) as log:
        write(log, "a.wav", START, PATCH, END)
        write(log, "b.wav", FAILURE)
    with journal(path) as log:
        assert [log.state(key, STAMP) for key in ("a.wav", "b.wav", "c.wav")] == [
            "done",
            "failed",
            None,
        ]
        found = list(log.items("a.wav"))
        assert found == [START, PATCH, END]
        np.testing.assert_array_equal(found[1].scores, PATCH.scores)
        assert list(log.items("b.wav")) == [FAILURE]
        assert list(log.items("c.wav")) == []


def test_a_clip_with_many_patches(path: Path) -> None:
    patches = [PatchTags(float(n), n + 1.0, ()) for n in range(600)]
    with journal(path) as log:
        write(log, "a.wav", START, *patches, END)
        assert list(log.items("a.wav")) == [START, *patches, END]


def test_another_file_of_the_same_name_is_not_done(path: Path) -> None:
    with journal(path) as log:
        write(log, "a.wav", START, END)
        assert log.state("a.wav", (7, 9)) is None
        assert log.state("a.wav", (6, 8)) is None
        write(log, "a.wav", FAILURE, stamp=(7, 9))
        assert log.state("a.wav", STAMP) is None
        assert log.state("a.wav", (7, 9)) == "failed"
        assert list(log.items("a.wav")) == [FAILURE]


def test_a_clip_that_was_not_finished_is_forgotten(path: Path) -> None:
    with journal(path) as log:
        write(log, "a.wav", START, END)
        write(log, "b.wav", START, PATCH)
    with journal(path) as log:
        assert (log.state("a.wav", STAMP), log.state("b.wav", STAMP)) == ("done", None)
        assert list(log.items("b.wav")) == []


def test_what_came_before_a_failure_is_dropped(path: Path) -> None:
    with journal(path) as log:
        write(log, "a.wav", START, PATCH, FAILURE)
        assert list(log.items("a.wav")) == [FAILURE]


def test_without_items_only_failures_and_warnings_are_kept(path: Path) -> None:
    with journal(path, keep_items=False) as log:
        write(log, "a.wav", START, PATCH, END)
        write(log, "b.wav", START, FAILURE)
        write(log, "c.wav", START, PATCH, ClipEnd(1.0, 1, END.tags))
        end = ClipEnd(1.0, 1, (), ("odd",))
        assert (log.state("a.wav", STAMP), list(log.items("a.wav"))) == ("done", [end])
        assert (log.state("c.wav", STAMP), list(log.items("c.wav"))) == ("done", [])
        assert (log.state("b.wav", STAMP), list(log.items("b.wav"))) == ("failed", [FAILURE])
    with pytest.raises(ParameterError, match="one output a clip there and one for all here"):
        journal(path)


def test_a_stream_is_passed_over(path: Path) -> None:
    with journal(path) as log:
        write(log, "-", START, END, stamp=None)
        assert list(log.items("-")) == []


def test_other_parameters_are_named(path: Path) -> None:
    journal(path).close()
    with pytest.raises(ParameterError) as caught:
        journal(path, top="9")
    assert "the journal of another run: top '5' there and '9' here" in str(caught.value)


def test_a_run_that_was_not_finished_is_not_overwritten(path: Path) -> None:
    journal(path, resume=False).close()
    with journal(path, resume=False, top="1") as log:  # nothing was done: nothing is lost
        write(log, "a.wav", START, END)
    with pytest.raises(ParameterError, match="not finished, 1 clips done; go on with --resume"):
        journal(path, resume=False)
    with journal(path, top="1") as log:
        log.finish()
    with journal(path, resume=False) as log:
        assert log.state("a.wav", STAMP) is None


def test_one_run_at_a_time(path: Path) -> None:
    with journal(path), pytest.raises(OutputError, match="another run is writing it"):
        journal(path)
    journal(path).close()


@pytest.mark.parametrize("data", [b"no database" * 200, b"SQLite format 3\0" + bytes(5000)])
def test_what_is_no_journal(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(OutputError, match="no journal of this version of yamkit; remove it"):
        journal(path)
    assert path.read_bytes() == data


def test_a_database_of_others_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE clips (name TEXT)")
    database.close()
    with pytest.raises(OutputError, match="no journal of this version of yamkit; remove it"):
        journal(path, resume=False)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE items SET record = '[]'",
        "UPDATE items SET record = '[\"patch\", 0, 1, [[9, 1]]]'",
        "UPDATE items SET record = x'ff'",
    ],
)
def test_damaged_items(path: Path, change: str) -> None:
    with journal(path) as log:
        write(log, "a.wav", START, END)
    with sqlite3.connect(path) as database:
        database.execute(change)
    database.close()
    with journal(path) as log, pytest.raises(OutputError, match="no journal of this version"):
        list(log.items("a.wav"))


@pytest.mark.parametrize(
    "change", ["DELETE FROM about", "UPDATE about SET value = '[1]' WHERE name = 'parameters'"]
)
def test_a_damaged_head(path: Path, change: str) -> None:
    journal(path).close()
    with sqlite3.connect(path) as database:
        database.execute(change)
    database.close()
    with pytest.raises(OutputError, match="no journal of this version"):
        journal(path)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nowhere/x: unable to open"):
        journal(tmp_path / "nowhere" / "x")
