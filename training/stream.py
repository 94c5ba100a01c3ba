"""An endless stream of labelled mixtures, in an order that depends only on the seed.

Mixtures are made in shards. The content of a shard depends on the seed and its number, so any
process can make it, and a training that continues makes the same shards again.
"""

from __future__ import annotations

import itertools
import signal
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from training.teacher import label, open_teacher
from yamkit.errors import YamkitError
from yamkit.models import load_bundle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from training.mixtures import Mixer
    from training.recipe import Recipe
    from training.teacher import Labelled
    from yamkit.models import ModelBundle
    from yamkit.pipeline.compose import Pipeline

__all__ = ["Pool", "Shards"]


class Shards(Dataset["Labelled"]):
    """Shards by number; every process opens its own teacher with one thread.

    Parameters
    ----------
    mixer : Mixer
    teacher : ModelBundle
    recipe : Recipe
        Has the seed and the size of a shard.
    """

    def __init__(self, mixer: Mixer, teacher: ModelBundle, recipe: Recipe) -> None:
        self._mixer = mixer
        self._folder = teacher.folder
        self._recipe = recipe
        self._teacher: Pipeline | None = None

    def __getitem__(self, number: int) -> Labelled:
        """Make a shard."""
        if self._teacher is None:
            self._teacher = open_teacher(load_bundle(self._folder), threads=1)
        random = self._recipe.random("mixtures", number)
        count = self._recipe.training.shard_size
        return label(self._teacher, (self._mixer.mixture(random) for _ in range(count)))

    def stream(self, first: int, workers: int) -> Iterator[Labelled]:
        """Return the shards from one on, made in advance by other processes if there are any."""
        loader = DataLoader(
            self,
            batch_size=None,
            sampler=_From(first),
            num_workers=workers,
            worker_init_fn=_leave_signals_to_the_parent,
            prefetch_factor=2 if workers else None,
            collate_fn=_same,
        )
        return iter(loader)


def _leave_signals_to_the_parent(_: int) -> None:
    """Ignore Ctrl-C, which reaches every process of a terminal; the parent sends SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


class _From(Sampler[int]):
    def __init__(self, first: int) -> None:
        self._first = first

    def __iter__(self) -> Iterator[int]:
        return itertools.count(self._first)


def _same(shard: Any) -> Any:
    return shard


@dataclass(frozen=True)
class Examples:
    """A batch: inputs and expected outputs, float32 tensors.

    Attributes
    ----------
    patches : Tensor [B, frames, bands]
    logits : Tensor [B, C]
    """

    patches: torch.Tensor
    logits: torch.Tensor


class Pool:
    """The newest shards, from which batches are drawn; a new shard replaces the oldest.

    Parameters
    ----------
    shards : Shards
    recipe : Recipe
    step : int
        First step.
    workers : int
        Processes that make shards.

    Raises
    ------
    ChildProcessError
        If one of these processes ends, also in `batch`.
    """

    def __init__(self, shards: Shards, recipe: Recipe, step: int, workers: int) -> None:
        self._recipe, self._plan, self._step = recipe, recipe.training, step
        uses = self._plan.shard_size * self._plan.uses
        self._steps_per_shard = max(1, uses // self._plan.batch_size)
        self._stream = shards.stream(step // self._steps_per_shard, workers)
        count = self._plan.pool_shards
        self._held = deque((self._next_shard() for _ in range(count)), maxlen=count)

    def batch(self) -> Examples:
        """Return the next batch; it depends only on the step."""
        random = self._recipe.random("batches", self._step)
        count = self._plan.batch_size
        places = random.integers(0, self._plan.pool_shards, count)
        rows = random.integers(0, self._plan.shard_size, count)
        drawn = [(self._held[place], row) for place, row in zip(places, rows, strict=True)]
        self._step += 1
        if self._step % self._steps_per_shard == 0:
            self._held.append(self._next_shard())
        return Examples(
            torch.from_numpy(np.stack([shard.patches[row] for shard, row in drawn])).float(),
            torch.from_numpy(np.stack([shard.logits[row] for shard, row in drawn])).float(),
        )

    def _next_shard(self) -> Labelled:
        try:
            return next(self._stream)
        except (RuntimeError, YamkitError, OSError) as error:
            # the error of another process contains its traceback
            raise ChildProcessError(
                f"a process that makes mixtures ended: {str(error).strip().splitlines()[-1]}; the "
                "same command continues from the checkpoint, perhaps with fewer --workers"
            ) from None
