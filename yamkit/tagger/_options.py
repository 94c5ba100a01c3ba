"""The options of a tagger: how its model is run, what of the sound is tagged, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from yamkit._util.numbers import integer_of
from yamkit.errors import ParameterError
from yamkit.pipeline.options import PipelineOptions

__all__ = ["TaggerKeywords", "TaggerOptions"]


@dataclass(frozen=True, kw_only=True)
class TaggerOptions(PipelineOptions):
    """The options of a `Tagger`.

    Attributes
    ----------
    backend, frontend : str or None
        Names of plugins, see ``yamkit plugins``. None: ``onnx`` and ``logmel`` if they fit the
        model, else the first plugins that do.
    resampler : str
        Name of a plugin.
    hop_seconds : float or None
        Time from one patch to the next, a whole multiple of the hop of the STFT. None: the model's
        own.
    batch_size : int
        Patches per network call.
    threads : int or None
        Threads of one network call. None: the engine decides.
    provider : str
        Where the network runs: ``cpu``, or another provider of the backend.
    aggregate : {"mean", "max", "sounding"}
        How the scores of patches become those of the clip. ``sounding``: their mean, each patch
        weighted by 1 minus its score of the class that the model names as silence.
    channel : "mix" or int
        ``mix``: the mean of all channels is tagged; a number, from 1: only that channel.
    stream : int or None
        Number, from 1, of the sound stream that is tagged, for files with several. None: the one
        marked as default, else the first.

    Raises
    ------
    ParameterError
        If a number is out of its range.
    """

    aggregate: str = "mean"
    channel: str | int = "mix"
    stream: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.channel != "mix":
            self._set("channel", _number("channel", self.channel, "mix"))
        if self.stream is not None:
            self._set("stream", _number("stream", self.stream, None))


class TaggerKeywords(TypedDict, total=False):
    """The fields of `TaggerOptions` as keyword arguments."""

    backend: str | None
    frontend: str | None
    resampler: str
    hop_seconds: float | None
    batch_size: int
    threads: int | None
    provider: str
    aggregate: str
    channel: str | int
    stream: int | None


def _number(what: str, value: object, default: str | None) -> int:
    """Return the number of a channel or sound stream, which count from 1."""
    number = None if isinstance(value, bool) else integer_of(value)
    if number is None or number < 1:
        raise ParameterError(f"{what} {value!r}: must be {default!r} or a whole number from 1")
    return number
