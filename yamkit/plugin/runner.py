'''Runners decide where and when clips are tagged: in this process, in others, on a cluster.

A runner passes clips to `Work`, which tags them, and yields the results in the order of the clips.
Files, outputs and the journal stay with the core. This runner uses processes on this machine. Its
first file describes it:

```python title="yamkit_mine/__init__.py"
"""The runner `mine`; this module only describes it."""

from yamkit.plugin import RunnerInfo, hookimpl


@hookimpl
def yamkit_runners():
    """Describe the runner."""
    yield RunnerInfo(
        name="mine",
        summary="Processes on this machine",
        factory="yamkit_mine._runner:Mine",
        api=1,
    )
```

The second file is the implementation, which yamkit imports when a user selects the plugin. It sends
`Work` to each process once, not with each clip: a copy of `Work` opens the model when it first tags
a clip, and keeps it open:

```python title="yamkit_mine/_runner.py"
"""Tags clips in processes on this machine; replace them with your cluster."""

from collections import deque
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from yamkit.errors import RunnerError


class Mine:
    """The runner; see `yamkit.plugin.Runner`."""

    def __init__(self, options):
        self._jobs = options.jobs or 1

    def items(self, work, clips):
        """Tag clips, and yield their items in the order of the clips."""
        pool = ProcessPoolExecutor(
            self._jobs, get_context("spawn"), initializer=_keep, initargs=(work,)
        )
        waiting = deque()  # clips that are being tagged, a few for each process
        try:
            for clip in clips:
                waiting.append((clip, pool.submit(_answer, work.row(clip))))
                if len(waiting) > 2 * self._jobs:
                    yield from _items(work, *waiting.popleft())
            while waiting:
                yield from _items(work, *waiting.popleft())
        except BrokenProcessPool:
            raise RunnerError("a process ended early; run again with --resume") from None
        finally:
            pool.shutdown(cancel_futures=True)

    def close(self):
        """Do nothing: `items` ends its processes."""


_work = None


def _keep(work):
    """Keep the work in this process; its model is opened once and tags all clips."""
    global _work
    _work = work


def _answer(row):
    (answer,) = _work.answers([row], 1)
    return answer


def _items(work, clip, answer):
    for item in work.read(answer.result()):
        yield clip, item
```

The third file runs the contract with pytest:

```python title="tests/test_contract.py"
"""The contract of all runners, and your own tests."""

from yamkit.testing import RunnerContract


class TestMine(RunnerContract):
    plugin = "mine"
```

`yamkit plugins new yamkit-mine --kind runner` makes a distribution with these files. Installed, it
is selected by its name:

```console
$ yamkit classify --runner mine recordings/ --recursive
```
'''

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from yamkit.plugin.descriptor import PluginInfo

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from yamkit.types import SinkItem

__all__ = ["Runner", "RunnerInfo", "RunnerOptions", "Work"]

_Clip = TypeVar("_Clip")


class RunnerInfo(PluginInfo):
    """Describes a runner; the factory is a `Runner` class or makes one."""


@dataclass(frozen=True)
class RunnerOptions:
    """What a user may choose for a runner.

    Attributes
    ----------
    jobs : int or None
        How many clips are tagged at once; None leaves it to the runner.
    threads : int or None
        Threads of one network call; each job needs as many cores.
    address : str or None
        Address of a cluster to join.
    """

    jobs: int | None = None
    threads: int | None = None
    address: str | None = None


class Work(Protocol[_Clip]):
    """Tags clips for a runner, in this process or, pickled, in another one.

    A runner passes clips on and never looks into them. A copy in another process opens the model
    when it first tags a clip, and keeps it: send one copy to each process, not one with each clip.
    """

    def items(
        self, clips: Iterable[_Clip], jobs: int
    ) -> Generator[tuple[_Clip, SinkItem], None, None]:
        """Tag clips in this process, with several threads.

        Parameters
        ----------
        clips : iterable
            Read one by one, some ahead of those whose items were yielded.
        jobs : int
            Threads.

        Yields
        ------
        clip : object
            In the order of `clips`.
        item : ClipStart, PatchTags, Event, ClipEnd or ClipFailure
            An error of a clip is its `ClipFailure`.
        """

    def row(self, clip: _Clip, /) -> dict[str, Any]:
        """Describe a clip for another process: strings, numbers and None by name."""

    def answers(self, rows: Sequence[Mapping[str, Any]], jobs: int) -> list[bytes]:
        """Tag clips that were described with `row`, in the process that received the rows.

        Returns
        -------
        list of bytes
            For each row, the input of `read`.
        """

    def read(self, answer: bytes, /) -> Iterator[SinkItem]:
        """Yield the items of a clip from its answer."""


class Runner(Protocol):
    """Tags clips with `Work`: ``factory(options: RunnerOptions) -> Runner``.

    Results must not depend on the runner. The core checks every item, and ends the run with a
    `yamkit.errors.BrokenPluginError` if one cannot be the next item of its clip.
    """

    def items(
        self, work: Work[_Clip], clips: Iterable[_Clip], /
    ) -> Generator[tuple[_Clip, SinkItem], None, None]:
        """Tag clips, and yield their items in the order of the clips.

        An interruption closes the generator early.

        Raises
        ------
        yamkit.errors.RunnerError
            If the run cannot go on; items that were yielded before are kept.
        """

    def close(self) -> None:
        """Release all resources."""
