"""Outputs: whole or absent, whatever goes wrong while they are written."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

import pytest

from yamkit.errors import BrokenPluginError, OutputError
from yamkit.plugin import SinkInfo
from yamkit.run.output import Outputs
from yamkit.run.places import Format, plan_places
from yamkit.types import ClipEnd, ClipFailure, ClipStart, Parameters, RunInfo, RunModel

RUN = RunInfo(
    "1",
    RunModel("net", "1", "0" * 64, "", 1),
    "b",
    "f",
    "r",
    Parameters("mean", 0.48, None, 5),
    per_patch=False,
)
END = ClipEnd(1.0, 1, ())


def plan_outputs(*arguments) -> Outputs:
    return Outputs(plan_places(*arguments))


class Recorder:
    """A sink that writes the type of each item on a line."""

    def open(self, run, stream):
        self.stream = stream
        self.put("open")

    def write(self, item):
        self.put(type(item).__name__)

    def close(self):
        self.put("close")

    def abort(self):
        pass

    def put(self, text):
        self.stream.write(f"{text}\n")


class Bytes(Recorder):
    def put(self, text):
        self.stream.write(text.encode())


class Failing(Recorder):
    """Fails at the second item, as the class attribute says."""

    error: Exception = ValueError("no such luck")
    aborted = 0

    def write(self, item):
        if isinstance(item, ClipEnd):
            raise self.error
        super().write(item)

    def abort(self):
        type(self).aborted += 1
        raise RuntimeError("abort fails, too")


def sink(factory=Recorder, name="rec", extension="rec", binary=False) -> Format:
    info = SinkInfo(name=name, summary="", factory="x:y", api=1, extension=extension, binary=binary)
    return Format(info, factory)


def tag(outputs, *names: str) -> None:
    for name in names:
        outputs.write(ClipStart(name, 1, 1))
        outputs.write(END)


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)


def files() -> set[str]:
    return {str(p) for p in Path().rglob("*") if p.is_file()}


def test_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    for output in (None, "-"):
        outputs = plan_outputs([sink()], output, ["a.wav"])
        outputs.open(RUN)
        tag(outputs, "a.wav")
        outputs.close()
        assert capsys.readouterr().out == "open\nClipStart\nClipEnd\nclose\n"
        assert not outputs.to_terminal
    assert files() == set()


def test_standard_output_in_bytes(capfdbinary) -> None:
    outputs = plan_outputs([sink(Bytes, binary=True)], None, [])
    outputs.open(RUN)
    outputs.close()
    assert capfdbinary.readouterr().out == b"openclose"


def test_one_file_appears_when_it_is_whole() -> None:
    Path("old.rec").write_text("old")
    outputs = plan_outputs([sink()], "old.rec", ["a.wav", "b.wav"])
    outputs.open(RUN)
    tag(outputs, "a.wav", "b.wav")
    assert Path("old.rec").read_text() == "old"
    assert len(files()) == 2
    outputs.close()
    assert files() == {"old.rec"}
    assert Path("old.rec").read_text() == "open\n" + "ClipStart\nClipEnd\n" * 2 + "close\n"


@pytest.mark.parametrize("exists", [True, False])
def test_permissions_follow_the_umask_or_the_file_that_was_there(exists: bool) -> None:
    if exists:
        Path("a.rec").touch()
        Path("a.rec").chmod(0o640)
    before = os.umask(0o027 if not exists else 0)
    try:
        outputs = plan_outputs([sink()], "a.rec", [])
        outputs.open(RUN)
        outputs.close()
    finally:
        os.umask(before)
    assert stat.S_IMODE(Path("a.rec").stat().st_mode) == 0o640


@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize("output", ["link.rec", "{stem}.{ext}"])
def test_links_are_refused(output: str, is_there: bool) -> None:
    target = Path("target.rec")
    if is_there:
        target.write_text("mine")
    Path("link.rec").symlink_to(target)
    outputs = plan_outputs([sink()], output, ["link.wav"])
    with pytest.raises(OutputError, match=r"cannot write link.rec: .*symbolic link"):
        outputs.open(RUN)
        tag(outputs, "link.wav")
    assert Path("link.rec").is_symlink()
    assert target.exists() == is_there
    assert not is_there or target.read_text() == "mine"


def test_links_to_folders_are_followed() -> None:
    Path("real").mkdir()
    Path("link").symlink_to("real")
    outputs = plan_outputs([sink()], "link/{stem}.{ext}", ["a.wav"])
    outputs.open(RUN)
    tag(outputs, "a.wav")
    assert files() == {"real/a.rec"}


def test_a_device_is_written_in_place() -> None:
    outputs = plan_outputs([sink()], os.devnull, [])
    outputs.open(RUN)
    outputs.close()
    outputs = plan_outputs([sink()], os.devnull, [])
    outputs.open(RUN)
    outputs.finish_early()
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize("output", ["out", "out/", "out/{stem}.{ext}"])
def test_several_formats_in_a_folder(output: str) -> None:
    outputs = plan_outputs([sink(), sink(name="two", extension="two")], output, ["x/a.wav", "-"])
    outputs.open(RUN)
    tag(outputs, "x/a.wav", "-")
    outputs.close()
    assert files() == {"out/a.rec", "out/a.two", "out/stdin.rec", "out/stdin.two"}
    assert Path("out/a.rec").read_text() == "open\nClipStart\nClipEnd\nclose\n"


def test_one_format_in_a_folder_that_exists() -> None:
    Path("out").mkdir()
    outputs = plan_outputs([sink()], "out", ["a.wav"])
    outputs.open(RUN)
    tag(outputs, "a.wav")
    assert files() == {"out/a.rec"}


def test_a_template_without_a_stem_collects() -> None:
    outputs = plan_outputs(
        [sink(), sink(name="two", extension="two")], "all.{ext}", ["a.wav", "b.wav"]
    )
    outputs.open(RUN)
    tag(outputs, "a.wav", "b.wav")
    outputs.close()
    assert files() == {"all.rec", "all.two"}
    assert Path("all.rec").read_text().count("ClipEnd") == 2


def test_the_longest_possible_name() -> None:
    name = "x" * 251 + ".rec"
    outputs = plan_outputs([sink()], name, [])
    outputs.open(RUN)
    outputs.close()
    assert files() == {name}


def test_a_second_output_that_cannot_be_written_removes_the_first() -> None:
    Path("a.two").mkdir()
    outputs = plan_outputs([sink(), sink(name="two", extension="two")], "a.{ext}", [])
    with pytest.raises(OutputError, match="Is a directory"):
        outputs.open(RUN)
    outputs.finish_early()
    assert files() == set()


def test_a_pipe_is_written_in_place() -> None:
    reading, writing = os.pipe()
    outputs = plan_outputs([sink()], f"/dev/fd/{writing}", [])
    outputs.open(RUN)
    outputs.close()
    os.close(writing)
    assert os.read(reading, 100) == b"open\nclose\n"
    os.close(reading)


def test_an_output_that_cannot_be_written_fails_at_once() -> None:
    Path("file").touch()
    outputs = plan_outputs([sink()], "file/a.rec", [])
    with pytest.raises(OutputError, match="cannot write file/a.rec: "):
        outputs.open(RUN)
    Path("out").mkdir()
    outputs = plan_outputs([sink()], "out/../out/a.{ext}", [])
    Path("out/a.rec").mkdir()
    with pytest.raises(OutputError, match="Is a directory"):
        outputs.open(RUN)
    assert files() == {"file"}


def test_a_file_that_may_not_be_written_is_not_replaced(monkeypatch) -> None:
    Path("a.rec").write_text("mine")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(OutputError, match="cannot write a.rec: Permission denied"):
        plan_outputs([sink()], "a.rec", []).open(RUN)
    assert Path("a.rec").read_text() == "mine"


@pytest.mark.parametrize(
    ("error", "wanted", "message"),
    [
        (
            ValueError("no such luck"),
            BrokenPluginError,
            "sink 'bad' failed on .*: ValueError: no s",
        ),
        (OSError(28, "No space left on device"), OutputError, "cannot write .*: No space left"),
        (OutputError("as it is"), OutputError, "as it is"),
    ],
)
def test_a_sink_that_fails_leaves_nothing_and_the_other_is_finished(
    monkeypatch, error: Exception, wanted: type[Exception], message: str
) -> None:
    monkeypatch.setattr(Failing, "error", error)
    monkeypatch.setattr(Failing, "aborted", 0)
    outputs = plan_outputs([sink(), sink(Failing, "bad", "bad")], "all.{ext}", ["a.wav"])
    outputs.open(RUN)
    outputs.write(ClipStart("a.wav", 1, 1))
    with pytest.raises(wanted, match=message):
        outputs.write(END)
    outputs.finish_early()
    assert files() == {"all.rec"}
    assert Path("all.rec").read_text() == "open\nClipStart\nClipEnd\nclose\n"
    assert Failing.aborted == 1


def test_a_sink_that_does_not_open_leaves_nothing() -> None:
    class Refusing(Recorder):
        def open(self, run, stream):
            raise ValueError("never")

    outputs = plan_outputs([sink(Refusing)], "a.rec", [])
    with pytest.raises(BrokenPluginError, match="ValueError: never"):
        outputs.open(RUN)
    assert files() == set()


def test_every_output_is_tried_at_the_end() -> None:
    class Late(Recorder):
        def close(self):
            raise OSError(28, "No space left on device")

    outputs = plan_outputs(
        [sink(Late), sink(Late, "late", "late"), sink(name="good", extension="good")], "a.{ext}", []
    )
    outputs.open(RUN)
    with pytest.raises(OutputError, match="cannot write a.rec: No space left on device"):
        outputs.close()
    assert files() == {"a.good"}


def test_an_unfinished_clip_becomes_a_failure_when_a_run_ends_early() -> None:
    outputs = plan_outputs([sink()], "all.{ext}", ["a.wav", "b.wav"])
    outputs.open(RUN)
    tag(outputs, "a.wav")
    outputs.write(ClipStart("b.wav", 1, 1))
    outputs.finish_early()
    assert Path("all.rec").read_text().split() == [
        "open",
        "ClipStart",
        "ClipEnd",
        "ClipFailure",
        "close",
    ]


def test_files_of_an_unfinished_clip_are_discarded() -> None:
    outputs = plan_outputs([sink()], "{stem}.{ext}", ["a.wav", "b.wav", "c.wav"])
    outputs.open(RUN)
    tag(outputs, "a.wav")
    outputs.write(ClipStart("b.wav", 1, 1))
    outputs.write(ClipFailure("b.wav", "DecodeError", "b.wav: broken"))
    outputs.write(ClipStart("c.wav", 1, 1))
    assert len(files()) == 2
    outputs.finish_early()
    assert files() == {"a.rec"}


def test_an_output_that_fails_while_ending_early_is_discarded(monkeypatch) -> None:
    class Late(Recorder):
        def close(self):
            raise BrokenPipeError

    outputs = plan_outputs([sink(Late)], "all.{ext}", [])
    outputs.open(RUN)
    outputs.finish_early()
    assert files() == set()


def test_a_closed_pipe_is_silent_at_the_end(monkeypatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = io.TextIOWrapper(io.FileIO(writing, "wb"), write_through=False)
    monkeypatch.setattr("sys.stdout", stream)
    outputs = plan_outputs([sink()], None, [])
    outputs.open(RUN)
    with pytest.raises(BrokenPipeError):
        tag(outputs, "a.wav")
    outputs.finish_early()
    stream.close()
