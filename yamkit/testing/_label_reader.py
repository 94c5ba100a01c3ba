"""The contract of label readers: they recognise their lists and report damaged ones."""

from __future__ import annotations

import codecs
import contextlib
import itertools
import tempfile
import unittest
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from yamkit.errors import LabelError
from yamkit.testing._contract import PluginContract
from yamkit.testing._failures import expecting, fail, require, skipping
from yamkit.types import LabelledClip, LabelledEvent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["LabelReaderContract"]

_HEAD_LINES = 5
_OTHERS: tuple[tuple[str, ...], ...] = (
    (),
    ("",),
    ("a,b,c", "1,2,3"),
    ("{", '"no": "list"', "}"),
    ("\x00\x01\x02", "\x1b[31m"),
)


class LabelReaderContract(PluginContract):
    """The contract of every label reader; see `yamkit.plugin.LabelReader`.

    Attributes
    ----------
    example : str, Path or None
        A list in its layout: the text, or a file or folder. Most checks need one.
    clips : sequence of LabelledClip or None
        The clips of that list; None to check only their types.
    """

    kind: ClassVar[str] = "label reader"
    example: ClassVar[str | Path | None] = None
    clips: ClassVar[Sequence[LabelledClip] | None] = None

    @classmethod
    def _methods(cls) -> tuple[str, ...]:
        return ("recognises", "vocabulary", "read")

    @classmethod
    def make(cls) -> Any:
        """Make the reader."""
        return cls.factory()()

    def _data(self) -> bytes | None:
        """Return the bytes of the example; None if it is a folder."""
        if self.example is None:
            raise unittest.SkipTest("needs a list; choose one with --example")
        if isinstance(self.example, str):
            return self.example.encode()
        return None if self.example.is_dir() else self.example.read_bytes()

    def _file(self) -> bytes:
        data = self._data()
        if data is None:
            raise unittest.SkipTest("the example is a folder")
        return data

    def _clips(self, data: bytes | None) -> list[LabelledClip]:
        """Read clips from bytes, or from the example if it is a folder."""
        reader = self.opened()
        if data is None:
            assert isinstance(self.example, Path)
            return list(reader.read(self.example))
        with tempfile.TemporaryDirectory() as folder:
            suffix = self.example.suffix if isinstance(self.example, Path) else ".csv"
            path = Path(folder) / f"list{suffix}"
            path.write_bytes(data)
            return list(reader.read(path))

    def _read(self, data: bytes | None) -> list[LabelledClip]:
        """Read clips for another check; skip it if the example cannot be read."""
        with skipping("the example cannot be read"):
            return self._clips(data)

    def test_example(self) -> None:
        """It reads the clips of the example; their fields have the documented types."""
        data = self._data()
        self.opened()
        with expecting("the clips of the example"):
            clips = self._clips(data)
        require(clips, "no clips", "the clips of the example")
        for clip in clips:
            require(_is_valid(clip), f"{clip!r:.200}", "a LabelledClip with fields of its types")
        if self.clips is not None:
            require(clips == list(self.clips), f"{clips!r:.300}", f"{list(self.clips)!r:.300}")

    def test_recognises_its_own(self) -> None:
        """It recognises a list of its layout by its first lines, or by its folder."""
        data = self._data()
        reader = self.opened()
        with tempfile.TemporaryDirectory() as folder:
            path = self.example if isinstance(self.example, Path) else Path(folder) / "list.csv"
            head: tuple[str, ...] = ()
            if data is not None:
                if isinstance(self.example, str):
                    path.write_bytes(data)
                lines = data.decode("utf-8-sig", "replace").splitlines()
                head = tuple(lines[:_HEAD_LINES])
            found = reader.recognises(path, head)
        require(found is True, f"{found!r} for the example", "True")

    def test_recognises_no_other(self) -> None:
        """It does not recognise other files."""
        reader = self.opened()
        with tempfile.TemporaryDirectory() as folder:
            for head in _OTHERS:
                path = Path(folder) / "other.txt"
                path.write_text("\n".join(head))
                where = f"for a file with the lines {head!r}"
                with expecting("False", where):
                    found = reader.recognises(path, head)
                require(found is False, f"{found!r} {where}", "False")

    def test_vocabulary(self) -> None:
        """The vocabulary maps strings to strings, or is empty."""
        data = self._data()
        reader = self.opened()
        with tempfile.TemporaryDirectory() as folder:
            path = self.example if isinstance(self.example, Path) else Path(folder) / "list.csv"
            if isinstance(self.example, str) and data is not None:
                path.write_bytes(data)
            found = dict(reader.vocabulary(path))
        texts = all(isinstance(part, str) for pair in found.items() for part in pair)
        require(texts, f"{found!r:.200}", "a mapping of strings to strings")

    def test_lines(self) -> None:
        """Clips of a file have their line numbers, in the order of the list."""
        data = self._file()
        lines = [clip.line for clip in self._read(data)]
        last = len(data.decode("utf-8-sig", "replace").splitlines())
        rising = all(one <= other for one, other in itertools.pairwise(lines))
        within = all(1 <= line <= last for line in lines)
        require(rising and within, f"lines {lines!r:.80}", f"increasing ones from 1 to {last}")

    def test_line_ends(self) -> None:
        """Windows line ends and a byte order mark do not change the clips."""
        data = self._file()
        expected = self._read(data)
        crlf = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        for name, changed in (("CRLF", crlf), ("a byte order mark", codecs.BOM_UTF8 + data)):
            with expecting("the same clips", f"with {name}"):
                found = self._clips(changed)
            require(found == expected, f"{found!r:.200} with {name}", "the same clips")

    def test_damaged(self) -> None:
        """A truncated or damaged list is read, or raises a `LabelError` of one line."""
        data = self._file()
        self._read(data)
        damaged = [data[:length] for length in range(0, len(data), max(1, len(data) // 50))]
        damaged += [b"\xff\xfe\x00" + data, data.replace(b"\n", b"\n\x00", 2), b"\x89PNG\r\n\x1a\n"]
        for each in damaged:
            with expecting("clips, or a LabelError", f"for {each[-30:]!r}"), _one_line_error():
                self._clips(each)

    def test_no_list(self) -> None:
        """A missing list raises a `LabelError`."""
        reader = self.opened()
        with tempfile.TemporaryDirectory() as folder:
            where = "for a missing list"
            with expecting("a LabelError", where), _one_line_error():
                found = list(reader.read(Path(folder) / "no" / "list.csv"))
                fail(f"{found!r:.80} {where}", "a LabelError")


@contextlib.contextmanager
def _one_line_error() -> Iterator[None]:
    """Accept a `LabelError` if its message is one line."""
    try:
        yield
    except LabelError as error:
        require("\n" not in str(error), f"a message of several lines: {error}", "one line")


def _is_valid(clip: object) -> bool:
    if not isinstance(clip, LabelledClip) or not clip.names:
        return False
    texts = (*clip.names, *clip.labels, clip.fold, clip.split)
    seconds = (clip.start_seconds, clip.end_seconds)
    return (
        isinstance(clip.names, tuple)
        and isinstance(clip.labels, tuple)
        and all(isinstance(text, str) for text in texts)
        and all(each is None or isinstance(each, (int, float)) for each in seconds)
        and len(set(clip.labels)) == len(clip.labels)
        and all(isinstance(event, LabelledEvent) for event in clip.events or ())
    )
