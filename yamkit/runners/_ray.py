"""The runner `ray`: Ray Data maps batches of clips over actors, each with its own tagger.

A lost actor is restarted, and its batch is computed again. An actor opens the model once.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import warnings
from typing import TYPE_CHECKING, Any, TypeVar

# Read when Ray is imported: by default it reports its use to its makers, and its core writes to
# standard error.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")

import ray
import ray.data

from yamkit.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from yamkit.plugin import RunnerOptions, Work
    from yamkit.types import SinkItem

__all__ = ["RayRunner"]

_Clip = TypeVar("_Clip")

_CLIPS_OF_A_BATCH = 16
"""Few, so that a lost actor costs little; enough to outweigh the cost of sending."""
_BATCHES_OF_A_BLOCK = 4
_MOST_BLOCKS = 4096
_PLACE = "place of the clip"  # no field of a row has this name
_PATIENCE_SECONDS = 10.0
_RETRIES = 3
"""Of a batch: a file that kills every process that reads it must not do so endlessly."""


class RayRunner:
    """Tags clips in a cluster; see `yamkit.plugin.Runner`.

    Parameters
    ----------
    options : RunnerOptions
        ``address`` of a cluster; None starts one on this machine until the runner is closed.

    Raises
    ------
    RunnerError
        If there is no such cluster, or this process has already joined one.
    """

    def __init__(self, options: RunnerOptions) -> None:
        self._threads = options.threads or 1
        if options.address is not None:
            _reach(options.address)
        try:
            with _silent():
                ray.init(
                    address=options.address or "local",
                    include_dashboard=None if options.address else False,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
        except Exception as error:
            place = options.address or "this machine"
            raise RunnerError(f"Ray on {place}: {_line(error)}") from error
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        cores = int(resources.get("CPU", 1))
        self._actors = options.jobs or max(1, cores // self._threads)

    def items(
        self, work: Work[_Clip], clips: Iterable[_Clip]
    ) -> Generator[tuple[_Clip, SinkItem], None, None]:
        """Tag clips, in their order."""
        listed = list(clips)
        if not listed:
            return
        rows = [{**work.row(clip), _PLACE: number} for number, clip in enumerate(listed)]
        blocks = -(-len(rows) // (_CLIPS_OF_A_BATCH * _BATCHES_OF_A_BLOCK))
        context = ray.data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        try:
            with _silent():
                answers = ray.data.from_items(
                    rows, override_num_blocks=min(max(blocks, self._actors), _MOST_BLOCKS)
                ).map_batches(
                    _actor(work),
                    batch_size=_CLIPS_OF_A_BATCH,
                    batch_format="pyarrow",
                    compute=ray.data.ActorPoolStrategy(size=self._actors),
                    num_cpus=self._threads,
                    max_task_retries=_RETRIES,
                )
                for answer in answers.iter_rows():
                    clip = listed[answer[_PLACE]]
                    for item in work.read(answer["items"]):
                        yield clip, item
        except ray.exceptions.RayError as error:
            raise RunnerError(f"Ray: {_line(error)}") from error

    def close(self) -> None:
        """Leave the cluster, or stop the one of this machine."""
        ray.shutdown()


def _reach(address: str) -> None:
    """Check that the address answers: Ray itself would try for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address == "auto":  # Ray finds the cluster of this machine
        return
    try:
        with socket.create_connection((host, int(port)), timeout=_PATIENCE_SECONDS):
            pass
    except (OSError, ValueError, OverflowError) as error:
        raise RunnerError(
            f"--ray-address {address!r}: {error}; must be HOST:PORT of a running cluster, or auto"
        ) from None


def _actor(work: Work[Any]) -> type:
    """Return the class of the actors; its pickle holds the work."""

    class Tagging:
        def __call__(self, batch: Any) -> dict[str, list[Any]]:
            rows = batch.to_pylist()
            places = [row[_PLACE] for row in rows]
            return {_PLACE: places, "items": work.answers(rows, 1)}

    return Tagging


@contextlib.contextmanager
def _silent() -> Generator[None, None, None]:
    """Keep Ray's messages off standard error; yamkit reports what a user must know."""
    names = ("ray", "ray.data")
    before = [logging.getLogger(name).level for name in names]
    for name in names:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # `max_task_retries` is deprecated, and Ray has no replacement yet
            warnings.simplefilter("ignore", ray.util.annotations.RayDeprecationWarning)
            yield
    finally:
        for name, level in zip(names, before, strict=True):
            logging.getLogger(name).setLevel(level)


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return f"{lines[-1]:.300}"
