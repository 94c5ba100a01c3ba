"""Where clips are tagged, and how the cores of this machine are divided for it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from yamkit._util.bounds import MAX_THREADS
from yamkit.cli import _complete
from yamkit.cli._settings import option
from yamkit.cli._values import Whole

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yamkit.plugin import Runner

__all__ = ["JOBS", "THREADS", "CoreAllocation", "RunnerSettings", "allocate_cores"]

JOBS: dict[str, Any] = {
    "type": Whole(1, MAX_THREADS),
    "help": "Threads that decode and tag, each a clip or a part of one.  [default: the number of "
    "cores, divided by --threads]",
}
THREADS: dict[str, Any] = {
    "type": Whole(1, MAX_THREADS),
    "help": "Threads per network call.  [default: 1; with --jobs 1, the choice of the engine]",
}


class CoreAllocation(NamedTuple):
    """Jobs, and threads of each network call; None leaves these to the engine."""

    jobs: int
    threads: int | None


def allocate_cores(
    jobs: int | None, threads: int | None, paths: Iterable[str] = ()
) -> CoreAllocation:
    """Divide the cores between jobs and the threads of their network calls.

    There is one job if a path is standard input: only the main thread can be interrupted there.
    """
    from yamkit._util.machine import usable_cores

    if jobs is None:
        jobs = 1 if "-" in paths else max(1, usable_cores() // (threads or 1))
    return CoreAllocation(jobs, threads if jobs == 1 else threads or 1)


@dataclass(frozen=True)
class RunnerSettings:
    """Where clips are tagged, with how many threads."""

    jobs: int | None = option("--jobs", section="Speed", **JOBS)
    threads: int | None = option("--threads", **THREADS)
    runner: str = option(
        "--runner",
        default="local",
        show_default=True,
        shell_complete=_complete.plugins("runner"),
        help="Where clips are tagged: local, ray, or the runner of a plugin.",
    )
    ray_address: str | None = option(
        "--ray-address",
        metavar="ADDRESS",
        help="Ray cluster to join.  [default: start one on this machine]",
    )

    def allocate(self, paths: Iterable[str] = ()) -> CoreAllocation:
        """Divide the cores of this machine; see `allocate_cores`."""
        return allocate_cores(self.jobs, self.threads, paths)

    def open(self, cores: CoreAllocation) -> contextlib.closing[Runner]:
        """Make the runner; the local one takes the allocated jobs."""
        from yamkit.plugin import RunnerOptions
        from yamkit.run.work import open_runner

        jobs = cores.jobs if self.runner == "local" else self.jobs
        options = RunnerOptions(jobs, self.threads, self.ray_address)
        return contextlib.closing(open_runner(self.runner, options))
