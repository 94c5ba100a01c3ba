"""The training: steps, checkpoints, a log, and weights at the end."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import math
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from training.agreement import agreement, mean
from training.losses import loss
from training.network import BATCH_NORM_EPSILON, Student
from training.stream import Pool
from yamkit.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from training.prepare import Validation
    from training.recipe import Recipe, Training
    from training.stream import Examples, Shards
    from yamkit.models import ModelBundle

__all__ = ["Material", "check_initial", "learning_rate", "train", "validate"]

_CHECKPOINT = "checkpoint.pt"
_LOG = "log.jsonl"


def learning_rate(step: int, plan: Training) -> float:
    """Return a rate that rises linearly, then falls along a cosine to zero.

    L. N. Smith, N. Topin, "Super-Convergence", 2018; I. Loshchilov, F. Hutter, "SGDR", 2017.
    """
    warmup = max(1, int(plan.steps * plan.warmup_share))
    if step < warmup:
        return float(plan.learning_rate * (step + 1) / warmup)
    progress = (step - warmup) / max(1, plan.steps - warmup)
    return float(plan.learning_rate * 0.5 * (1 + math.cos(math.pi * progress)))


class _State:
    """Networks, optimiser and step of a training."""

    def __init__(self, recipe: Recipe, classes: int, initial: ModelBundle | None) -> None:
        torch.manual_seed(recipe.seed)
        self.student = Student(recipe.width, classes)
        if initial is not None:
            self.student.load_canonical_weights(initial.load_weights())
        self.average = copy.deepcopy(self.student)
        decayed: list[torch.Tensor] = []
        others: list[torch.Tensor] = []
        for parameter in self.student.parameters():
            if parameter.requires_grad:
                (decayed if parameter.ndim > 1 else others).append(parameter)
        plan = recipe.training
        self.optimiser = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": plan.weight_decay},
                {"params": others, "weight_decay": 0.0},
            ],
            lr=plan.learning_rate,
            fused=True,
        )
        self.step = 0

    def learn(self, examples: Examples, plan: Training, rate: float) -> float:
        """Take one step and return its loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.student.train()
        value = loss(self.student(examples.patches), examples, plan)
        self.optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.step += 1
        self._update_average(plan.averaging)
        result = value.item()
        if not math.isfinite(result):
            raise ParameterError(
                f"loss {result} at step {self.step}: must be finite; lower training.learning_rate"
            )
        return float(result)

    def _update_average(self, decay: float) -> None:
        # a short average at first, so that it forgets the random start
        decay = min(decay, (1 + self.step) / (10 + self.step))
        pairs = zip(
            self.average.state_dict().values(), self.student.state_dict().values(), strict=True
        )
        means, values = zip(*(pair for pair in pairs if pair[0].is_floating_point()), strict=True)
        with torch.no_grad():
            torch._foreach_lerp_(means, values, 1 - decay)

    def save(self, path: Path, identity: str) -> None:
        parts = {name: getattr(self, name).state_dict() for name in self._parts}
        data = io.BytesIO()  # PyTorch's writer reports a full disk as an internal error
        torch.save({**parts, "step": self.step, "identity": identity}, data)
        fresh = path.with_suffix(".new")
        with fresh.open("wb") as stream:
            stream.write(data.getbuffer())
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)

    def load(self, path: Path, identity: str) -> None:
        try:
            saved = torch.load(path, weights_only=True)
            belongs = saved["identity"] == identity
            if belongs:
                for name in self._parts:
                    getattr(self, name).load_state_dict(saved[name])
                self.step = saved["step"]
        except (OSError, MemoryError):
            raise
        except Exception as error:  # the reader raises many types for a broken file
            raise ParameterError(
                f"{path}: not a valid checkpoint ({type(error).__name__}); remove it to start again"
            ) from None
        if not belongs:
            raise ParameterError(
                f"{path}: belongs to a training with another recipe, teacher, initial model or "
                "other sounds; choose another --work folder, or remove it"
            )

    _parts = ("student", "average", "optimiser")


def validate(student: Student, validation: Validation) -> dict[str, float]:
    """Compare the student with its teacher on the validation patches.

    Returns
    -------
    dict of str to float
        The fields of `training.agreement.Agreement` over all patches, and two of them as means
        over collections, since some are far larger than others.
    """
    student.eval()
    scores = []
    with torch.inference_mode():
        for part in np.array_split(validation.patches, max(1, len(validation.patches) // 256)):
            logits = student(torch.from_numpy(part).float())
            scores.append(torch.sigmoid(logits).numpy())
    found = np.concatenate(scores)
    collections = np.array(validation.collections)
    parts = [
        agreement(validation.scores[collections == name], found[collections == name])
        for name in sorted(set(validation.collections))
    ]
    clear = [part for part in parts if part.clear_patches]
    return {
        **dataclasses.asdict(agreement(validation.scores, found)),
        "mean_clear_first": mean([part.clear_first for part in clear]),
        "mean_clear_first_in_five": mean([part.clear_first_in_five for part in clear]),
    }


@dataclass(frozen=True)
class Material:
    """What a training learns from.

    Attributes
    ----------
    shards : Shards
        Labelled mixtures.
    validation : Validation
    teacher : ModelBundle
    sounds_sha256 : str
        SHA-256 of the sounds that the mixtures are made of.
    initial : ModelBundle or None
        A model that passes `check_initial`, whose weights to start from; None for random weights.
    """

    shards: Shards
    validation: Validation
    teacher: ModelBundle
    sounds_sha256: str
    initial: ModelBundle | None = None


def train(
    recipe: Recipe,
    material: Material,
    folder: Path,
    *,
    workers: int,
    every: int,
    notes: dict[str, Any],
    say: Callable[[str], None],
) -> dict[str, NDArray[np.float32]]:
    """Train, from the beginning or from the checkpoint in the folder.

    Parameters
    ----------
    recipe : Recipe
    material : Material
    folder : Path
        Receives ``checkpoint.pt`` and ``log.jsonl``.
    workers : int
        Processes that make mixtures.
    every : int
        Steps from one validation and checkpoint to the next.
    notes : dict
        Written to the log's first line.
    say : callable
        Receives a line at each validation.

    Returns
    -------
    dict of str to ndarray, float32
        The averaged network's canonical weights.

    Raises
    ------
    ParameterError
        If the checkpoint cannot be read or belongs to another recipe, teacher, initial model or
        other sounds, or the loss is not finite.
    BundleError
        If the initial model's weights are invalid.
    OSError
        If the folder cannot be written, or a process that makes mixtures ends.
    """
    plan = recipe.training
    state = _State(recipe, len(material.teacher.classes), material.initial)
    checkpoint, identity = folder / _CHECKPOINT, _identity(recipe, material)
    if checkpoint.exists():
        state.load(checkpoint, identity)
    _log(folder, {"step": state.step, **notes, "recipe": dataclasses.asdict(recipe)})
    if state.step < plan.steps:
        pool = Pool(material.shards, recipe, state.step, workers)
    begin, first = time.monotonic(), state.step
    losses: list[float] = []
    while state.step < plan.steps:
        rate = learning_rate(state.step, plan)
        losses.append(state.learn(pool.batch(), plan, rate))
        if state.step % every == 0 or state.step == plan.steps:
            seconds = time.monotonic() - begin
            line = {
                "step": state.step,
                "seconds": round(seconds),
                "examples_per_second": round((state.step - first) * plan.batch_size / seconds),
                "learning_rate": rate,
                "loss": float(np.mean(losses)),
                **validate(state.average, material.validation),
            }
            losses.clear()
            _log(folder, line)
            state.save(checkpoint, identity)
            say(_progress(line, plan))
    return state.average.canonical_weights()


def _identity(recipe: Recipe, material: Material) -> str:
    """Return everything that changes the weights, which a checkpoint must agree with."""
    return json.dumps(
        {
            **dataclasses.asdict(recipe),
            # for the bundle only, without effect on its weights
            **dict.fromkeys(("name", "version", "licence", "source")),
            "teacher": material.teacher.sha256,
            "initial": material.initial and material.initial.weights_sha256,
            "sounds": material.sounds_sha256,
        }
    )


def _progress(line: dict[str, Any], plan: Training) -> str:
    return (
        f"step {line['step']} of {plan.steps}: loss {line['loss']:.3f}, "
        f"first choice {line['clear_first']:.1%}, "
        f"in five {line['clear_first_in_five']:.1%} of clear patches, "
        f"{line['examples_per_second']} examples a second"
    )


def check_initial(initial: ModelBundle, recipe: Recipe, teacher: ModelBundle) -> None:
    """Check that a training can start from a model.

    Raises
    ------
    ParameterError
        If it has another shape than the recipe's, other features or classes than the teacher, or is
        the teacher.
    BundleError
        If its weights are invalid.
    """
    network = initial.network
    expected = ("mobilenet-v1", recipe.width, BATCH_NORM_EPSILON)
    if (network.kind, network.width, network.batch_norm_epsilon) != expected:
        raise ParameterError(
            f"initial model {initial.name}: must be a mobilenet-v1 of width {recipe.width} and "
            f"epsilon {BATCH_NORM_EPSILON}, like the recipe's"
        )
    if (initial.classes, initial.features) != (teacher.classes, teacher.features):
        raise ParameterError(
            f"initial model {initial.name}: must have the classes and features of {teacher.name}"
        )
    if initial.weights_sha256 == teacher.weights_sha256:
        raise ParameterError(f"initial model {initial.name} is the teacher; choose another")
    initial.load_weights()


def _log(folder: Path, line: dict[str, Any]) -> None:
    with (folder / _LOG).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line, allow_nan=False) + "\n")
