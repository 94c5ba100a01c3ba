"""Sinks write results in one output format."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import IO, TYPE_CHECKING, Any, Protocol

from yamkit.plugin.descriptor import PluginInfo

if TYPE_CHECKING:
    from yamkit.types import RunInfo, SinkItem

__all__ = [
    "Sink",
    "SinkInfo",
]


@dataclass(frozen=True)
class SinkInfo(PluginInfo):
    """Describes a sink; the factory is a `Sink` class or makes one.

    Attributes
    ----------
    extension : str
        Of the files it writes, without a dot.
    binary : bool
        Whether it writes bytes; text is UTF-8.
    for_corpora : bool
        Whether a file is meant to hold many clips, even where a folder is named.
    arrays : tuple of str
        Which of ``scores`` and ``embedding`` it writes where they come.
    for_events : bool
        Whether it writes events, and nothing of runs that find none.
    one_clip : bool
        Whether a file holds one clip alone.
    marks_failures : bool
        Whether an output shows of patches and events that their clip failed later on. Such a sink
        receives them as they come where they go to a pipe; any other one when their clip is whole.
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
    r"""Writes results in one format: ``factory() -> Sink``.

    Order of calls: `open`, `write` for each item, then `close`, or `abort` at any time after
    `open`, also after a `close` that failed; where `open` itself fails, neither. The core opens and
    closes the stream, writes it beside its place and renames it when the sink was closed, so a sink
    never sees a file name. Calls come from one thread.

    Example
    -------
    ::

        class Names:
            def open(self, run, stream):
                self._stream = stream

            def write(self, item):
                if isinstance(item, ClipEnd):
                    self._stream.write(f"{item.tags[0].name}\n")

            def close(self):
                pass

            def abort(self):
                pass
    """

    def open(self, run: RunInfo, stream: IO[Any]) -> None:
        """Begin: keep the stream, write what comes first.

        Parameters
        ----------
        run : RunInfo
            Model, plugins and parameters behind the numbers.
        stream : text stream, or binary where the descriptor says ``binary=True``
            Not seekable in general. The sink does not close it.
        """

    def write(self, item: SinkItem) -> None:
        """Write one item. See `yamkit.types.SinkItem` for their order.

        A sink ignores items of types it does not know.
        """

    def close(self) -> None:
        """End: write what comes last. After this the output is whole."""

    def abort(self) -> None:
        """Give up: release resources. What was written is thrown away where it can be."""
