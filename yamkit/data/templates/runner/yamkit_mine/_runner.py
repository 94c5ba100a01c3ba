"""Tags clips in processes of this machine: send them to your cluster in their place."""

from collections import deque
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from yamkit.errors import RunnerError


class Mine:
    """The runner; see `yamkit.plugin.Runner`.

    Files, outputs and the journal are yamkit's: a runner decides where and when the work is done.
    """

    def __init__(self, options):
        self._jobs = options.jobs or 1

    def items(self, work, clips):
        """Tag clips, and give their items in the order of the clips."""
        pool = ProcessPoolExecutor(
            self._jobs, get_context("spawn"), initializer=_begin, initargs=(work,)
        )
        waiting = deque()  # a few ahead of what is given
        try:
            for clip in clips:
                waiting.append((clip, pool.submit(_answer, work.row(clip))))
                if len(waiting) > 2 * self._jobs:
                    yield from _items(work, *waiting.popleft())
            while waiting:
                yield from _items(work, *waiting.popleft())
        except BrokenProcessPool:
            raise RunnerError(
                "a process ended before its work did; run again with --resume"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)

    def close(self):
        """Release what is held: nothing outlives `items`."""


_work = None


def _begin(work):
    """Keep the work of this process, which opens the model once."""
    global _work
    _work = work


def _answer(row):
    (answer,) = _work.answers([row], 1)
    return answer


def _items(work, clip, answer):
    for item in work.read(answer.result()):
        yield clip, item
