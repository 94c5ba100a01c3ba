"""Text for people: the name of a clip, then its tags in aligned columns.

Control characters in a path are shown as escapes, so that no file name can drive a terminal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from yamkit.types import ClipEnd, ClipFailure, ClipStart, PatchTags

if TYPE_CHECKING:
    from typing import IO

    from yamkit.types import RunInfo, SinkItem

__all__ = ["TextSink"]

_MIN_WIDTH = 12


class TextSink:
    """A block of lines a clip; with patches, a line a patch before the clip's own tags."""

    def open(self, run: RunInfo, stream: IO[str]) -> None:
        """Keep the stream and the names that stand beside each clip."""
        self._stream = stream
        self._model = run.model.name
        self._aggregate = run.parameters.aggregate
        self._path = ""
        self._in_timeline = False

    def write(self, item: SinkItem) -> None:
        """Write the lines of an item."""
        if isinstance(item, ClipStart):
            self._path = _printable(item.path)
        elif isinstance(item, PatchTags):
            if not self._in_timeline:
                self._stream.write(f"{self._path}:\n")
                self._in_timeline = True
            tags = "; ".join(f"{tag.name} {tag.score:.3f}" for tag in item.tags) or "-"
            times = f"{item.start_seconds:9.3f} -{item.end_seconds:9.3f}"
            self._stream.write(f"  {times}  {tags}\n")
        elif isinstance(item, ClipEnd):
            self._end(item)
        elif isinstance(item, ClipFailure):
            self._in_timeline = False

    def close(self) -> None:
        """Do nothing: every block is whole."""

    def abort(self) -> None:
        """Do nothing: nothing is held."""

    def _end(self, end: ClipEnd) -> None:
        patches = "1 patch" if end.patches == 1 else f"{end.patches} patches"
        facts = f"{end.duration_seconds:.2f} s, {self._aggregate} of {patches}, {self._model}"
        lines = [f"  {facts}:" if self._in_timeline else f"{self._path}: {facts}"]
        width = max([_MIN_WIDTH, *(len(tag.name) for tag in end.tags)])
        lines += [f"  {tag.name:{width}}  {tag.score:.3f}" for tag in end.tags]
        if not end.tags:
            lines.append("  no class reaches the threshold")
        self._stream.write("\n".join(lines) + "\n")
        self._in_timeline = False


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
