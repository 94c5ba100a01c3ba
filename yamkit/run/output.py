"""Where results go: standard output, or files written beside their place and renamed when whole.

Knows streams, names and sinks; nothing of audio or models.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from yamkit._util.replace import Part, refuse_link
from yamkit._util.text import InertStream, printable, text_to_path, underscored
from yamkit._util.trees import make_folders
from yamkit.errors import BrokenPluginError, OutputError, ParameterError, YamkitError
from yamkit.run.held import HeldItems
from yamkit.types import ClipEnd, ClipFailure, ClipStart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from yamkit.plugin import Sink, SinkInfo
    from yamkit.types import RunInfo, SinkItem

__all__ = ["Format", "Outputs", "path_text", "plan_outputs", "silence_standard_output"]

_FIELDS = ("{folder}", "{stem}", "{name}", "{ext}", "{shard}")
_FIELD_LIST = ", ".join(_FIELDS)
_STDIN_NAME = "stdin"
_OPEN_FILES = ("/dev", "/dev/fd", "/proc/self/fd")
"""Where the system keeps links to what a process has open, such as ``/dev/stdout``."""


@dataclass(frozen=True)
class Format:
    """A selected sink: its descriptor and its factory."""

    info: SinkInfo
    factory: Callable[[], Sink]


def plan_outputs(
    formats: Sequence[Format],
    output: str | None,
    clips: Sequence[str],
    shard: tuple[int, int] | None = None,
) -> Outputs:
    """Decide which file each format and clip goes to, before anything is computed.

    Parameters
    ----------
    formats : sequence of Format
    output : str or None
        None or ``-``: standard output, for one format alone. A folder (one that exists, or a name
        that ends with a separator; any name where there are several formats): a file a clip and
        format, ``{stem}.{ext}``. A template with ``{stem}`` or ``{name}`` (the clip's file name
        without and with its suffix), and perhaps ``{folder}`` (the clip's folder, as given, without
        ``..``): likewise. A template with ``{ext}`` alone, or a plain name: all clips in one file
        a format. In a folder, formats for corpora have one file for all clips, too.
    clips : sequence of str
        Paths of the clips, to find names that would meet.
    shard : tuple of int, optional
        Which part of a corpus the clips are, and of how many: what ``{shard}`` stands for. It is
        put into the name of a file for all clips, where the name does not have it.

    Raises
    ------
    ParameterError
        If two results would go to one place, or onto an input, or clips into one file of a format
        that holds one.
    OutputError
        If the folder of an output does not exist or cannot be made.
    """
    if output == "":
        raise ParameterError("output '': wanted a file, a folder, a template, or - for stdout")
    if output is None or output == "-":
        _check_one_clip(formats, clips)
        if len(formats) > 1:
            names = ", ".join(f.info.name for f in formats)
            raise ParameterError(
                f"{len(formats)} formats ({names}) on one standard output; name a folder or a "
                "template: --output 'tags/{stem}.{ext}'"
            )
        if shard is not None:
            raise ParameterError("a shard on standard output; name a file or folder: --output")
        return Outputs(formats, None)
    unknown = [field for field in re.findall(r"\{[^{}]*\}?", output) if field not in _FIELDS]
    if unknown:
        raise ParameterError(f"output {output!r}: no field {unknown[0]}; wanted {_FIELD_LIST}")
    template = output
    if not any(f in output for f in _FIELDS):
        separators = tuple(s for s in (os.sep, os.altsep) if s)
        collected = any(format_.info.for_corpora for format_ in formats)
        in_folder = "part-{shard}.{ext}" if collected else "{stem}.{ext}"
        if output.endswith(separators) or Path(output).is_dir():
            template = str(Path(output) / in_folder)
        elif len(formats) > 1:
            if Path(output).suffix[1:] in {f.info.extension for f in formats}:
                raise ParameterError(
                    f"output {output!r}: {len(formats)} formats do not fit into one file; name a "
                    "folder or a template: --output 'tags/{stem}.{ext}'"
                )
            template = str(Path(output) / in_folder)
    if shard is not None and "{shard}" not in template and not _is_per_clip(template):
        place = Path(template)
        template = str(place.with_name(f"{place.stem}-{{shard}}{place.suffix}"))
    template = template.replace("{shard}", "{:05}-of-{:05}".format(*(shard or (1, 1))))
    if not _is_per_clip(template):
        _check_one_clip(formats, clips)
    _check_places(formats, template, clips)
    return Outputs(formats, template, shard)


def _check_one_clip(formats: Sequence[Format], clips: Sequence[str]) -> None:
    for format_ in formats:
        if format_.info.one_clip and len(clips) > 1:
            raise ParameterError(
                f"format {format_.info.name}: a file holds one clip, not {len(clips)}; name a "
                "folder or a template: --output 'tags/{stem}.{ext}'"
            )


def _check_places(formats: Sequence[Format], template: str, clips: Sequence[str]) -> None:
    inputs = {os.path.realpath(clip) for clip in clips if clip != "-"}
    owners: dict[str, str] = {}
    for format_ in formats:
        for clip in map(path_text, clips) if _is_per_clip(template) else [""]:
            place = _place(template, format_, clip)
            path = os.path.realpath(place)
            if path in inputs:
                raise ParameterError(
                    f"output {printable(place)} is one of the inputs; choose another name"
                )
            owner = f"{printable(clip) or 'all clips'} as {format_.info.name}"
            if path in owners:
                raise ParameterError(
                    f"{owners[path]} and {owner} would both go to {printable(place)}; use more "
                    f"of {_FIELD_LIST} in --output"
                )
            owners[path] = owner


def _is_per_clip(template: str) -> bool:
    return "{stem}" in template or "{name}" in template


def _place(template: str, format_: Format, clip: str) -> Path:
    path = Path(_STDIN_NAME if clip == "-" else clip.rpartition("://")[2])
    folders = [part for part in path.parent.parts if part not in ("..", path.anchor)]
    values = {
        "{folder}": str(Path(*folders)),
        "{stem}": path.name if path.stem in (".", "..") else path.stem,
        "{name}": path.name,
        "{ext}": format_.info.extension,
    }
    return Path(*(_filled(part, values) for part in Path(template).parts))


def _filled(part: str, values: Mapping[str, str]) -> str:
    """Fill one part of a template in: whatever a clip is called, its place is below that part."""
    if "{" not in part:
        return part
    text = re.sub(r"\{\w+\}", lambda match: underscored(values[match[0]]), part)
    below = Path(*("__" if each == ".." else each for each in Path(text).parts))
    # the name of a clip is Unicode, and becomes the same bytes again, whatever the locale
    return text_to_path(str(below))


def path_text(path: str | os.PathLike[str]) -> str:
    """Give a path as valid Unicode, otherwise as it is: programs will read it."""
    try:
        return os.fsencode(path).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # no name that this system's files can have
        return os.fspath(path).encode("utf-8", "backslashreplace").decode()


def silence_standard_output() -> None:
    """Send what is still buffered nowhere, or the interpreter would fail on it at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@dataclass
class Outputs:
    """All outputs of a run: every item goes to every format.

    What one file holds of several clips is held back until a clip is whole, so that nothing of an
    unfinished one is in it. To a terminal, and to a pipe in a format that marks what is incomplete,
    items go as they come.

    Made by `plan_outputs`. Order of calls: `open`, `write` for each item, then `close` or
    `finish_early`.
    """

    formats: Sequence[Format]
    template: str | None
    shard: tuple[int, int] | None = None
    _run: RunInfo | None = None
    _open: list[_Output] = field(default_factory=list)
    _held: HeldItems = field(default_factory=HeldItems)
    _clip: str | None = None  # that is being written
    _finished: int = 0  # clips

    @property
    def per_clip(self) -> bool:
        """Whether each clip has files of its own, so that one that fails costs no other."""
        return self.template is not None and _is_per_clip(self.template)

    @property
    def shown_place(self) -> str | None:
        """Where outputs are, as a person would name it; None for standard output."""
        if self.template is None or len(self.formats) > 1:
            return self.template
        return self.template.replace("{ext}", self.formats[0].info.extension)

    @property
    def journal(self) -> Path | None:
        """Where a journal of these outputs belongs; nowhere for standard output."""
        if self.template is None:
            return None
        if not self.per_clip:
            return Path(self.template.replace(".{ext}", "").replace("{ext}", "") + ".journal")
        fixed = itertools.takewhile(lambda part: "{" not in part, Path(self.template).parts)
        shard = "" if self.shard is None else "-{:05}-of-{:05}".format(*self.shard)
        return Path(*fixed) / f"yamkit{shard}.journal"

    def are_there(self, clip: str) -> bool:
        """Tell whether the files of a clip of their own are there; True where it has none."""
        if self.template is None or not self.per_clip:
            return True
        clip = path_text(clip)
        return all(_place(self.template, format_, clip).is_file() for format_ in self.formats)

    @property
    def to_terminal(self) -> bool:
        """Whether results appear on a terminal."""
        return self.template is None and sys.stdout.isatty()

    def open(self, run: RunInfo) -> None:
        """Open what holds all clips; a place that cannot be written fails here."""
        self._run = run
        if not self.per_clip:
            self._open_all("")

    def write(self, item: SinkItem) -> None:
        """Give an item to each sink; the end of a clip closes files that hold that clip alone."""
        is_last = isinstance(item, (ClipEnd, ClipFailure))
        if isinstance(item, ClipStart):
            self._clip = item.path
            if self.per_clip:
                self._open_all(item.path)
        for output in self._open:
            if self.per_clip or not output.waits:
                output.write(item)
        waiting = [output for output in self._open if output.waits and not self.per_clip]
        if waiting and is_last:
            self._write_whole(item, waiting)
        elif waiting:
            self._held.add(item)
        if is_last:
            self._clip = None
            self._finished += 1
        if self.per_clip and isinstance(item, ClipEnd):
            self.close()
        elif self.per_clip and isinstance(item, ClipFailure):
            self.finish_early()

    def _write_whole(self, last: SinkItem, outputs: Sequence[_Output]) -> None:
        """Write a clip that came to its end; of one that failed, its failure alone."""
        if isinstance(last, ClipFailure):
            self._held.clear()
        for output in outputs:  # one after the other: a sink that fails costs no other this clip
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
            except BaseException:  # a second interruption: what is left is finished early
                output.abort()
                raise
        if failure is not None:
            raise failure

    def finish_early(self) -> None:
        """Finish what can be finished when a run ends before its time.

        The clip that was being written becomes a failure where one file holds all clips, and its
        own files are given up where they hold that clip alone. Files without a finished clip are
        given up as well, so that those of an earlier run stay, and so is a sink that failed.
        """
        clip, self._clip = self._clip, None
        self._held.clear()
        while self._open:
            output = self._open.pop(0)
            try:
                if output.failed or self.per_clip or (output.is_replaced and not output.ended):
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
            for format_ in self.formats:
                place = None if self.template is None else _place(self.template, format_, clip)
                self._open.append(_Output(format_, place, self._run))
        except BaseException:
            while self._open:
                self._open.pop().abort()
            raise


class _Output:
    """One sink on one destination."""

    def __init__(self, format_: Format, place: Path | None, run: RunInfo) -> None:
        self.failed = False
        self.is_lost = False  # it was to hold one clip alone, which failed
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
        """Name the place in an error of the system, the sink in one of its own."""
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
                f"sink {self._format.info.name!r} failed on {self._place}: "
                f"{type(error).__name__}: {printable(str(error))}"
            ) from error
        except BaseException:  # a second interruption, in the midst of a row
            self.failed = True
            raise


def _is_regular(stream: IO[Any]) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):  # no file of the system's
        return False


def _inert(stream: IO[str]) -> IO[str]:
    """Keep what acts on terminals out of an output, whichever plugin writes it."""
    return cast("IO[str]", InertStream(stream))


class _StandardOutput:
    """The process's own output; what was written there cannot be taken back."""

    is_replaced = False

    def __init__(self, *, binary: bool) -> None:
        self.stream: IO[Any] = sys.stdout.buffer if binary else _inert(sys.stdout)

    def keep(self) -> None:
        self.stream.flush()

    def discard(self) -> None:
        """Leave what was written; what cannot be written is dropped."""
        try:
            self.stream.flush()
        except OSError:
            silence_standard_output()


class _ReplacedFile:
    """A file that appears at its place when it is whole, or not at all.

    What is no regular file (a pipe, a device) is written in place.
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
    """Tell whether a place is a pipe or device, or one of the system's own names for open files."""
    if str(place.parent) in _OPEN_FILES:
        return place.exists()
    return not place.is_symlink() and place.exists() and not (place.is_file() or place.is_dir())
