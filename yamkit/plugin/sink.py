r'''Sinks write results in one output format.

The core opens and closes the file and passes the results to the sink, item by item. This sink
writes a table with a line for each clip. Its first file describes it:

```python title="yamkit_mine/__init__.py"
"""The output format `mine`; this module only describes it."""

from yamkit.plugin import SinkInfo, hookimpl


@hookimpl
def yamkit_sinks():
    """Describe the output format."""
    yield SinkInfo(
        name="mine",
        summary="A line for each clip, with its best class",
        factory="yamkit_mine._sink:Mine",
        api=1,
        extension="mine.tsv",
    )
```

The second file is the implementation, which yamkit imports when a user selects the plugin:

```python title="yamkit_mine/_sink.py"
"""Writes a line for each clip: its path, its best class and the score, or its error."""

from yamkit.types import ClipEnd, ClipFailure, ClipStart


class Mine:
    """The output format; see `yamkit.plugin.Sink` for the order of calls.

    yamkit opens and closes the stream, and renames the finished file when `close` has returned.
    """

    def open(self, run, stream):
        """Write the header."""
        self._stream, self._path = stream, ""
        self._line("path", "class", "score", "error")

    def write(self, item):
        """Write the line of a clip at its end; items of other types are ignored."""
        if isinstance(item, ClipStart):
            self._path = item.path
        elif isinstance(item, ClipEnd):
            best = item.tags[:1]
            name, score = (best[0].name, f"{best[0].score:.6f}") if best else ("", "")
            self._line(self._path, name, score, "")
        elif isinstance(item, ClipFailure):
            self._line(item.path, "", "", item.message)

    def close(self):
        """Do nothing: everything is written."""

    def abort(self):
        """Do nothing: there is nothing to release."""

    def _line(self, *cells):
        # names of files and classes may hold tabs and line ends
        self._stream.write("\t".join(_escaped(cell) for cell in cells) + "\n")


def _escaped(cell):
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in cell)
```

The third file runs the contract with pytest:

```python title="tests/test_contract.py"
"""The contract of all output formats, and your own tests."""

from yamkit.testing import SinkContract


class TestMine(SinkContract):
    plugin = "mine"
```

`yamkit plugins new yamkit-mine --kind sink` makes a distribution with these files. Installed, it is
selected by its name:

```console
$ yamkit classify --format mine recording.wav
```
'''

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import IO, TYPE_CHECKING, Any, Protocol

from yamkit.plugin.descriptor import PluginInfo

if TYPE_CHECKING:
    from yamkit.types import RunInfo, SinkItem

__all__ = ["Sink", "SinkInfo"]


@dataclass(frozen=True)
class SinkInfo(PluginInfo):
    """Describes a sink; the factory is a `Sink` class or makes one.

    Attributes
    ----------
    extension : str
        Extension of its files, without a dot.
    binary : bool
        Whether it writes bytes; otherwise it writes text, in UTF-8.
    for_corpora : bool
        Whether one file is meant to hold many clips, even if the user names a folder.
    arrays : tuple of str
        Which of ``scores`` and ``embedding`` it writes when they are saved.
    for_events : bool
        Whether it writes events only, and so requires a run that finds events.
    one_clip : bool
        Whether a file holds only one clip.
    marks_failures : bool
        Whether an output shows that a clip failed after its first patches and events. On a pipe
        such a sink receives items as they are computed; other sinks receive a clip at its end.
    """

    _: KW_ONLY
    extension: str
    binary: bool = False
    for_corpora: bool = False
    arrays: tuple[str, ...] = ()
    for_events: bool = False
    one_clip: bool = False
    marks_failures: bool = False


class Sink(Protocol):
    """Writes results in one format: ``factory() -> Sink``.

    The core calls `open`, `write` for each item, then `close`. It may call `abort` at any time
    after `open`, also after a `close` that failed; if `open` itself fails, it calls neither. The
    core opens and closes the stream. It writes to a temporary file and renames that file when the
    sink is closed, so a sink never sees a file name. All calls come from one thread.
    """

    def open(self, run: RunInfo, stream: IO[Any]) -> None:
        """Keep the stream, and write what comes first.

        Parameters
        ----------
        run : RunInfo
            Model, plugins and parameters of the run.
        stream : text stream, or binary if the descriptor says ``binary=True``
            Not seekable in general. The sink does not close it.
        """

    def write(self, item: SinkItem) -> None:
        """Write one item. See `yamkit.types.SinkItem` for their order.

        A sink ignores items of types that it does not know.
        """

    def close(self) -> None:
        """Write what comes last. After this the output is complete."""

    def abort(self) -> None:
        """Release resources. The core discards what was written, unless it is on a pipe."""
