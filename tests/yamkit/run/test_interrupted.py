"""Runs that end before their time: what is in an output is whole, or marked.

Every built-in format, in every place, with everything that may end a run in the midst of a clip.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from yamkit.errors import BrokenPluginError, OutputError, RunnerError
from yamkit.plugin import SinkInfo
from yamkit.registry import registry
from yamkit.run.checks import ItemLayout
from yamkit.run.clips import Clip
from yamkit.run.info import fingerprint
from yamkit.run.journal import Journal, NoJournal
from yamkit.run.loop import checked_items, writing
from yamkit.run.output import Outputs
from yamkit.run.places import Format, plan_places
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
    TagClass,
)

CLASSES = (TagClass(0, "/m/0", "Dog"), TagClass(1, "/m/1", "Bird, small"))
TAGS = tuple(Tag(each.index, each.mid, each.name, 0.5) for each in CLASSES)
MANY = 700  # more than are held in memory
ARRAYS = {"scores": np.array([0.5, 0.5], np.float16), "embedding": np.ones(3, np.float16)}
SINKS = {
    plugin.info.name: plugin.info
    for plugin in registry().plugins
    if isinstance(plugin.info, SinkInfo) and plugin.state == "ready"
}
FOR_MANY = [name for name, info in SINKS.items() if not info.one_clip]
FORMATS = list(SINKS)


def load(name: str) -> Format:
    plugin = registry().resolve("sink", name)
    assert isinstance(plugin.info, SinkInfo)
    return Format(plugin.info, registry().load(plugin))


def about(info: SinkInfo) -> RunInfo:
    events = EventParameters() if info.for_events else None
    parameters = Parameters("mean", 0.48, None, 5, events=events)
    model = RunModel("net", "1", "0" * 64, "", len(CLASSES))
    return RunInfo(
        "1",
        model,
        "b",
        "f",
        "r",
        parameters,
        per_patch=events is None,
        embedding_size=3,
        arrays=info.arrays,
    )


def items(path: str, info: SinkInfo, count: int = 3):
    arrays = {name: ARRAYS[name] for name in info.arrays}
    yield ClipStart(path, 16000, 1)
    for number in range(count):
        if info.for_events:
            yield Event(number * 0.5, number * 0.5 + 0.25, TAGS[number % 2])
        else:
            yield PatchTags(number * 0.5, number * 0.5 + 1, TAGS, **arrays)
    yield ClipEnd(count * 0.5, count, TAGS, ())


def outputs_for(*arguments) -> Outputs:
    return Outputs(plan_places(*arguments))


class Watcher:
    def finished(self, path, item):
        pass

    def writing(self):
        return contextlib.nullcontext()


def write(tag, clips, info: SinkInfo, outputs: Outputs) -> None:
    """Write what `tag` yields of clips, in a run without a journal."""
    with writing(about(info), outputs, Watcher(), NoJournal(), clips) as writer:
        for clip, item in tag(clips):
            writer.take(clip, item, True)


def end(cause: str) -> None:
    """End the run, in the midst of a clip."""
    if cause == "Ctrl-C":
        os.kill(os.getpid(), signal.SIGINT)
    elif cause == "SIGTERM":
        os.kill(os.getpid(), signal.SIGTERM)
    elif cause == "cluster":
        raise RunnerError("Ray: gone")
    elif cause == "runner":
        raise ZeroDivisionError


RAISED = {
    "Ctrl-C": KeyboardInterrupt,
    "SIGTERM": KeyboardInterrupt,
    "cluster": RunnerError,
    "runner": BrokenPluginError,
    "sink": BrokenPluginError,
    "full": OutputError,
    "clip": None,
}


class Spoilt:
    """A second output, which fails in the second clip's end."""

    error: Exception = ValueError("a bug")

    def open(self, run, stream):
        self.path = ""

    def write(self, item):
        if isinstance(item, ClipStart):
            self.path = item.path
        elif isinstance(item, ClipEnd) and self.path == "b.wav":
            raise self.error

    def close(self):
        pass

    def abort(self):
        pass


class Full(Spoilt):
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def spoilt(factory) -> Format:
    return Format(
        SinkInfo(name="spoilt", summary="", factory="x:y", api=1, extension="spoilt"), factory
    )


def run(name: str, output: str | None, cause: str, *, with_journal: bool = False) -> None:
    """Tag a whole clip and a second one, which is not finished."""
    formats = [load(name)]
    if cause in ("sink", "full"):
        formats.append(spoilt(Full if cause == "full" else Spoilt))
    info = formats[0].info
    clips = [Clip("a.wav"), Clip("b.wav")]
    for clip in clips:
        Path(clip.path).touch()

    class Cut:
        """A runner that does not come to the end of the second clip."""

        def items(self, work, left):
            for clip in left:
                for number, item in enumerate(items(clip.path, info, MANY)):
                    if clip.path == "b.wav" and number == MANY - 1:
                        end(cause)
                        if cause == "clip":
                            yield clip, ClipFailure("b.wav", "DecodeError", "b.wav: broken")
                            break
                    yield clip, item

    outputs = outputs_for(formats, output, [clip.path for clip in clips])
    run_info = about(info)
    caught = None
    layout = ItemLayout.of(run_info, CLASSES)
    with contextlib.ExitStack() as stack:
        journal = NoJournal()
        if with_journal:
            parameters, keep_items = fingerprint(run_info), not outputs.places.per_clip
            log = Journal(Path("j"), parameters, layout, keep_items=keep_items)
            journal = stack.enter_context(log)
        # an error of one clip's own files is that clip's failure only
        if RAISED[cause] is not None and not (outputs.places.per_clip and cause == "sink"):
            caught = stack.enter_context(pytest.raises(RAISED[cause]))
        found = checked_items(Cut(), None, clips, layout, journal)
        with writing(run_info, outputs, Watcher(), journal, clips) as writer:
            for item in found:
                writer.take(*item)
    if caught is not None:
        note = "1 of 2 files done" + ("; --resume continues" if with_journal else "")
        assert caught.value.__notes__ == [note]


def whole(name: str, *clips) -> bytes:
    """What a format writes of clips that came to their end, and of failures."""
    format_ = load(name)
    stream = io.BytesIO()
    target = stream
    if not format_.info.binary:
        target = io.TextIOWrapper(stream, "utf-8", newline="", write_through=True)
    sink = format_.factory()
    sink.open(about(format_.info), target)
    for clip in clips:
        for item in [clip] if isinstance(clip, ClipFailure) else clip:
            sink.write(item)
    sink.close()
    target.flush()
    return stream.getvalue()


INTERRUPTED = ClipFailure("b.wav", "Interrupted", "b.wav: interrupted")
BROKEN = ClipFailure("b.wav", "DecodeError", "b.wav: broken")


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)


def left() -> set[str]:
    return {path.name for path in Path().iterdir()} - {"a.wav", "b.wav", "j"}


@pytest.mark.parametrize("with_journal", [False, True])
@pytest.mark.parametrize("cause", RAISED)
@pytest.mark.parametrize("name", FOR_MANY)
@pytest.mark.long(reason="runs with many interruptions")
def test_a_file_of_all_clips_holds_whole_ones(name: str, cause: str, with_journal: bool) -> None:
    run(name, "out.{ext}", cause, with_journal=with_journal)
    info = SINKS[name]
    wanted = [items("a.wav", info, MANY), BROKEN if cause == "clip" else INTERRUPTED]
    if cause in ("sink", "full"):  # it had the end of the second clip, too
        wanted[1] = items("b.wav", info, MANY)
    assert left() == {f"out.{info.extension}"}
    assert Path(f"out.{info.extension}").read_bytes() == whole(name, *wanted)


@pytest.mark.parametrize("with_journal", [False, True])
@pytest.mark.parametrize("cause", RAISED)
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.long(reason="runs with many interruptions")
def test_a_file_of_one_clip_is_whole_or_not_there(
    name: str, cause: str, with_journal: bool
) -> None:
    run(name, "{stem}.{ext}", cause, with_journal=with_journal)
    info = SINKS[name]
    extras = {"a.spoilt"} if cause in ("sink", "full") else set()
    assert left() - extras == {f"a.{info.extension}"}
    written = Path(f"a.{info.extension}").read_bytes()
    assert written == whole(name, items("a.wav", info, MANY))


def standard_output(monkeypatch: pytest.MonkeyPatch, target: int) -> None:
    stream = io.TextIOWrapper(io.FileIO(target, "wb", closefd=False), "utf-8", newline="")
    monkeypatch.setattr(sys, "stdout", stream)


@pytest.mark.parametrize("cause", ["Ctrl-C", "SIGTERM", "cluster", "runner", "clip"])
@pytest.mark.parametrize("name", FOR_MANY)
@pytest.mark.long(reason="runs with many interruptions")
def test_standard_output_into_a_file(name: str, cause: str, monkeypatch) -> None:
    with Path("out").open("wb") as file:
        standard_output(monkeypatch, file.fileno())
        run(name, None, cause)
        sys.stdout.flush()
    broken = BROKEN if cause == "clip" else INTERRUPTED
    assert Path("out").read_bytes() == whole(name, items("a.wav", SINKS[name], MANY), broken)


@pytest.mark.parametrize("cause", ["Ctrl-C", "SIGTERM", "cluster", "runner", "clip"])
@pytest.mark.parametrize("name", FOR_MANY)
@pytest.mark.long(reason="runs with many interruptions")
def test_a_pipe_has_whole_clips_or_a_mark(name: str, cause: str, monkeypatch) -> None:
    reading, writing = os.pipe()
    standard_output(monkeypatch, writing)
    with os.fdopen(reading, "rb") as pipe, ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read)
        try:
            run(name, None, cause)
            sys.stdout.flush()
        finally:
            os.close(writing)
        written = read.result()
    info = SINKS[name]
    broken = BROKEN if cause == "clip" else INTERRUPTED
    if not info.marks_failures:
        assert written == whole(name, items("a.wav", info, MANY), broken)
        return
    streamed = [*list(items("b.wav", info, MANY))[: MANY - 1], broken]
    assert written == whole(name, items("a.wav", info, MANY), streamed)
    assert written.decode().count("b.wav: ") == written.decode().count(broken.message) > 0


def test_nothing_finished_leaves_what_was_there(monkeypatch) -> None:
    Path("out.csv").write_text("of an earlier run")
    outputs = outputs_for([load("csv")], "out.csv", ["a.wav"])

    def tag(clips):
        for clip in clips:
            yield clip, ClipStart(clip.path, 16000, 1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tag, [Clip("a.wav")], SINKS["csv"], outputs)
    assert Path("out.csv").read_text() == "of an earlier run"
    assert left() == {"out.csv"}


def test_no_room_for_what_is_held_back(monkeypatch) -> None:
    outputs = outputs_for([load("csv")], "out.csv", ["a.wav"])
    monkeypatch.setattr(
        "yamkit.run.held.tempfile.TemporaryFile", lambda: io.FileIO("/dev/full", "wb")
    )

    def tag(clips):
        for clip in clips:
            for item in items(clip.path, SINKS["csv"], MANY):
                yield clip, item

    with pytest.raises(OutputError, match="No space left on device.*TMPDIR"):
        write(tag, [Clip("a.wav")], SINKS["csv"], outputs)
    assert left() == set()


@pytest.mark.parametrize("name", FOR_MANY)
def test_a_closed_pipe_ends_the_run(name: str, monkeypatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    standard_output(monkeypatch, writing)
    clips = [Clip(f"{number}.wav") for number in range(200)]

    def tag(left):
        for clip in left:
            for item in items(clip.path, SINKS[name], MANY):
                yield clip, item

    outputs = outputs_for([load(name)], None, [clip.path for clip in clips])
    with pytest.raises(BrokenPipeError):
        write(tag, clips, SINKS[name], outputs)
    os.close(writing)


@contextlib.contextmanager
def small_files():
    """Let no file grow beyond some kilobytes, as a full disk would."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("name", FOR_MANY)
@pytest.mark.parametrize("is_there", [False, True])
def test_a_file_that_cannot_grow_leaves_what_was_there(name: str, is_there: bool) -> None:
    info = SINKS[name]
    place = Path(f"out.{info.extension}")
    if is_there:
        place.write_text("of an earlier run")
    outputs = outputs_for([load(name)], str(place), ["a.wav"])

    def tag(left):
        for clip in left:
            for number in range(10):  # a clip each time, to be larger than any compression hides
                for item in items(f"{number}{os.urandom(4000).hex()}.wav", info):
                    yield clip, item

    with small_files(), pytest.raises(OutputError, match=r"cannot write out\..*: File too large"):
        write(tag, [Clip("a.wav")], info, outputs)
    assert left() == ({place.name} if is_there else set())
    assert not is_there or place.read_text() == "of an earlier run"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("name", FOR_MANY)
def test_a_full_device_is_one_line(name: str) -> None:
    outputs = outputs_for([load(name)], "/dev/full", ["a.wav"])

    def tag(left):
        for clip in left:
            for item in items(clip.path, SINKS[name]):
                yield clip, item

    with pytest.raises(OutputError, match="cannot write /dev/full: No space left on device"):
        write(tag, [Clip("a.wav")], SINKS[name], outputs)


def test_a_second_signal_says_how_far_the_run_came_as_well(monkeypatch) -> None:
    """It comes while the first one ends the run, and is held back until that is done."""
    outputs = outputs_for([load("csv")], "out.csv", ["a.wav", "b.wav"])
    finish = outputs.finish_early

    def interrupted() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        finish()

    monkeypatch.setattr(outputs, "finish_early", interrupted)

    def tag(left):
        for clip in left:
            if clip.path == "b.wav":
                end("Ctrl-C")
            for item in items(clip.path, SINKS["csv"]):
                yield clip, item

    clips = [Clip("a.wav"), Clip("b.wav")]
    with pytest.raises(KeyboardInterrupt) as caught:
        write(tag, clips, SINKS["csv"], outputs)
    assert caught.value.__notes__ == ["1 of 2 files done"]
    assert Path("out.csv").read_bytes() == whole("csv", items("a.wav", SINKS["csv"]))
