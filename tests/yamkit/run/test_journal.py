"""The journal: what was finished is there whole, and nothing else is."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yamkit.errors import OutputError, ParameterError
from yamkit.plugin import SinkInfo
from yamkit.run.checks import ItemLayout
from yamkit.run.clips import Clip
from yamkit.run.journal import Journal, NoJournal, open_journal
from yamkit.run.places import Format, plan_places
from yamkit.types import (
    ClipEnd,
    ClipFailure,
    ClipStart,
    Parameters,
    PatchTags,
    Peak,
    RunInfo,
    RunModel,
    Tag,
    TagClass,
)

CLASSES = (TagClass(0, "/m/0", "A"), TagClass(1, "/m/1", "B"))
STAMP = (7, 8)
START = ClipStart("a.wav", 16000, 1)
PATCH = PatchTags(0.0, 0.975, (Tag(1, "/m/1", "B", 0.5),), np.array([0.25, 0.5], np.float16))
END = ClipEnd(1.0, 1, (Tag(1, "/m/1", "B", 0.5),), ("odd",), peaks=(Peak(0.75, 0.48),))
FAILURE = ClipFailure("a.wav", "DecodeError", "a.wav: broken")
RUN = RunInfo(
    "1",
    RunModel("net", "1", "0" * 64, "", len(CLASSES)),
    "b",
    "f",
    "r",
    Parameters("mean", 0.48, None, 5),
    per_patch=True,
)
REC = Format(SinkInfo(name="rec", summary="", factory="x:y", api=1, extension="rec"), object)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.journal"


LAYOUT = ItemLayout(CLASSES, {"scores": 2}, per_patch=True)


def journal(
    path: Path, *, resume: bool = True, top: str = "5", layout: ItemLayout = LAYOUT, **options
) -> Journal:
    return Journal(path, {"model": "m", "top": top}, layout, resume=resume, **options)


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
    with journal(path, layout=ItemLayout(CLASSES)) as log:
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
    with journal(path, keep_items=False, layout=ItemLayout(CLASSES)) as log:
        write(log, "a.wav", START, PATCH, END)
        write(log, "b.wav", START, FAILURE)
        write(log, "c.wav", START, PATCH, ClipEnd(1.0, 1, END.tags))
        end = ClipEnd(1.0, 1, (), ("odd",))
        assert (log.state("a.wav", STAMP), list(log.items("a.wav"))) == ("done", [end])
        assert (log.state("c.wav", STAMP), list(log.items("c.wav"))) == ("done", [])
        assert (log.state("b.wav", STAMP), list(log.items("b.wav"))) == ("failed", [FAILURE])
    with pytest.raises(ParameterError, match="one output for each clip"):
        journal(path)


def test_a_stream_is_passed_over(path: Path) -> None:
    with journal(path) as log:
        write(log, "-", START, END, stamp=None)
        assert list(log.items("-")) == []


def test_other_parameters_are_named(path: Path) -> None:
    journal(path).close()
    with pytest.raises(ParameterError) as caught:
        journal(path, top="9")
    assert "top is '5' in the journal and '9' here" in str(caught.value)


def test_a_run_that_was_not_finished_is_not_overwritten(path: Path) -> None:
    journal(path, resume=False).close()
    with journal(path, resume=False, top="1") as log:  # nothing was done: nothing is lost
        write(log, "a.wav", START, END)
    with pytest.raises(ParameterError, match="1 clips done; .*--resume"):
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
def test_another_file_is_not_a_journal(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(OutputError, match="not a journal"):
        journal(path)
    assert path.read_bytes() == data


def test_a_database_of_others_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE clips (name TEXT)")
    database.close()
    with pytest.raises(OutputError, match="not a journal"):
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
    with journal(path) as log, pytest.raises(OutputError, match="not a journal"):
        list(log.items("a.wav"))


@pytest.mark.parametrize(
    "change", ["DELETE FROM about", "UPDATE about SET value = '[1]' WHERE name = 'parameters'"]
)
def test_a_damaged_head(path: Path, change: str) -> None:
    journal(path).close()
    with sqlite3.connect(path) as database:
        database.execute(change)
    database.close()
    with pytest.raises(OutputError, match="not a journal"):
        journal(path)


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nowhere/x: unable to open"):
        journal(tmp_path / "nowhere" / "x")


HOSTILE = {  # of the shared cases, with what is said; the classes are not known, so 521 are taken
    "bigint": "damaged",
    "bool-index": "damaged",
    "deep-json": "damaged",
    "foreign.sqlite": "foreign",
    "huge-index": "damaged",
    "items-missing": "foreign",
    "journal-6964.bin": "foreign",
    "nan-rate": "damaged",
    "nan-score": "damaged",
    "odd-scores": "damaged",
    "params-ctl": "other",
    "params-int": "foreign",
    "params-list": "foreign",
    "record-int": "damaged",
    "short-scores": "damaged",
    "text": "foreign",
    "trigger": "foreign",
}
NETWORK = tuple(TagClass(place, f"/m/{place}", f"class {place}") for place in range(521))
KEYS = ("a.wav", "b.wav", "c.wav")


def copied(path: Path, source: Path) -> bytes:
    data = source.read_bytes()
    path.write_bytes(data)
    return data


@pytest.mark.parametrize(("name", "wanted"), HOSTILE.items())
def test_journals_of_strangers(shared: Path, path: Path, name: str, wanted: str) -> None:
    data = copied(path, shared / "cases" / "hostile" / "journal" / name)
    words = "another run: a is .*" if wanted == "other" else "not a journal"
    error = ParameterError if wanted == "other" else OutputError

    def read() -> None:
        with Journal(path, {"a": "1"}, ItemLayout(NETWORK, {"scores": 521}), resume=True) as log:
            assert wanted == "damaged"
            for key in KEYS:
                list(log.items(key))

    with pytest.raises(error, match=words) as caught:
        read()
    assert str(caught.value).isprintable()
    if wanted == "foreign":
        assert path.read_bytes() == data
        assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_the_good_one_among_them(shared: Path, path: Path) -> None:
    copied(path, shared / "cases" / "hostile" / "journal" / "good.journal")
    with Journal(path, {"a": "1"}, ItemLayout(NETWORK, {"scores": 521}), resume=True) as log:
        assert [len(list(log.items(key))) for key in KEYS[:2]] == [2, 2]
    with Journal(path, {"a": "1"}, ItemLayout(NETWORK), resume=True) as log:
        assert len(list(log.items(KEYS[2]))) == 2  # of a run without arrays


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_foreign_database_is_not_touched(path: Path, mode: str) -> None:
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA journal_mode = {mode}")
    database.execute("CREATE TABLE mine (a)")
    database.execute("INSERT INTO mine VALUES (1)")
    database.commit()
    database.close()
    data = path.read_bytes()
    for resume in (False, True):
        with pytest.raises(OutputError, match="not a journal"):
            journal(path, resume=resume)
    assert path.read_bytes() == data
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_pipe_is_not_a_journal(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(OutputError, match="not a journal"):
        journal(path)


def test_a_journal_is_known_after_a_kill(path: Path) -> None:
    """Its tables are in the file itself, not only in the log beside it."""
    program = (
        "import os; from pathlib import Path; from yamkit.run.journal import Journal;"
        "from yamkit.types import *; from yamkit.run.checks import ItemLayout;"
        f"log = Journal(Path({str(path)!r}), {{'model': 'm', 'top': '5'}}, ItemLayout(()));"
        "log.write('a.wav', (7, 8), ClipFailure('a.wav', 'E', 'x')); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    assert Path(f"{path}-wal").exists()
    with journal(path) as log:
        assert log.state("a.wav", STAMP) == "failed"


@pytest.mark.parametrize(
    ("change", "per_patch"),
    [
        ("DELETE FROM items WHERE place = 0", True),  # the start
        ("DELETE FROM items WHERE place = 1", True),  # the patch
        ("DELETE FROM items WHERE place = 2", True),  # the end
        ("DELETE FROM items", True),
        ("INSERT INTO items SELECT clip, 3, record, scores, embedding FROM items WHERE place = 0",
         True),
        ("UPDATE items SET scores = NULL", True),
        ("UPDATE items SET scores = x'0000'", True),
        ("UPDATE items SET scores = 'text' WHERE place = 1", True),
        ("UPDATE items SET embedding = x'0000' WHERE place = 1", True),
        ("UPDATE items SET scores = x'00000000' WHERE place = 0", False),
        ("UPDATE items SET place = 'x' WHERE place = 1", True),
        ("UPDATE items SET record = x'5b5d'", True),
        ("UPDATE items SET record = CAST(x'ff' AS TEXT)", True),
        ("UPDATE items SET record = CAST(zeroblob(20000000) AS TEXT)", True),
    ],
)  # fmt: skip
def test_damaged_items_are_refused(path: Path, change: str, per_patch: bool) -> None:
    options = {"layout": replace(LAYOUT, per_patch=per_patch)}
    with journal(path, **options) as log:
        write(log, "a.wav", START, PATCH, END)
    with sqlite3.connect(path) as database:
        database.execute(change)
    database.close()
    with journal(path, **options) as log, pytest.raises(OutputError, match="not a journal"):
        list(log.items("a.wav"))


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TRIGGER x AFTER INSERT ON clips BEGIN SELECT 1; END",
        "CREATE VIEW v AS SELECT 1",
        "CREATE INDEX i ON clips (size)",
        "ALTER TABLE clips ADD COLUMN more",
        "UPDATE about SET value = 'yamkit-journal/0' WHERE name = 'schema'",
        "UPDATE about SET value = 'maybe' WHERE name = 'items'",
        "UPDATE about SET value = '{\"a\": 1}' WHERE name = 'parameters'",
        "UPDATE about SET value = CAST(x'ff' AS TEXT) WHERE name = 'parameters'",
        "UPDATE about SET value = printf('%.*c', 200000, '[') WHERE name = 'parameters'",
        "UPDATE about SET value = printf('%.*c', 20000000, ' ') WHERE name = 'parameters'",
        "UPDATE about SET value = 5 WHERE name = 'schema'",
    ],
)
@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.long(reason="runs with many interruptions")
def test_a_damaged_head_is_refused(path: Path, change: str, resume: bool) -> None:
    journal(path).close()
    with sqlite3.connect(path) as database:
        database.execute(change)
    database.close()
    with pytest.raises(OutputError, match="not a journal"):
        journal(path, resume=resume)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small journal, to be damaged."""
    path = tmp_path_factory.mktemp("journal") / "good"
    with journal(path) as log:
        write(log, "a.wav", START, PATCH, END)
        write(log, "b.wav", FAILURE)
    return path.read_bytes()


def sensible(item) -> bool:
    """Whether an item may go into an output."""
    if isinstance(item, PatchTags):
        return (
            0 <= item.start_seconds <= item.end_seconds < np.inf
            and item.scores.shape == (2,)
            and bool(((item.scores >= -0.01) & (item.scores <= 1.01)).all())
            and all(tag.index in (0, 1) and -0.01 <= tag.score <= 1.01 for tag in item.tags)
        )
    if isinstance(item, ClipEnd):
        return 0 <= item.duration_seconds < np.inf and item.patches == 1
    if isinstance(item, ClipStart):
        return item.sample_rate >= 1 and item.channels >= 1
    return bool(item.message.encode() or True)


@settings(
    max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=8)),
             min_size=1, max_size=6),
    st.booleans(),
)  # fmt: skip
@pytest.mark.long(reason="runs with many interruptions")
def test_a_damaged_journal_is_a_line_or_whole(good: bytes, tmp_path, changes, of_text) -> None:
    """Bytes anywhere, or in records, are other ones: a clip comes whole and sensible, or a line."""
    path = tmp_path / "run.journal"
    data = bytearray(good)
    marks = [place for place in range(len(data)) if data.startswith(b'["', place)]
    for share, new in changes:
        place = int(share * len(data))
        if of_text:
            start = marks[int(share * len(marks))]
            place = start + int(share * 977 % 60)
        data[place : place + len(new)] = new
    for each in tmp_path.iterdir():
        each.unlink()
    path.write_bytes(data[: len(good)])
    try:
        with journal(path) as log:
            for key in ("a.wav", "b.wav"):
                try:
                    items = list(log.items(key))
                except OutputError:
                    continue
                assert all(map(sensible, items))
                assert not items or isinstance(items[-1], (ClipEnd, ClipFailure))
    except (OutputError, ParameterError):
        pass


def test_a_clip_is_lacking_unless_its_file_and_outputs_are_as_they_were(tmp_path: Path) -> None:
    sound = tmp_path / "a.wav"
    sound.write_bytes(b"a")
    gone: set[str] = set()
    options = {"layout": ItemLayout(CLASSES), "are_there": lambda path: path not in gone}
    with journal(tmp_path / "j", **options) as log:
        clip = Clip(str(sound))
        assert log.lacks(clip)
        for item in (START, END):
            log.record(clip, item)
        again = Clip(str(sound))
        assert not log.lacks(again)
        assert list(log.recorded(again)) == [START, END]
        gone.add(str(sound))
        assert log.lacks(again)
        gone.clear()
        sound.write_bytes(b"another")
        assert log.lacks(Clip(str(sound)))


@pytest.mark.parametrize("retry_failed", [False, True])
def test_failed_clips_are_tagged_again_on_request(tmp_path: Path, retry_failed: bool) -> None:
    sound = tmp_path / "a.wav"
    sound.write_bytes(b"a")
    with journal(tmp_path / "j", retry_failed=retry_failed) as log:
        clip = Clip(str(sound))
        assert log.lacks(clip)
        log.record(clip, FAILURE)
        assert log.lacks(Clip(str(sound))) == retry_failed


def test_a_journal_that_keeps_nothing_lacks_every_clip() -> None:
    with NoJournal() as log:
        clip = Clip("a.wav")
        log.record(clip, END)
        assert log.lacks(clip)
        assert list(log.recorded(clip)) == []
        assert log.path is None
        log.finish()


@pytest.mark.parametrize(
    ("output", "resume", "is_corpus", "expected"),
    [
        (None, False, True, None),
        ("tags.rec", False, False, None),
        ("tags.rec", False, True, "tags.rec.journal"),
        ("tags.rec", True, False, "tags.rec.journal"),
        ("new/{stem}.{ext}", False, True, "new/yamkit.journal"),
    ],
)
def test_which_runs_keep_a_journal(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    output: str | None,
    resume: bool,
    is_corpus: bool,
    expected: str | None,
) -> None:
    monkeypatch.chdir(tmp_path)
    options = {"resume": resume, "retry_failed": False, "is_corpus": is_corpus}
    with open_journal(plan_places([REC], output, []), RUN, LAYOUT, **options) as log:
        assert log.path == (None if expected is None else Path(expected))
    assert [str(path) for path in Path().rglob("*.journal")] == [expected] * bool(expected)


@pytest.mark.parametrize("option", ["resume", "retry_failed"])
def test_a_run_to_standard_output_cannot_be_resumed(option: str) -> None:
    options = {"resume": False, "retry_failed": False, option: True, "is_corpus": False}
    with pytest.raises(ParameterError, match="--output"):
        open_journal(plan_places([REC], None, []), RUN, LAYOUT, **options)
