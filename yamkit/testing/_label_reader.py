"""What a label reader promises: it knows its own lists, and a damaged one is a line of text."""

from __future__ import annotations

import codecs
import contextlib
import itertools
import tempfile
import unittest
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from yamkit.errors import LabelError
from yamkit.testing._contract import PluginContract, fail, promised, require, skipping
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
    """What every label reader promises; see `yamkit.plugin.LabelReader`.

    Attributes
    ----------
    example : str, Path or None
        A list of its layout: the text, or a file or folder. Most checks need one.
    clips : sequence of LabelledClip or None
        What is read from it; None where nobody says.
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
        """Give the bytes of the example; None where it is a folder."""
        if self.example is None:
            raise unittest.SkipTest("give it an example of a list")
        if isinstance(self.example, str):
            return self.example.encode()
        return None if self.example.is_dir() else self.example.read_bytes()

    def _file(self) -> bytes:
        data = self._data()
        if data is None:
            raise unittest.SkipTest("its list is a folder")
        return data

    def _clips(self, data: bytes | None) -> list[LabelledClip]:
        """Read clips from bytes, or from the folder that the example is."""
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
        """Read, for checks of what is read: that of the example says whether it can be."""
        with skipping("its example cannot be read"):
            return self._clips(data)

    def test_example(self) -> None:
        """The example gives its clips, each of the types that are promised."""
        data = self._data()
        self.opened()
        with promised("the clips of the example"):
            clips = self._clips(data)
        require(clips, "no clips", "the clips of the example")
        for clip in clips:
            require(_is_sound(clip), f"{clip!r:.200}", "a LabelledClip of texts and numbers")
        if self.clips is not None:
            require(clips == list(self.clips), f"{clips!r:.300}", f"{list(self.clips)!r:.300}")

    def test_recognises_its_own(self) -> None:
        """A list of its layout is recognised by its first lines, or its folder."""
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
        require(found is True, f"{found!r} for its own example", "True")

    def test_recognises_no_other(self) -> None:
        """Files that are something else are left to other readers."""
        reader = self.opened()
        with tempfile.TemporaryDirectory() as folder:
            for head in _OTHERS:
                path = Path(folder) / "other.txt"
                path.write_text("\n".join(head))
                where = f"for a file with the lines {head!r}"
                with promised("False", where):
                    found = reader.recognises(path, head)
                require(found is False, f"{found!r} {where}", "False")

    def test_vocabulary(self) -> None:
        """The vocabulary is texts by texts, or empty."""
        data = self._data()
        reader = self.opened()
        with tempfile.TemporaryDirectory() as folder:
            path = self.example if isinstance(self.example, Path) else Path(folder) / "list.csv"
            if isinstance(self.example, str) and data is not None:
                path.write_bytes(data)
            found = dict(reader.vocabulary(path))
        texts = all(isinstance(part, str) for pair in found.items() for part in pair)
        require(texts, f"{found!r:.200}", "texts by texts")

    def test_lines(self) -> None:
        """Clips of a file say in which line they stand, in the order of the list."""
        data = self._file()
        lines = [clip.line for clip in self._read(data)]
        last = len(data.decode("utf-8-sig", "replace").splitlines())
        rising = all(one <= other for one, other in itertools.pairwise(lines))
        within = all(1 <= line <= last for line in lines)
        require(rising and within, f"lines {lines!r:.80}", f"rising ones from 1 to {last}")

    def test_line_ends(self) -> None:
        """Windows' line ends and a byte-order mark change nothing."""
        data = self._file()
        wanted = self._read(data)
        crlf = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        for name, changed in (("CRLF", crlf), ("a byte-order mark", codecs.BOM_UTF8 + data)):
            with promised("the same clips", f"with {name}"):
                found = self._clips(changed)
            require(found == wanted, f"{found!r:.200} with {name}", "the same clips")

    def test_damaged(self) -> None:
        """A list that was cut off or overwritten is read, or is a `LabelError` of one line."""
        data = self._file()
        self._read(data)
        damaged = [data[:length] for length in range(0, len(data), max(1, len(data) // 50))]
        damaged += [b"\xff\xfe\x00" + data, data.replace(b"\n", b"\n\x00", 2), b"\x89PNG\r\n\x1a\n"]
        for each in damaged:
            with promised("clips, or a LabelError", f"for {each[-30:]!r}"), _of_one_line():
                self._clips(each)

    def test_no_list(self) -> None:
        """A list that is not there is a `LabelError`."""
        reader = self.opened()
        with tempfile.TemporaryDirectory() as folder:
            where = "for a list that is not there"
            with promised("a LabelError", where), _of_one_line():
                found = list(reader.read(Path(folder) / "no" / "list.csv"))
                fail(f"{found!r:.80} {where}", "a LabelError")


@contextlib.contextmanager
def _of_one_line() -> Iterator[None]:
    """Let a `LabelError` pass whose message is one line."""
    try:
        yield
    except LabelError as error:
        require("\n" not in str(error), f"a message of lines: {error}", "one line")


def _is_sound(clip: object) -> bool:
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
