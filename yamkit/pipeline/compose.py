"""The pipeline: samples in, batches of scores out.

Plugins that do not fit the model are refused by their descriptors, before any engine loads. The
pipeline keeps no state of a stream, so several streams may pass through it at once.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from yamkit._util.bounds import MAX_SPAN_SECONDS
from yamkit._util.signals import engine_call
from yamkit.audio import LARGEST_SAMPLE
from yamkit.errors import AudioValueError, BrokenPluginError, ParameterError
from yamkit.models.store import cache_folder
from yamkit.pipeline.fit import check_fit, with_default_parts
from yamkit.pipeline.windows import segments
from yamkit.plugin import BackendInfo, BackendOptions, FrontendInfo
from yamkit.registry import plugin_errors, registry
from yamkit.types import Batch, Patches

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from yamkit.models import ModelBundle
    from yamkit.pipeline.options import PipelineOptions
    from yamkit.pipeline.windows import Segment
    from yamkit.plugin import Backend, Frontend, Resampler
    from yamkit.types import FeatureSpec

__all__ = ["Pipeline"]

_MOST_RESAMPLED = 2**16
"""Most samples that a resampler returns at once: a stream may claim a rate of 1 Hz."""

_ROUNDING = 1e-6
"""How far a score may lie outside 0-1."""


class Pipeline:
    """A model with the plugins that run it.

    Parameters
    ----------
    model : ModelBundle
    options : PipelineOptions

    Attributes
    ----------
    features : FeatureSpec
        The model's, with the hop of the options.
    batch_size : int
        Patches per network call.
    frontend : yamkit.plugin.Frontend
    backend : yamkit.plugin.Backend
    is_closed : bool

    Raises
    ------
    ParameterError
        If the hop is not valid.
    PluginError
        If a plugin is unknown, lacks an extra, or is broken.
    IncompatibleError
        If model, front end and backend do not fit together.
    """

    def __init__(self, model: ModelBundle, options: PipelineOptions) -> None:
        options = with_default_parts(options, model)
        self.is_closed = False
        self._silent_patch: NDArray[np.float32] | None = None
        self.batch_size = options.batch_size
        self.features = _with_hop(model.features, options.hop_seconds)
        self._classes = len(model.classes)
        self._embedding_size = model.network.embedding_size

        assert options.backend is not None
        assert options.frontend is not None
        self._names = {
            "backend": options.backend,
            "frontend": options.frontend,
            "resampler": options.resampler,
        }

        plugins = registry()
        chosen = {kind: plugins.resolve(kind, name) for kind, name in self._names.items()}
        front, back = chosen["frontend"].info, chosen["backend"].info
        assert isinstance(front, FrontendInfo)
        assert isinstance(back, BackendInfo)
        check_fit(model, front, back, options.provider)
        model.verify_weights()
        self._resampler: Callable[[int, int], Resampler] = plugins.load(chosen["resampler"])
        make_frontend = plugins.load(chosen["frontend"])
        make_backend = plugins.load(chosen["backend"])
        with self._errors_of("backend"), engine_call():  # first: both may use one engine's threads
            engine = BackendOptions(options.threads, options.provider, cache_folder())
            self.backend: Backend = make_backend(model, engine)
        try:
            with self._errors_of("frontend"):
                self.frontend: Frontend = make_frontend(self.features)
        except BaseException:
            self.backend.close()
            raise

    def batches(self, samples: Iterable[NDArray[np.float32]], sample_rate: int) -> Iterator[Batch]:
        """Tag a stream: send its `patches` through `infer`.

        Parameters
        ----------
        samples : iterable of ndarray, float32 [n]
            Consecutive samples of one channel in blocks of any length, none NaN or larger than
            2 ** 32; see `AudioSource.mono`.
        sample_rate : int
            In Hz.

        Yields
        ------
        Batch
            Of ``batch_size`` patches (the last one of fewer), as soon as their samples are known.

        Raises
        ------
        AudioError
            If `samples` raises it, or there are no samples.
        ParameterError
            If the samples have several channels.
        """
        for piece in self.patches(samples, sample_rate):
            yield from self.infer([piece])

    def patches(
        self, samples: Iterable[NDArray[np.float32]], sample_rate: int
    ) -> Iterator[Patches]:
        """Resample a stream, cut it into segments, and send these through the front end.

        Parameters
        ----------
        samples, sample_rate
            As for `batches`.

        Yields
        ------
        Patches
            ``batch_size`` of them, at the end fewer.

        Raises
        ------
        AudioError
            As for `batches`.
        """
        return map(self.transform, self.segments(samples, sample_rate))

    def segments(
        self, samples: Iterable[NDArray[np.float32]], sample_rate: int
    ) -> Generator[Segment, None, None]:
        """Resample a stream and cut it into segments.

        Parameters
        ----------
        samples, sample_rate
            As for `batches`.

        Yields
        ------
        Segment
            Of ``batch_size`` patches, at the end of fewer.

        Raises
        ------
        AudioError
            As for `batches`.
        """
        if self.is_closed:
            raise ParameterError("this Tagger is closed: create another one")
        features = self.features
        window, hop = features.patch_window_samples, features.patch_hop_samples
        resampled = self.resample(_checked(samples), sample_rate)
        yield from segments(resampled, window, hop, self.batch_size)

    def transform(self, segment: Segment) -> Patches:
        """Send a segment through the front end; the patch of silence is computed only once."""
        hop = self.features.patch_hop_samples
        places = segment.start_sample + hop * np.arange(segment.patches, dtype=np.int64)
        samples, count = segment.samples, segment.patches
        is_silent = not samples.any()
        if is_silent:
            if self._silent_patch is not None:
                return Patches(places, np.repeat(self._silent_patch, count, axis=0), True)
            samples, count = np.zeros(self.features.patch_window_samples, np.float32), 1
        with self._errors_of("frontend"):
            values = self.frontend.patches(samples)
        self._check("frontend", "patches", values, (count, *self.features.patch_shape))
        if is_silent:
            self._silent_patch = values
            values = np.repeat(values, segment.patches, axis=0)
        return Patches(places, values, is_silent)

    def infer(self, pieces: Sequence[Patches]) -> list[Batch]:
        """Score patches of one or several streams in one network call.

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

        Computed once, since a gap in a recording may last for hours.
        """
        assert self._silent_patch is not None
        return self._predict(self._silent_patch)

    def _predict(
        self, patches: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        with self._errors_of("backend"), engine_call():
            scores, embeddings = self.backend.predict(patches)
        self._check("backend", "scores", scores, (len(patches), self._classes))
        self._check("backend", "embeddings", embeddings, (len(patches), self._embedding_size))
        self._check_range(scores)
        return scores, embeddings

    def close(self) -> None:
        """Free the resources of the backend; the pipeline cannot be used afterwards."""
        self.is_closed = True
        with self._errors_of("backend"):
            self.backend.close()

    def resample(
        self, samples: Iterable[NDArray[np.float32]], sample_rate: int
    ) -> Iterator[NDArray[np.float32]]:
        """Convert a stream to the model's sample rate.

        Parameters
        ----------
        samples : iterable of ndarray, float32 [n]
            Consecutive mono samples in blocks of any length.
        sample_rate : int
            In Hz.

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

    def _errors_of(self, kind: str) -> AbstractContextManager[None]:
        return plugin_errors(f"{kind} {self._names[kind]!r}")

    def _check(
        self, kind: str, what: str, array: NDArray[np.float32], shape: tuple[int, ...]
    ) -> None:
        """Check the shape and type of an array that a plugin returned."""
        if array.shape != shape or array.dtype != np.float32:
            raise BrokenPluginError(
                f"{kind} {self._names[kind]!r} returned {what} {array.dtype} {array.shape}: must "
                f"be float32 {shape}"
            )

    def _check_range(self, scores: NDArray[np.float32]) -> None:
        low, high = float(scores.min()), float(scores.max())
        if not (low >= -_ROUNDING and high <= 1 + _ROUNDING):  # NaN is neither
            raise BrokenPluginError(
                f"backend {self._names['backend']!r} returned scores from {low:g} to {high:g}: "
                "model outputs are not in 0-1"
            )


def _checked(samples: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """Yield the blocks of a stream; raise if it is empty or its samples are invalid."""
    count = 0
    for block in samples:
        if block.ndim != 1:
            raise ParameterError(
                f"samples of shape {block.shape}: must be one channel, [samples]; mix the channels "
                "or choose one"
            )
        if not (np.abs(block) <= LARGEST_SAMPLE).all():  # NaN is not
            raise AudioValueError(
                f"the stream contains NaN, an infinity or a value beyond {LARGEST_SAMPLE:.0f}: "
                "samples must have full scale at 1"
            )
        count += len(block)
        yield block
    if not count:
        raise AudioValueError("the stream contains no samples")


def _with_hop(features: FeatureSpec, hop_seconds: float | None) -> FeatureSpec:
    """Return the features with another patch hop."""
    if hop_seconds is None:
        return features
    step = features.hop_step_samples / features.sample_rate_hz
    steps = round(hop_seconds / step) if 0 < hop_seconds <= MAX_SPAN_SECONDS else 0
    if steps < 1 or abs(steps * step - hop_seconds) > 1e-6 * step:
        own = features.patch_hop_samples / features.sample_rate_hz
        raise ParameterError(
            f"hop {hop_seconds:g} s: must be a whole multiple of {step:g} s, at most a day; the "
            f"model's own is {own:g} s"
        )
    return features.with_hop(steps * features.hop_step_samples)
