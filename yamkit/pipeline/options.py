"""How a model is run: the plugins, and the numbers that they need."""

from __future__ import annotations

from dataclasses import dataclass

from yamkit._util.bounds import MAX_BATCH_SIZE, MAX_THREADS
from yamkit._util.numbers import integer_of
from yamkit.errors import ParameterError

__all__ = ["PipelineOptions"]


@dataclass(frozen=True, kw_only=True)
class PipelineOptions:
    """How a model is run.

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

    Raises
    ------
    ParameterError
        If a number is out of its range.
    """

    backend: str | None = None
    frontend: str | None = None
    resampler: str = "polyphase"
    hop_seconds: float | None = None
    batch_size: int = 16
    threads: int | None = None
    provider: str = "cpu"

    def __post_init__(self) -> None:
        self._set("batch_size", _whole("batch size", self.batch_size, MAX_BATCH_SIZE))
        if self.threads is not None:
            self._set("threads", _whole("threads", self.threads, MAX_THREADS))

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


def _whole(name: str, value: int, most: int) -> int:
    number = integer_of(value)
    if number is None or not 1 <= number <= most:
        raise ParameterError(f"{name} {value!r}: must be a whole number from 1 to {most}")
    return number
