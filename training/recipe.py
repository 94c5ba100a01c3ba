"""Settings of a training, read from one TOML file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from yamkit.errors import BundleError, ParameterError
from yamkit.models.manifest import parse_toml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.random import Generator

__all__ = ["Data", "Mixtures", "Recipe", "Training", "read_recipe"]


def _within(low: float, high: float) -> Any:
    """Declare a field whose number, or numbers, are in a range."""
    return field(metadata={"low": low, "high": high})


@dataclass(frozen=True, kw_only=True)
class Data:
    """Which sounds are used for training.

    Attributes
    ----------
    validation_part : float
        Share of the clips of every trained collection that is kept for validation.
    generated_clips, generated_seconds : int, float
        Number of additional sounds made by formula, and duration of each.
    held_out, left_out, validation_only : mapping of str to str
        Collections that are not trained on, and why: for the final metrics, not used at all, and
        for the choice of settings.
    """

    validation_part: float = _within(0, 1)
    generated_clips: int = _within(0, 10**7)
    generated_seconds: float = _within(0.1, 60)
    held_out: Mapping[str, str]
    left_out: Mapping[str, str]
    validation_only: Mapping[str, str]

    @property
    def collections(self) -> dict[str, Mapping[str, str]]:
        """The three tables of collections, by name."""
        names = ("held_out", "left_out", "validation_only")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, kw_only=True)
class Mixtures:
    """How sounds are changed and mixed; shares are probabilities.

    Attributes
    ----------
    balance : float
        From 0, patches drawn by the sum of their scores, to 1, all classes equally often; see
        `training.mixtures.balanced_weights`.
    generated_share : float
        How often a sound is one made by formula.
    sounds : list of float
        Shares of mixtures of one, two, ... sounds.
    level_db : float
        How far the other sounds may be below the first one.
    rate_octaves, rate_share : float
        How much faster or slower a sound is played, and how often.
    reverse_share, gate_share, filter_share, reverb_share, noise_share, clip_share : float
        How often a sound is reversed, or limited to a part of the window; how often a mixture is
        filtered, reverberated, mixed with noise, or clipped.
    noise_db, gain_db : list of float
        Range of the noise level below the mixture, and of the peak relative to full scale.
    synthetic_share : float
        How often a mixture is a test signal instead.
    """

    balance: float = _within(0, 1)
    generated_share: float = _within(0, 1)
    sounds: list[float] = _within(0, 1)  # noqa: RUF009
    level_db: float = _within(0, 200)
    rate_octaves: float = _within(0, 3)
    rate_share: float = _within(0, 1)
    reverse_share: float = _within(0, 1)
    gate_share: float = _within(0, 1)
    filter_share: float = _within(0, 1)
    reverb_share: float = _within(0, 1)
    noise_share: float = _within(0, 1)
    noise_db: list[float] = _within(-200, 200)  # noqa: RUF009
    gain_db: list[float] = _within(-200, 0)  # noqa: RUF009
    clip_share: float = _within(0, 1)
    synthetic_share: float = _within(0, 1)


@dataclass(frozen=True, kw_only=True)
class Training:
    """How the network learns.

    Attributes
    ----------
    batch_size, steps : int
        Mixtures per step, and number of steps.
    shard_size, pool_shards : int
        Mixtures in a shard, and number of shards from which batches are drawn.
    uses : int
        How often a mixture is drawn, on average.
    learning_rate, warmup_share, weight_decay : float
        Of AdamW: the highest rate, the share of the steps before it, and the decay.
    averaging : float
        Decay of the moving average of the weights in a step.
    ranks_weight, temperature : float
        Of the part of the loss that compares the order of classes; see `training.losses`.
    """

    batch_size: int = _within(2, 2**16)  # batch normalisation requires two
    steps: int = _within(1, 10**9)
    shard_size: int = _within(1, 2**16)
    pool_shards: int = _within(1, 2**16)
    uses: int = _within(1, 1000)
    learning_rate: float = _within(0, 1)
    warmup_share: float = _within(0, 1)
    weight_decay: float = _within(0, 1)
    averaging: float = _within(0, 1)
    ranks_weight: float = _within(0, 1000)
    temperature: float = _within(0.01, 100)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A whole recipe.

    Attributes
    ----------
    name, version, licence, source : str
        Of the model's bundle.
    width : float
        Width of the network; see `yamkit.networks.mobilenet_v1`.
    seed : int
        Determines all random numbers.
    data, mixtures, training
        See `Data`, `Mixtures`, `Training`.
    """

    name: str
    version: str
    licence: str
    source: str
    width: float = _within(0.01, 4)
    seed: int = _within(0, 2**63 - 1)
    data: Data
    mixtures: Mixtures
    training: Training

    def random(self, use: Literal["mixtures", "batches", "generated"], number: int) -> Generator:
        """Return the generator of random numbers of a shard, a batch, or a generated sound."""
        return np.random.default_rng((self.seed, _USES.index(use), number))


def read_recipe(path: Path, changes: Mapping[str, str] = MappingProxyType({})) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    path : Path
    changes : mapping of str to str
        Values in TOML for dotted keys, such as ``training.steps`` to ``"200"``.

    Raises
    ------
    ParameterError
        If a key is missing or unknown, or its value has the wrong type or is out of range.
    """
    where = str(path)
    try:
        document = _parse(path.read_text(encoding="utf-8"), where)
    except UnicodeDecodeError:
        raise ParameterError(f"{where}: not UTF-8 text") from None
    for key, value in changes.items():
        *tables, last = key.split(".")
        table: Any = document
        for name in tables:
            table = table.get(name) if isinstance(table, dict) else None
        if not isinstance(table, dict) or last not in table:
            raise ParameterError(f"{key}: no such key in {where}")
        table[last] = _parse(f"value = {value}", f"{key}={value}")["value"]
    whole = _checked(Recipe, document, where)
    for name, kind in _TABLES.items():
        whole[name] = kind(**_checked(kind, document[name], f"{where}: [{name}]"))
    recipe = Recipe(**whole)
    _check_together(recipe, where)
    return recipe


def _check_together(recipe: Recipe, where: str) -> None:
    """Check values that depend on each other."""
    settings = recipe.mixtures
    if not math.isclose(sum(settings.sounds), 1, abs_tol=1e-9):
        raise ParameterError(f"{where}: sounds = {settings.sounds}: must be shares with the sum 1")
    for name in ("noise_db", "gain_db"):
        levels = getattr(settings, name)
        if len(levels) != 2 or levels[0] > levels[1]:
            raise ParameterError(f"{where}: {name} = {levels}: must be the lowest and the highest")
    if settings.generated_share and not recipe.data.generated_clips:
        raise ParameterError(
            f"{where}: generated_share = {settings.generated_share} requires generated_clips above "
            "0; set both or neither"
        )
    named: dict[str, str] = {}
    for table, collections in recipe.data.collections.items():
        for name, why in collections.items():
            if not isinstance(why, str):
                raise ParameterError(
                    f"{where}: [data.{table}] {name!r} = {why!r}: must be a reason"
                )
            if name in named:
                raise ParameterError(f"{where}: {name!r} is both {named[name]} and {table}")
            named[name] = table


_USES = ("mixtures", "batches", "generated")
_TABLES = {"data": Data, "mixtures": Mixtures, "training": Training}
_TYPES = {"int": int, "float": float, "str": str, "list[float]": list}


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        return parse_toml(text, where)
    except BundleError as error:
        raise ParameterError(str(error)) from None


def _checked(kind: type[Any], table: Any, where: str) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise ParameterError(f"{where}: must be a table")
    known = {item.name: item for item in fields(kind)}
    for key in table:
        if key not in known:
            raise ParameterError(f"{where}: unknown key {key!r}; known: {', '.join(known)}")
    values = {}
    for key, item in known.items():
        if key not in table:
            raise ParameterError(f"{where}: no key {key!r}")
        type_ = _TYPES.get(str(item.type), dict)
        value = table[key]
        whole = type_ is float and type(value) is int
        if type(value) is not type_ and not whole:
            raise ParameterError(f"{where}: {key} = {value!r}: must be {type_.__name__}")
        numbers: Any = value if type_ is list else [value] if item.metadata else []
        for number in numbers:
            low, high = item.metadata["low"], item.metadata["high"]
            if type(number) not in (int, float) or not low <= number <= high:
                raise ParameterError(f"{where}: {key} = {value!r}: must be {low} to {high}")
        values[key] = float(value) if whole else value
    return values
