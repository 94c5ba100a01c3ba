"""Composes the stages: samples in, batches of scores out.

Parts that do not fit are refused by their descriptors, before any engine loads. The pipeline itself
keeps no state of a stream, so several streams may pass through it at once.
"""

from __future__ import annotations

import operator
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from yamkit._util.bounds import MAX_BATCH_SIZE, MAX_SPAN_SECONDS, MAX_THREADS
from yamkit._util.signals import engine_call
from yamkit.audio import LARGEST_SAMPLE
from yamkit.errors import (
    AudioValueError,
    BrokenPluginError,
    IncompatibleError,
    ParameterError,
)
from yamkit.models.store import cache_folder
from yamkit.pipeline.windows import segments
from yamkit.plugin import BackendInfo, BackendOptions, FrontendInfo, PluginInfo
from yamkit.registry import plugin_errors, registry
from yamkit.types import Batch, Patches

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from yamkit.models import ModelBundle
    from yamkit.pipeline.windows import Segment
    from yamkit.plugin import Backend, Frontend, Resampler
    from yamkit.types import FeatureSpec

__all__ = [
    "DEFAULT_BACKENDS",
    "DEFAULT_FRONTENDS",
    "Pipeline",
    "default_parts",
    "fitting",
]

_Info = TypeVar("_Info", bound=PluginInfo)

_MOST_RESAMPLED = 2**16
"""Samples to come out of a resampler at once: a stream may claim a rate of 1 Hz."""

_ROUNDING = 1e-6
"""How far a score may lie outside 0 to 1."""

DEFAULT_FRONTENDS = ("logmel", "waveform")
DEFAULT_BACKENDS = ("onnx",)


class Pipeline:
    """A model with the plugins that run it.

    Parameters
    ----------
    model : ModelBundle
    backend, frontend, resampler : str
        Names of plugins.
    hop_seconds : float or None
        From one patch to the next, a whole multiple of the features' ``hop_step_samples``; None
        for the model's own.
    batch_size : int
        Patches the network sees at once.
    threads : int or None
        Threads of one network call; None leaves it to the engine.
    provider : str
        Where the network runs.

    Attributes
    ----------
    features : FeatureSpec
        The model's, with the hop that was asked for.
    batch_size : int
        Patches the network sees at once.
    frontend : yamkit.plugin.Frontend
    backend : yamkit.plugin.Backend
    is_closed : bool

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
        self.is_closed = False
        self._silent_patch: NDArray[np.float32] | None = None
        self.batch_size = _whole("batch size", batch_size, MAX_BATCH_SIZE)
        if threads is not None:
            threads = _whole("threads", threads, MAX_THREADS)
        self.features = _with_hop(model.features, hop_seconds)
        self._classes = len(model.classes)
        self._embedding_size = model.network.embedding_size
        self._names = {"backend": backend, "frontend": frontend, "resampler": resampler}

        plugins = registry()
        chosen = {kind: plugins.resolve(kind, name) for kind, name in self._names.items()}
        front, back = chosen["frontend"].info, chosen["backend"].info
        assert isinstance(front, FrontendInfo)
        assert isinstance(back, BackendInfo)
        _check_fit(model, front, back, provider)
        model.verify_weights()
        self._resampler: Callable[[int, int], Resampler] = plugins.load(chosen["resampler"])
        make_frontend = plugins.load(chosen["frontend"])
        make_backend = plugins.load(chosen["backend"])
        with self._blamed("backend"), engine_call():  # first: both may use one engine's threads
            options = BackendOptions(threads, provider, cache_folder())
            self.backend: Backend = make_backend(model, options)
        try:
            with self._blamed("frontend"):
                self.frontend: Frontend = make_frontend(self.features)
        except BaseException:
            self.backend.close()
            raise

    def batches(self, samples: Iterable[NDArray[np.float32]], sample_rate: int) -> Iterator[Batch]:
        """Tag a stream: its `patches`, sent through `infer`.

        Parameters
        ----------
        samples : iterable of ndarray, float32 [n]
            Consecutive samples of one channel, none NaN or beyond 2 ** 32, cut anywhere; see
            `AudioSource.mono`.
        sample_rate : int
            In Hz.

        Yields
        ------
        Batch
            Of ``batch_size`` patches, the last one of fewer, as soon as their samples are there.

        Raises
        ------
        AudioError
            As `samples` does, and when there is no sample at all.
        ParameterError
            If the samples have several channels.
        """
        for piece in self.patches(samples, sample_rate):
            yield from self.infer([piece])

    def patches(
        self, samples: Iterable[NDArray[np.float32]], sample_rate: int
    ) -> Iterator[Patches]:
        """Resample a stream, cut it, and send it through the front end.

        Parameters
        ----------
        samples, sample_rate
            As in `batches`.

        Yields
        ------
        Patches
            ``batch_size`` of them, at last fewer.

        Raises
        ------
        AudioError
            As in `batches`.
        """
        return map(self.transform, self.segments(samples, sample_rate))

    def segments(
        self, samples: Iterable[NDArray[np.float32]], sample_rate: int
    ) -> Generator[Segment, None, None]:
        """Resample a stream and cut it.

        Parameters
        ----------
        samples, sample_rate
            As in `batches`.

        Yields
        ------
        Segment
            Of ``batch_size`` patches, at last of fewer.

        Raises
        ------
        AudioError
            As in `batches`.
        """
        if self.is_closed:
            raise ParameterError("this Tagger is closed; make another one")
        features = self.features
        window, hop = features.patch_window_samples, features.patch_hop_samples
        resampled = self.resample(_checked(samples), sample_rate)
        yield from segments(resampled, window, hop, self.batch_size)

    def transform(self, segment: Segment) -> Patches:
        """Send a segment through the front end; all patches of silence are the first one's."""
        hop = self.features.patch_hop_samples
        places = segment.start_sample + hop * np.arange(segment.patches, dtype=np.int64)
        samples, count = segment.samples, segment.patches
        is_silent = not samples.any()
        if is_silent:
            if self._silent_patch is not None:
                return Patches(places, np.repeat(self._silent_patch, count, axis=0), True)
            samples, count = np.zeros(self.features.patch_window_samples, np.float32), 1
        with self._blamed("frontend"):
            values = self.frontend.patches(samples)
        self._check("frontend", "patches", values, (count, *self.features.patch_shape))
        if is_silent:
            self._silent_patch = values
            values = np.repeat(values, segment.patches, axis=0)
        return Patches(places, values, is_silent)

    def infer(self, pieces: Sequence[Patches]) -> list[Batch]:
        """Score patches, of whatever streams, all of them at once.

        Parameters
        ----------
        pieces : sequence of Patches
            At least one.

        Returns
        -------
        list of Batch
            One for each.
        """
        sounding = [piece.values for piece in pieces if not piece.is_silent]
        scores = embeddings = np.empty((0, 0), np.float32)
        if sounding:
            together = sounding[0] if len(sounding) == 1 else np.concatenate(sounding)
            scores, embeddings = self._predict(together)
        batches, end = [], 0
        for piece in pieces:
            if piece.is_silent:
                found = (np.repeat(row, len(piece), axis=0) for row in self._silence)
            else:
                start, end = end, end + len(piece)
                found = (rows[start:end] for rows in (scores, embeddings))
            batches.append(Batch(piece.start_samples, *found))
        return batches

    @cached_property
    def _silence(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Scores and embedding of the patch of silence, each with one row.

        A gap in a recording may last for hours; the network is asked once.
        """
        assert self._silent_patch is not None
        return self._predict(self._silent_patch)

    def _predict(
        self, patches: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        with self._blamed("backend"), engine_call():
            scores, embeddings = self.backend.predict(patches)
        self._check("backend", "scores", scores, (len(patches), self._classes))
        self._check("backend", "embeddings", embeddings, (len(patches), self._embedding_size))
        self._check_range(scores)
        return scores, embeddings

    def close(self) -> None:
        """Free what the backend holds; nothing can be tagged any more."""
        self.is_closed = True
        with self._blamed("backend"):
            self.backend.close()

    def resample(
        self, samples: Iterable[NDArray[np.float32]], sample_rate: int
    ) -> Iterator[NDArray[np.float32]]:
        """Bring a stream to the model's rate.

        Parameters
        ----------
        samples : iterable of ndarray, float32 [n]
            Consecutive mono samples, cut anywhere.
        sample_rate : int
            Of the samples, in Hz.

        Yields
        ------
        ndarray, float32 [m]
        """
        if sample_rate == self.features.sample_rate_hz:
            yield from samples
            return
        resampler = self._resampler(sample_rate, self.features.sample_rate_hz)
        piece = max(1, _MOST_RESAMPLED * sample_rate // self.features.sample_rate_hz)
        for block in samples:
            for start in range(0, len(block), piece):
                yield resampler.process(block[start : start + piece])
        yield resampler.flush()

    def _blamed(self, kind: str) -> AbstractContextManager[None]:
        return plugin_errors(f"{kind} {self._names[kind]!r}")

    def _check(
        self, kind: str, what: str, array: NDArray[np.float32], shape: tuple[int, ...]
    ) -> None:
        """Refuse what a plugin gives in another form than it promised."""
        if array.shape != shape or array.dtype != np.float32:
            raise BrokenPluginError(
                f"{kind} {self._names[kind]!r} gave {what} {array.dtype} {array.shape}, wanted "
                f"float32 {shape}"
            )

    def _check_range(self, scores: NDArray[np.float32]) -> None:
        low, high = float(scores.min()), float(scores.max())
        if not (low >= -_ROUNDING and high <= 1 + _ROUNDING):  # NaN is neither
            raise BrokenPluginError(
                f"backend {self._names['backend']!r} gave scores from {low:g} to {high:g}, wanted "
                "0 to 1; this model's output is no score"
            )


def fitting(model: ModelBundle) -> tuple[list[str], list[str], list[str]]:
    """Name the front ends and backends that run a model here, and say what is left out, and why."""
    frontends: list[str] = []
    backends: list[str] = []
    skipped: list[str] = []
    for plugin in registry().plugins:
        info = plugin.info
        if isinstance(info, FrontendInfo) and info.produces == model.features.kind:
            names = frontends
        elif isinstance(info, BackendInfo) and model.network.kind in info.networks:
            names = backends
        else:
            continue
        if plugin.state == "ready":
            names.append(plugin.name)
        else:
            skipped.append(f"{plugin.kind} {plugin.name}: {plugin.reason}")
    return frontends, backends, skipped


def default_parts(model: ModelBundle) -> tuple[str, str]:
    """Name the front end and the backend of whoever names none.

    They are the first of `DEFAULT_FRONTENDS` and `DEFAULT_BACKENDS` that fit the model, else the
    first that are installed and do.
    """
    frontends, backends, _ = fitting(model)
    return _preferred(DEFAULT_FRONTENDS, frontends), _preferred(DEFAULT_BACKENDS, backends)


def _preferred(defaults: tuple[str, ...], names: list[str]) -> str:
    """Choose a name; where none fits, the first default will say so."""
    return next((name for name in (*defaults, *names) if name in names), defaults[0])


def _checked(samples: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """Refuse what no source of yamkit's own gives, and a stream without samples."""
    count = 0
    for block in samples:
        if block.ndim != 1:
            raise ParameterError(
                f"samples of shape {block.shape}: wanted one channel, [samples]; mix them, or take "
                "one"
            )
        if not (np.abs(block) <= LARGEST_SAMPLE).all():  # NaN is not
            raise AudioValueError(
                f"a NaN, an infinity or a value beyond {LARGEST_SAMPLE:.0f} in the stream; wanted "
                "samples with full scale at 1"
            )
        count += len(block)
        yield block
    if not count:
        raise AudioValueError("the stream holds no samples")


def _whole(name: str, value: int, most: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if not 1 <= number <= most:
        raise ParameterError(f"{name} {value!r}: wanted a whole number from 1 to {most}")
    return number


def _with_hop(features: FeatureSpec, hop_seconds: float | None) -> FeatureSpec:
    """Give the features another patch hop."""
    if hop_seconds is None:
        return features
    step = features.hop_step_samples / features.sample_rate_hz
    steps = round(hop_seconds / step) if 0 < hop_seconds <= MAX_SPAN_SECONDS else 0
    if steps < 1 or abs(steps * step - hop_seconds) > 1e-6 * step:
        own = features.patch_hop_samples / features.sample_rate_hz
        raise ParameterError(
            f"hop {hop_seconds:g} s: wanted a whole multiple of {step:g} s, at most a day; the "
            f"model's own is {own:g} s"
        )
    return features.with_hop(steps * features.hop_step_samples)


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
