"""What a training is to do, as one TOML file says it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from yamkit.errors import BundleError, ParameterError
from yamkit.models.manifest import parse_toml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Data", "Mixtures", "Recipe", "Training", "read_recipe"]


@dataclass(frozen=True)
class Data:
    """Which sounds may be learnt from.

    Attributes
    ----------
    validation_part : float
        Share of the clips of every trained collection that are kept for validation.
    held_out, left_out, validation_only : mapping of str to str
        Collections that are not trained on, and why: those for the figures at the end, those that
        are not used at all, and those by which settings may be chosen.
    """

    validation_part: float
    held_out: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    validation_only: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Mixtures:
    """How sounds are changed and mixed; shares are probabilities.

    Attributes
    ----------
    balance : float
        From 0, every patch as often as any other, to 1, what is rare to the teacher as often as
        what is common.
    sounds : list of float
        Shares of mixtures of one, two, ... sounds.
    level_db : float
        How far below the first sound the others may lie.
    rate_octaves, rate_share : float
        How much faster or slower a sound is played, and how often.
    reverse_share, gate_share, filter_share, reverb_share, noise_share, clip_share : float
        How often a sound runs backwards, sounds in a part of the window only; how often a mixture
        is filtered, gets reverberation, noise, is driven beyond full scale.
    noise_db, gain_db : list of float
        Between which levels below the mixture the noise, below full scale the peak lies.
    synthetic_share : float
        How often there is a test signal instead of sounds.
    """

    balance: float
    sounds: list[float]
    level_db: float
    rate_octaves: float
    rate_share: float
    reverse_share: float
    gate_share: float
    filter_share: float
    reverb_share: float
    noise_share: float
    noise_db: list[float]
    gain_db: list[float]
    clip_share: float
    synthetic_share: float


@dataclass(frozen=True)
class Training:
    """How the network learns.

    Attributes
    ----------
    batch_size, steps : int
        Mixtures of a step, and steps in all.
    shard_size, pool_shards : int
        Mixtures made at a time, and how many such shards are kept to draw batches from.
    uses : int
        How often a mixture is drawn, on average.
    learning_rate, warmup_share, weight_decay : float
        Of AdamW: the highest rate, the share of the steps that lead up to it, and the decay.
    averaging : float
        Of the weights: what a step leaves of the average before.
    ranks_weight, temperature : float
        Of the part of the loss that compares the order of the classes; see `training.losses`.
    """

    batch_size: int
    steps: int
    shard_size: int
    pool_shards: int
    uses: int
    learning_rate: float
    warmup_share: float
    weight_decay: float
    averaging: float
    ranks_weight: float
    temperature: float


@dataclass(frozen=True)
class Recipe:
    """A whole recipe.

    Attributes
    ----------
    name, version, licence, source : str
        Of the model, as its bundle states them.
    width : float
        Of its network, see `yamkit.networks.mobilenet_v1`.
    seed : int
        Everything random follows from it.
    data, mixtures, training
        See `Data`, `Mixtures`, `Training`.
    """

    name: str
    version: str
    licence: str
    source: str
    width: float
    seed: int
    data: Data
    mixtures: Mixtures
    training: Training


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
        If a key is missing, unknown, or of another type.
    """
    where = str(path)
    document = _parse(path.read_text(encoding="utf-8"), where)
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
    return Recipe(**whole)


_TABLES = {"data": Data, "mixtures": Mixtures, "training": Training}
_TYPES = {"int": int, "float": float, "str": str, "list[float]": list}


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        return parse_toml(text, where)
    except BundleError as error:
        raise ParameterError(str(error)) from None


def _checked(kind: type[Any], table: Mapping[str, Any], where: str) -> dict[str, Any]:
    wanted = {item.name: _TYPES.get(str(item.type), dict) for item in fields(kind)}
    for key in table:
        if key not in wanted:
            raise ParameterError(f"{where}: unknown key {key!r}; known: {', '.join(wanted)}")
    values = {}
    for key, type_ in wanted.items():
        if key not in table:
            raise ParameterError(f"{where}: no key {key!r}")
        value = table[key]
        if type_ is float and type(value) is int:
            value = float(value)
        if type(value) is not type_:
            raise ParameterError(f"{where}: {key} = {value!r}; wanted {type_.__name__}")
        values[key] = value
    return values
