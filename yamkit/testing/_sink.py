"""The contract of sinks: any item, any name, and no incomplete output."""

from __future__ import annotations

import contextlib
import io
import tempfile
import unittest
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from yamkit.errors import OutputError
from yamkit.run.output import Outputs
from yamkit.run.places import Format, plan_places
from yamkit.testing._contract import PluginContract
from yamkit.testing._failures import expecting, require, skipping
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

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from yamkit.types import SinkItem

__all__ = ["SinkContract"]

_HOSTILE = (
    "a,b;c\td.wav",
    "quote \" and ' and `.wav",
    "line\nbreak\r\nand return\r.wav",
    "\x00nul \x1b[31m and bell \x07.wav",
    "=1+1 @SUM(A1) -1.wav",
    "</script><b>&amp;.wav",
    "'); DROP TABLE clips; --.wav",
    "-->\n\n00:00:00.000 --> 00:00:09.000",
    "\u202eright to left \u0661 \U0001f415 e\u0301.wav",
    " spaces at both ends ",
    "x" * 5000,
)
_CLASSES, _EMBEDDING = 7, 3


@dataclass(frozen=True)
class _Unknown:
    """An item of a type that a later yamkit may add."""


class SinkContract(PluginContract):
    """The contract of every sink; see `yamkit.plugin.Sink`."""

    kind: ClassVar[str] = "sink"

    @classmethod
    def _methods(cls) -> tuple[str, ...]:
        return ("open", "write", "close", "abort")

    @classmethod
    def make(cls) -> Any:
        """Make a sink for one output."""
        return cls.factory()()

    @classmethod
    def opened(cls) -> Any:
        """Make a sink for one check."""
        with skipping("the plugin does not open"):
            return cls.make()

    @classmethod
    def _discard(cls, made: Any) -> None:
        """Do nothing: a sink is closed only after `open`."""

    def _run(self, *, events: bool | None = None) -> RunInfo:
        info = self.info()
        events = info.for_events if events is None else events
        parameters = Parameters(
            aggregate="mean",
            hop_seconds=0.48,
            threshold=None,
            top=5,
            events=EventParameters() if events else None,
        )
        return RunInfo(
            yamkit="1.0",
            model=RunModel("model", "1", "0" * 64, "a source, with a comma", _CLASSES),
            backend="backend",
            frontend="frontend",
            resampler="resampler",
            parameters=parameters,
            per_patch=not events,
            embedding_size=_EMBEDDING,
            arrays=info.arrays,
        )

    def _clip(
        self, path: str = "clip.wav", name: str = "Dog, barking", *, events: bool | None = None
    ) -> list[SinkItem]:
        info = self.info()
        events = info.for_events if events is None else events
        tags = tuple(
            Tag(i, f"/m/{i}", f"{name} {i}", float(np.float32(0.9 - i / 10))) for i in range(3)
        )
        arrays: dict[str, Any] = {}
        if "scores" in info.arrays:
            arrays["scores"] = np.linspace(0, 1, _CLASSES, dtype=np.float16)
        if "embedding" in info.arrays:
            arrays["embedding"] = np.linspace(-1, 1, _EMBEDDING, dtype=np.float16)
        middle: list[SinkItem]
        if events:
            middle = [Event(0.0, 0.48, tags[0]), Event(0.48, 1.92, tags[1])]
            arrays = {}
        else:
            middle = [
                PatchTags(0.0, 0.975, tags, **arrays),
                PatchTags(0.48, 1.455, (), **arrays),
            ]
        end = ClipEnd(1.5, 2, tags, (f"odd: {name}",))
        return [ClipStart(path, 44_100, 2), *middle, end]

    def _clips(self) -> list[SinkItem]:
        """Return the items of a run: clips that succeed, fail, and have no tags."""
        first, more = self._clip("first.wav"), self._clip("second.wav")
        silent: list[SinkItem] = [ClipStart("silent.wav", 8000, 1), ClipEnd(0.1, 1, ())]
        failure = ClipFailure("second.wav", "DecodeError", "second.wav: cut off, at 'here'")
        if self.info().one_clip:
            return first
        never = ClipFailure("never.wav", "AudioFileError", "never.wav: no such file")
        return [*first, never, *more[:2], failure, *silent, *self._clip("first.wav")]

    def _written(self, items: Sequence[object], *, events: bool | None = None) -> bytes:
        """Write items to a stream that cannot seek; if the sink refuses, to one that can."""
        for stream in (_Pipe(), _File()):
            sink = self.opened()
            try:
                sink.open(self._run(events=events), self._target(stream))
                for item in items:
                    sink.write(item)
                sink.close()
            except OutputError:
                if stream.seekable():
                    raise
            else:
                return stream.getvalue()
        raise AssertionError

    def _target(self, stream: io.BytesIO) -> Any:
        if self.info().binary:
            return stream
        return io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)

    def test_every_item(self) -> None:
        """It writes items of all types, in their possible orders."""
        items = self._clips()
        with expecting(f"an output of {len(items)} items"):
            written = self._written(items)
        require(written, "no bytes", f"an output of {len(items)} items")

    def test_events(self) -> None:
        """It writes a run that finds events."""
        with expecting("an output of events"):
            self._written(self._clip(events=True), events=True)

    def test_marked_failures(self) -> None:
        """If the descriptor says so, it marks a clip that fails after its first results."""
        begun = self._clip()[:-1]
        unmarked = self._quietly(begun)
        failure = ClipFailure("clip.wav", "DecodeError", "clip.wav: broken")
        require(
            not self.info().marks_failures or self._quietly([*begun, failure]) != unmarked,
            "no mark of a failure",
            "one after the first results of the clip",
        )

    def test_unknown_items(self) -> None:
        """It ignores items of unknown types."""
        items: list[object] = list(self._clip())
        plain = self._quietly(items)
        if plain != self._quietly(items):
            raise unittest.SkipTest("the output is not repeatable")
        with expecting("no exception", "at an unknown item"):
            odd = self._written([items[0], _Unknown(), *items[1:], _Unknown()])
        require(odd == plain, "another output with unknown items", "the same output")

    def test_hostile_names(self) -> None:
        """Names of files and classes may hold any characters."""
        self._quietly(self._clip())
        for name in _HOSTILE:
            with expecting("an output", f"with the name {name!r:.40}"):
                self._written(self._clip(name, name))

    def test_no_clips(self) -> None:
        """It writes a run without clips."""
        with expecting("an output", "without clips"):
            self._written([])

    def test_repeatable(self) -> None:
        """The same items have the same bytes each time."""
        first, second = self._quietly(self._clip()), self._quietly(self._clip())
        require(first == second, "other bytes the second time", "the same bytes")

    def test_stream_stays_open(self) -> None:
        """It does not close the stream; the core does."""
        target, sink = self._target(_File()), self.opened()
        with skipping("the plugin does not write"):
            sink.open(self._run(), target)
            for item in self._clip():
                sink.write(item)
            sink.close()
        require(not target.closed, "a closed stream", "an open one")

    def test_abort(self) -> None:
        """It can be aborted after any item, and leaves no file."""
        items = self._clip()
        self._quietly(items)
        for count in range(len(items)):
            with _own_folder() as folder:
                sink = self.opened()
                sink.open(self._run(), self._target(_File()))
                for item in items[:count]:
                    sink.write(item)
                with expecting("no exception", f"when aborted after {count} items"):
                    sink.abort()
                left = sorted(path.name for path in folder.iterdir())
                require(not left, f"{left[0] if left else ''} after an abort", "no file")

    def test_interrupted_output(self) -> None:
        """An interrupted output leaves no file."""
        items = self._clip()
        self._quietly(items)
        info = self.info()
        with tempfile.TemporaryDirectory() as folder:
            template = str(Path(folder) / "{stem}.{ext}")
            places = plan_places([Format(info, self.factory())], template, ["clip.wav"])
            outputs = Outputs(places)
            outputs.open(self._run())
            for item in items[:-1]:
                outputs.write(item)
            outputs.finish_early()
            left = sorted(path.name for path in Path(folder).iterdir())
            require(not left, f"{left[0] if left else ''} after an interruption", "no file")

    def test_nothing_left(self) -> None:
        """A complete output leaves no temporary file."""
        with _own_folder() as folder:
            self._quietly(self._clip())
            left = sorted(path.name for path in folder.iterdir())
            require(not left, f"the temporary file {left[0] if left else ''}", "no file")

    def _quietly(self, items: Sequence[object]) -> bytes:
        with skipping("the plugin does not write"):
            return self._written(items)


class _File(io.BytesIO):
    """A stream whose bytes can be read after it is closed."""

    def close(self) -> None:
        self._kept = super().getvalue()
        super().close()

    def getvalue(self) -> bytes:
        return self._kept if self.closed else super().getvalue()


class _Pipe(_File):
    """A stream that cannot seek."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: object) -> int:
        raise io.UnsupportedOperation("seek")

    def tell(self) -> int:
        raise io.UnsupportedOperation("tell")


@contextlib.contextmanager
def _own_folder() -> Iterator[Path]:
    """Put temporary files into a new folder."""
    kept = tempfile.tempdir
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder
        try:
            yield Path(folder)
        finally:
            tempfile.tempdir = kept
