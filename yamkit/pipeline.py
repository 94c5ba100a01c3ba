"""Composes the stages: samples in, batches of scores out.

Parts that do not fit are refused by their descriptors, before any engine loads. The pipeline itself
keeps no state of a stream, so several streams may pass through it at once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from yamkit._registry import registry
from yamkit.audio import mono
from yamkit.errors import AudioValueError, BrokenPluginError, IncompatibleError, ParameterError
from yamkit.models.store import cache_folder
from yamkit.plugin import BackendInfo, BackendOptions, FrontendInfo, PluginInfo
from yamkit.types import Batch
from yamkit.windows import segments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from yamkit.models import ModelBundle
    from yamkit.plugin import Backend, Frontend, Resampler
    from yamkit.types import FeatureSpec

__all__ = ["MAX_BATCH_SIZE", "Pipeline"]

_Info = TypeVar("_Info", bound=PluginInfo)

_MOST_RESAMPLED = 2**16
"""Samples to come out of a resampler at once: a file may claim a rate of 1 Hz."""

MAX_BATCH_SIZE = 4096
"""Most patches in a batch; more would only cost memory."""


class Pipeline:
    """A model with the plugins that run it.

    Parameters
    ----------
    model : ModelBundle
    backend, frontend, resampler : str
        Names of plugins.
    hop_seconds : float or None
        From one patch to the next, a whole multiple of the STFT hop; None for the model's own.
    batch_size : int
        Patches the network sees at once.
    threads : int or None
        Threads of one network call; None leaves it to the engine.
    provider : str
        Where the network runs.

    Raises
    ------
    ParameterError
        If a number is out of its range.
    PluginError
        If a plugin is unknown, lacks an extra, or is broken.
    IncompatibleError
        If model, front end and backend do not fit together.
    """

    def __init__(
        self,
        model: ModelBundle,
        *,
        backend: str,
        frontend: str,
        resampler: str,
        hop_seconds: float | None,
        batch_size: int,
        threads: int | None,
        provider: str,
    ) -> None:
        if not 1 <= batch_size <= MAX_BATCH_SIZE:
            raise ParameterError(f"batch size {batch_size}: wanted 1 to {MAX_BATCH_SIZE}")
        if threads is not None and threads < 1:
            raise ParameterError(f"threads {threads}: wanted 1 or more")
        self.features = _with_hop(model.features, hop_seconds)
        self._classes = len(model.classes)
        self._batch_size = batch_size
        self._names = {"backend": backend, "frontend": frontend, "resampler": resampler}

        plugins = registry()
        chosen = {kind: plugins.resolve(kind, name) for kind, name in self._names.items()}
        front, back = chosen["frontend"].info, chosen["backend"].info
        assert isinstance(front, FrontendInfo)
        assert isinstance(back, BackendInfo)
        _check_fit(model, front, back, provider)
        self._resampler: Callable[[int, int], Resampler] = plugins.load(chosen["resampler"])
        self._frontend: Frontend = plugins.load(chosen["frontend"])(self.features)
        options = BackendOptions(threads, provider, cache_folder())
        self._backend: Backend = plugins.load(chosen["backend"])(model, options)

    def batches(self, blocks: Iterable[NDArray[Any]], sample_rate: int) -> Iterator[Batch]:
        """Tag a stream.

        Parameters
        ----------
        blocks : iterable of ndarray, float32 [n, channels]
            Consecutive samples, cut anywhere.
        sample_rate : int
            Of the blocks, in Hz.

        Yields
        ------
        Batch
            Of ``batch_size`` patches, the last one of fewer, as soon as their samples are there.

        Raises
        ------
        AudioError
            As `blocks` does, at a NaN or an infinity, and when there is no sample at all.
        """
        features = self.features
        samples = self._resample(_not_empty(mono(blocks, sample_rate)), sample_rate)
        hop = features.patch_hop_samples
        for segment in segments(samples, features.patch_window_samples, hop, self._batch_size):
            count = segment.patches
            patches = self._frontend.patches(segment.samples)
            self._check("frontend", "patches", patches, (count, *features.patch_shape))
            scores, embeddings = self._backend.predict(patches)
            self._check("backend", "scores", scores, (count, self._classes))
            starts = segment.start_sample + hop * np.arange(count, dtype=np.int64)
            yield Batch(starts, scores, embeddings)

    def close(self) -> None:
        """Free what the backend holds."""
        self._backend.close()

    def _resample(
        self, samples: Iterator[NDArray[np.float32]], sample_rate: int
    ) -> Iterator[NDArray[np.float32]]:
        if sample_rate == self.features.sample_rate_hz:
            yield from samples
            return
        resampler = self._resampler(sample_rate, self.features.sample_rate_hz)
        piece = max(1, _MOST_RESAMPLED * sample_rate // self.features.sample_rate_hz)
        for block in samples:
            for start in range(0, len(block), piece):
                yield resampler.process(block[start : start + piece])
        yield resampler.flush()

    def _check(
        self, kind: str, what: str, array: NDArray[np.float32], shape: tuple[int, ...]
    ) -> None:
        """Refuse what a plugin gives in another shape than it promised."""
        if array.shape != shape:
            raise BrokenPluginError(
                f"{kind} {self._names[kind]!r} gave {what} {array.shape}, wanted {shape}"
            )


def _not_empty(blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    samples = 0
    for block in blocks:
        samples += len(block)
        yield block
    if not samples:
        raise AudioValueError("the stream holds no samples")


def _with_hop(features: FeatureSpec, hop_seconds: float | None) -> FeatureSpec:
    """Give the features another patch hop."""
    if hop_seconds is None:
        return features
    step = features.stft_hop_samples / features.sample_rate_hz
    frames = round(hop_seconds / step) if 0 < hop_seconds < float("inf") else 0
    if frames < 1 or abs(frames * step - hop_seconds) > 1e-6 * step:
        own = features.patch_hop_samples / features.sample_rate_hz
        raise ParameterError(
            f"hop {hop_seconds:g} s: wanted a whole multiple of {step:g} s; the model's own "
            f"is {own:g} s"
        )
    return replace(features, patch_hop_frames=frames)


def _check_fit(model: ModelBundle, front: FrontendInfo, back: BackendInfo, provider: str) -> None:
    kind, network = model.features.kind, model.network.kind
    if front.produces != kind:
        fitting = _names_of(FrontendInfo, lambda info: info.produces == kind)
        raise IncompatibleError(
            f"model {model.name!r} eats {kind!r} and front end {front.name!r} gives "
            f"{front.produces!r}; front ends that fit: {fitting}"
        )
    if network not in back.networks:
        fitting = _names_of(BackendInfo, lambda info: network in info.networks)
        raise IncompatibleError(
            f"model {model.name!r} is of kind {network!r} and backend {back.name!r} runs "
            f"{', '.join(back.networks)}; backends that fit: {fitting}"
        )
    if provider not in back.providers:
        raise IncompatibleError(
            f"backend {back.name!r} has no provider {provider!r}; it knows: "
            f"{', '.join(back.providers)}"
        )


def _names_of(kind: type[_Info], fits: Callable[[_Info], bool]) -> str:
    infos = (plugin.info for plugin in registry().plugins)
    return ", ".join(i.name for i in infos if isinstance(i, kind) and fits(i)) or "none installed"
