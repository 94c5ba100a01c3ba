"""Results written: to standard output, or to files that take their names when they are whole."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from typing import IO, TYPE_CHECKING, Any, cast

from yamkit._util.replace import Part, refuse_link
from yamkit._util.text import InertStream, described, printable
from yamkit._util.trees import make_folders
from yamkit.errors import BrokenPluginError, OutputError, YamkitError
from yamkit.run.held import HeldItems
from yamkit.types import ClipEnd, ClipFailure, ClipStart

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from yamkit.run.places import Format, Places
    from yamkit.types import RunInfo, SinkItem

__all__ = ["Outputs", "silence_standard_output"]

_OPEN_FILES = ("/dev", "/dev/fd", "/proc/self/fd")
"""Where the system keeps links to what a process has open, such as ``/dev/stdout``."""


def silence_standard_output() -> None:
    """Discard what is still buffered, or the interpreter would fail on it when it exits."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Outputs:
    """All outputs of a run: every item goes to every format.

    In a file of several clips, the items of a clip are held back until its end, so that a file
    holds whole clips. To a terminal, and to a pipe in a format that marks incomplete clips, items
    go at once.

    Order of calls: `open`, `write` for each item, then `close` or `finish_early`.

    Parameters
    ----------
    places : Places
    """

    def __init__(self, places: Places) -> None:
        self.places = places
        self._run: RunInfo | None = None
        self._open: list[_Output] = []
        self._held = HeldItems()
        self._clip: str | None = None  # that is being written
        self._finished = 0  # clips

    @property
    def to_terminal(self) -> bool:
        """Whether results appear on a terminal."""
        return self.places.template is None and sys.stdout.isatty()

    def open(self, run: RunInfo) -> None:
        """Open the outputs that hold all clips; fail here if they cannot be written."""
        self._run = run
        if not self.places.per_clip:
            self._open_all("")

    def write(self, item: SinkItem) -> None:
        """Write an item to each sink; the end of a clip closes its own files."""
        is_last = isinstance(item, (ClipEnd, ClipFailure))
        if isinstance(item, ClipStart):
            self._clip = item.path
            if self.places.per_clip:
                self._open_all(item.path)
        for output in self._open:
            if self.places.per_clip or not output.waits:
                output.write(item)
        waiting = [output for output in self._open if output.waits and not self.places.per_clip]
        if waiting and is_last:
            self._write_whole(item, waiting)
        elif waiting:
            self._held.add(item)
        if is_last:
            self._clip = None
            self._finished += 1
        if self.places.per_clip and isinstance(item, ClipEnd):
            self.close()
        elif self.places.per_clip and isinstance(item, ClipFailure):
            self.finish_early()

    def _write_whole(self, last: SinkItem, outputs: Sequence[_Output]) -> None:
        """Write a clip that has ended; of one that failed, only the failure."""
        if isinstance(last, ClipFailure):
            self._held.clear()
        for output in outputs:  # one by one: a sink that fails costs no other this clip
            for item in self._held:
                output.write(item)
            output.write(last)
        self._held.clear()

    def close(self) -> None:
        """Finish every output; each is tried, the first failure is raised."""
        failure: BaseException | None = None
        while self._open:
            output = self._open.pop(0)
            if output.is_lost:
                output.abort()
                continue
            try:
                output.close()
            except (YamkitError, BrokenPipeError) as error:
                output.abort()
                failure = failure or error
            except BaseException:  # a second interruption: the others are finished early
                output.abort()
                raise
        if failure is not None:
            raise failure

    def finish_early(self) -> None:
        """Finish what can be finished when a run ends before its time.

        The unfinished clip becomes a failure where one file holds all clips; its own files are
        discarded. Files without a finished clip are discarded as well, so that those of an earlier
        run stay, and so are those of a sink that failed.
        """
        clip, self._clip = self._clip, None
        self._held.clear()
        while self._open:
            output = self._open.pop(0)
            try:
                if (
                    output.failed
                    or self.places.per_clip
                    or (output.is_replaced and not output.ended)
                ):
                    output.abort()
                    continue
                if clip is not None and output.ended == self._finished:
                    message = f"{printable(clip)}: interrupted"
                    output.write(ClipFailure(clip, "Interrupted", message))
                if output.is_lost:
                    output.abort()
                    continue
                output.close()
            except (YamkitError, BrokenPipeError):
                output.abort()

    def _open_all(self, clip: str) -> None:
        assert self._run is not None
        try:
            for format_ in self.places.formats:
                place = self.places.of(format_, clip)
                self._open.append(_Output(format_, place, self._run))
        except BaseException:
            while self._open:
                self._open.pop().abort()
            raise


class _Output:
    """One sink on one destination."""

    def __init__(self, format_: Format, place: Path | None, run: RunInfo) -> None:
        self.failed = False
        self.is_lost = False  # it holds a single clip, which failed
        self.ended = 0  # clips
        self._format = format_
        self._place = "standard output" if place is None else printable(place)
        with self._guard():
            self._file = (
                _StandardOutput(binary=format_.info.binary)
                if place is None
                else (_ReplacedFile(place, binary=format_.info.binary))
            )
        self.is_replaced = self._file.is_replaced
        is_watched = format_.info.marks_failures or self._file.stream.isatty()
        self.waits = self.is_replaced or _is_regular(self._file.stream) or not is_watched
        try:
            with self._guard():
                self._sink = format_.factory()
                self._sink.open(run, self._file.stream)
        except BaseException:
            self._file.discard()
            raise

    def write(self, item: SinkItem) -> None:
        with self._guard():
            self._sink.write(item)
            if isinstance(item, (ClipEnd, ClipFailure)):
                self.ended += 1
                self.is_lost = self._format.info.one_clip and isinstance(item, ClipFailure)
                self._file.stream.flush()

    def close(self) -> None:
        with self._guard():
            self._sink.close()
            self._file.keep()

    def abort(self) -> None:
        with contextlib.suppress(Exception):
            self._sink.abort()
        self._file.discard()

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        """Name the place in an error of the system, and the sink in any other."""
        try:
            yield
        except (YamkitError, BrokenPipeError):
            self.failed = True
            raise
        except OSError as error:
            self.failed = True
            reason = error.strerror or str(error)
            failure = OutputError(f"cannot write {self._place}: {reason}")
            failure.errno = error.errno
            raise failure from error
        except Exception as error:
            self.failed = True
            raise BrokenPluginError(
                f"sink {self._format.info.name!r} failed on {self._place}: {described(error)}"
            ) from error
        except BaseException:  # a second interruption, in the midst of a row
            self.failed = True
            raise


def _is_regular(stream: IO[Any]) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):  # not a file of the system
        return False


def _inert(stream: IO[str]) -> IO[str]:
    """Return a stream that escapes what acts on terminals, whichever plugin writes it."""
    return cast("IO[str]", InertStream(stream))


class _StandardOutput:
    """The standard output; what was written there cannot be taken back."""

    is_replaced = False

    def __init__(self, *, binary: bool) -> None:
        self.stream: IO[Any] = sys.stdout.buffer if binary else _inert(sys.stdout)

    def keep(self) -> None:
        self.stream.flush()

    def discard(self) -> None:
        """Keep what was written; drop what cannot be written."""
        try:
            self.stream.flush()
        except OSError:
            silence_standard_output()


class _ReplacedFile:
    """A file that takes its name when it is whole, or not at all.

    A pipe or a device is written in place.
    """

    def __init__(self, place: Path, *, binary: bool) -> None:
        self._part: Part | None = None
        path = place
        if not _is_written_in_place(place):
            refuse_link(place)
            if place.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(place))
            make_folders(place.parent)
            self._part = Part(place)
            path = self._part.path
        try:
            self.stream: IO[Any] = (
                path.open("wb")
                if binary
                else _inert(path.open("w", encoding="utf-8", errors="backslashreplace", newline=""))
            )
        except BaseException:
            if self._part is not None:
                self._part.discard()
            raise

    @property
    def is_replaced(self) -> bool:
        return self._part is not None

    def keep(self) -> None:
        self.stream.close()
        if self._part is not None:
            self._part.keep()

    def discard(self) -> None:
        with contextlib.suppress(OSError):
            self.stream.close()
        if self._part is not None:
            self._part.discard()


def _is_written_in_place(place: Path) -> bool:
    """Return whether a place is a pipe, a device, or the system's name for an open file."""
    if str(place.parent) in _OPEN_FILES:
        return place.exists()
    return not place.is_symlink() and place.exists() and not (place.is_file() or place.is_dir())
