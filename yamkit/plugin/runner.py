"""Runners decide where and when clips are tagged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from yamkit.plugin.descriptor import PluginInfo

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from yamkit.types import SinkItem

__all__ = [
    "Runner",
    "RunnerInfo",
    "RunnerOptions",
    "Work",
]

_Clip = TypeVar("_Clip")


@dataclass(frozen=True)
class RunnerInfo(PluginInfo):
    """Describes a runner; the factory is a `Runner` class or makes one."""


@dataclass(frozen=True)
class RunnerOptions:
    """What a runner is given.

    Attributes
    ----------
    jobs : int or None
        How much is done at a time; None leaves it to the runner.
    threads : int or None
        Threads of one network call, of which each job needs so many cores.
    address : str or None
        Of a cluster to join.
    """

    jobs: int | None = None
    threads: int | None = None
    address: str | None = None


class Runner(Protocol):
    r"""Carries clips to where they are tagged: ``factory(RunnerOptions) -> Runner``.

    Files, outputs and the journal are the core's; a runner only decides where and when `Work` is
    done. Results must not depend on it. Every item is checked as it comes: one that cannot be the
    next of its clip ends the run with a `BrokenPluginError`.

    Example
    -------
    ::

        class Pool:
            def __init__(self, options):
                self._pool = ProcessPoolExecutor(options.jobs)

            def items(self, work, clips):
                clips = list(clips)
                rows = [[work.row(clip)] for clip in clips]
                answers = self._pool.map(work.answers, rows, itertools.repeat(1))
                for clip, (answer,) in zip(clips, answers):
                    for item in work.read(answer):
                        yield clip, item

            def close(self):
                self._pool.shutdown()
    """

    def items(
        self, work: Work[_Clip], clips: Iterable[_Clip], /
    ) -> Generator[tuple[_Clip, SinkItem], None, None]:
        """Tag clips, and give their items in the order of the clips.

        An interruption closes the generator early.

        Raises
        ------
        yamkit.errors.RunnerError
            If the run cannot go on: what was given until then is kept.
        """

    def close(self) -> None:
        """Release what is held."""


class Work(Protocol[_Clip]):
    """What a runner does with clips. It can be pickled, and sent to another process.

    A clip is a thing that a runner passes on and never looks into.
    """

    def items(
        self, clips: Iterable[_Clip], jobs: int
    ) -> Generator[tuple[_Clip, SinkItem], None, None]:
        """Tag clips in this process, with several threads.

        Parameters
        ----------
        clips : iterable
            Asked for one by one, some ahead of what is given.
        jobs : int
            Threads.

        Yields
        ------
        clip : object
            In their order.
        item : ClipStart, PatchTags, Event, ClipEnd or ClipFailure
            Whatever goes wrong with a clip is its `ClipFailure`.
        """

    def row(self, clip: _Clip, /) -> dict[str, Any]:
        """Describe a clip to another process: texts, numbers and None by name."""

    def answers(self, rows: Sequence[Mapping[str, Any]], jobs: int) -> list[bytes]:
        """Tag clips that `row` described, of which another process has no more.

        Returns
        -------
        list of bytes
            For each row what `read` reads.
        """

    def read(self, answer: bytes, /) -> Iterator[SinkItem]:
        """Give the items of a clip."""
