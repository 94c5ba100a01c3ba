"""The tagger: one model, opened once, for any number of clips and streams."""

from __future__ import annotations

import functools
import logging
import uuid
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from yamkit._util.text import printable
from yamkit.audio import (
    array_source,
    check_channels,
    check_sample_rate,
    open_audio,
    stream_source,
)
from yamkit.errors import AudioWarning, IncompatibleError, ParameterError
from yamkit.models import ModelBundle
from yamkit.models.store import default_model, find_model
from yamkit.pipeline.compose import Pipeline
from yamkit.pipeline.fit import with_default_parts
from yamkit.scores.aggregate import ClipScores, check_aggregate
from yamkit.scores.grid import Grid
from yamkit.tagger._clip import TaggedClip
from yamkit.tagger._options import TaggerOptions

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator
    from typing import BinaryIO, Self, Unpack

    from numpy.typing import ArrayLike, NDArray

    from yamkit.audio import AudioSource
    from yamkit.tagger._options import TaggerKeywords
    from yamkit.types import Batch, TagClass

__all__ = ["Tagger"]

_log = logging.getLogger(__name__)

_MOST_REOPENED = 4
"""Number of unpickled taggers that a process keeps."""


class Tagger:
    """Tags sound with one model, which is opened once for any number of clips.

    Several threads may share a tagger: each clip has its own state, and the scores are the same.
    Use it as a context manager, or call `close`. Its `pipeline` runs the model.

    A pickled tagger, as for a pool of processes, consists of its options and the folder and hash of
    its model. A process that unpickles it opens the model, once for any number of copies.

    Parameters
    ----------
    model : str, path, ModelBundle or None
        Name of a model, or the folder of a bundle. None: ``YAMKIT_MODEL``, else ``yamnet`` if it is
        installed, else ``yamnet-mini``, which comes with yamkit; see `Tagger.model`.
    options : TaggerOptions, optional
    **keywords
        Fields of `TaggerOptions`, such as ``backend="onnx"``, in place of those of `options`.

    Attributes
    ----------
    model : ModelBundle
    options : TaggerOptions
        With the names of the default front end and backend filled in.
    pipeline : yamkit.pipeline.compose.Pipeline

    Raises
    ------
    ParameterError
        If an option is out of its range.
    ModelError
        If the model does not exist or is damaged.
    PluginError
        If a plugin is unknown, broken, or lacks an extra.
    IncompatibleError
        If model, front end and backend do not fit together.

    Examples
    --------
    >>> from yamkit import Tagger
    >>> with Tagger() as tagger:  # doctest: +SKIP
    ...     clip = tagger.tag("dog.wav")
    ...     print(clip.top(1)[0].name)
    Dog
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | ModelBundle | None = None,
        options: TaggerOptions | None = None,
        **keywords: Unpack[TaggerKeywords],
    ) -> None:
        options = replace(options or TaggerOptions(), **keywords)
        if model is None:
            model = default_model()
        self.model = model if isinstance(model, ModelBundle) else find_model(model)
        check_aggregate(options.aggregate, self.model.silence_index, self.model.name)
        self.options = with_default_parts(options, self.model)
        self.pipeline = Pipeline(self.model, self.options)
        self._identity = uuid.uuid4().hex
        _log.info(
            "model %s, version %s: front end %s, backend %s",
            self.model.name,
            self.model.version,
            self.frontend,
            self.backend,
        )

    def __enter__(self) -> Self:
        return self

    def __reduce__(self) -> tuple[Callable[..., Tagger], tuple[object, ...]]:
        if self.pipeline.is_closed:
            raise ParameterError("this Tagger is closed and cannot be pickled: create another one")
        folder = str(self.model.folder.resolve())
        return _reopened, (self._identity, folder, self.model.sha256, self.options)

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def backend(self) -> str:
        """Name of the backend."""
        assert self.options.backend is not None
        return self.options.backend

    @property
    def frontend(self) -> str:
        """Name of the front end."""
        assert self.options.frontend is not None
        return self.options.frontend

    @property
    def classes(self) -> tuple[TagClass, ...]:
        """The class map, C rows."""
        return self.model.classes

    @property
    def grid(self) -> Grid:
        """Positions of patches and cells in time."""
        return Grid.of(self.pipeline.features)

    @property
    def hop_seconds(self) -> float:
        """Time from one patch to the next, in seconds."""
        features = self.pipeline.features
        return features.patch_hop_samples / features.sample_rate_hz

    def tag(
        self,
        source: str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | ArrayLike,
        sample_rate: int | None = None,
        channels: int | None = None,
    ) -> TaggedClip:
        """Tag one clip.

        The result holds the scores and embeddings of all patches, about 6 kB per patch for YAMNet;
        `stream` holds none.

        Parameters
        ----------
        source : path, bytes-like, binary file object or array
            Bytes are the content of a sound file. An array is [samples] or [samples, channels]:
            floats with full scale at 1, larger values included, or signed integers, which are
            divided by their full range.
        sample_rate : int or None
            Sample rate of an array in Hz; only for arrays.
        channels : int or None
            Number of columns of an array; only for arrays. Required for more than eight columns and
            fewer rows, since such an array is most likely [channels, samples].

        Returns
        -------
        TaggedClip

        Raises
        ------
        AudioError
            If the source cannot be opened, decoded or tagged.
        ParameterError
            If an array has no sample rate, a file has a sample rate or a number of channels, or the
            source lacks the channel or sound stream of the options.
        """
        is_path = isinstance(source, str) or hasattr(source, "__fspath__")
        with self._open(source, sample_rate, channels, is_file=is_path) as audio:
            samples = audio.mono(self.options.channel)
            batches = list(self.pipeline.batches(samples, audio.sample_rate))
            for warning in audio.warnings:
                _log.warning("%s: %s", audio.name, warning)
            duration = audio.samples / audio.sample_rate
            _log.debug("%s: %.2f s, read by %s", audio.name, duration, audio.decoded.reader)
            clip_scores = ClipScores(
                self.options.aggregate, len(self.classes), self.model.silence_index
            )
            for batch in batches:
                clip_scores.update(batch.scores)
            starts = np.concatenate([batch.start_samples for batch in batches])
            return TaggedClip(
                path=audio.name if is_path else None,
                sample_rate=audio.sample_rate,
                channels=audio.channels,
                duration_seconds=duration,
                scores=np.concatenate([batch.scores for batch in batches]),
                embeddings=np.concatenate([batch.embeddings for batch in batches]),
                clip_scores=clip_scores.result(),
                times=self.patch_times(starts, duration),
                classes=self.classes,
                warnings=audio.warnings,
                grid=self.grid,
                samples=self.grid.samples_of(audio.samples, audio.sample_rate),
            )

    def _open(
        self, source: object, sample_rate: int | None, channels: int | None, *, is_file: bool
    ) -> AudioSource:
        if is_file or _is_bytes(source) or hasattr(source, "read"):
            for name, value in (("sample rate", sample_rate), ("channels", channels)):
                if value is not None:
                    raise ParameterError(
                        f"{name} {value}: only for arrays, since a file states its own; for raw "
                        "samples: numpy.frombuffer(data, 'int16')"
                    )
            return open_audio(source, stream=self.options.stream)  # type: ignore[arg-type]
        if source is None or np.isscalar(source):
            raise ParameterError(
                f"source of type {type(source).__name__}: must be a path, bytes, a binary file "
                "object or an array"
            )
        return array_source(source, sample_rate, channels)  # type: ignore[arg-type]

    def stream(
        self, blocks: Iterable[ArrayLike], sample_rate: int, channels: int | None = None
    ) -> Iterator[Batch]:
        """Tag a stream of any length in constant memory.

        The result does not depend on how the stream is cut into blocks.

        Parameters
        ----------
        blocks : iterable of array
            Consecutive samples, each [n] or [n, channels], of a type that `tag` accepts.
        sample_rate : int
            In Hz.
        channels : int or None
            As for `tag`. Not required for blocks that follow one with at least as many rows as
            columns.

        Yields
        ------
        Batch
            ``start_samples`` int64 [B] at the model's rate, ``scores`` float32 [B, C] and
            ``embeddings`` float32 [B, E], as soon as ``batch_size`` patches are complete.

        Raises
        ------
        AudioError
            If a block has another shape or type, or the stream ends without samples.
        ParameterError
            If the sample rate, the number of channels or the blocks are invalid, or the blocks lack
            the channel of the options.

        Warns
        -----
        AudioWarning
            At the end, about faults of the samples, such as NaN, which counts as zero.
        """
        if isinstance(blocks, (str, bytes, np.ndarray)) or hasattr(blocks, "read"):
            raise ParameterError(
                f"blocks of type {type(blocks).__name__}: must be an iterable of arrays; use tag() "
                "for a file or a single array"
            )
        return self._stream(blocks, check_sample_rate(sample_rate), check_channels(channels))

    def _stream(
        self, blocks: Iterable[ArrayLike], rate: int, channels: int | None
    ) -> Iterator[Batch]:
        source = stream_source(blocks, rate, channels)
        yield from self.pipeline.batches(source.mono(self.options.channel), rate)
        for warning in source.warnings:
            warnings.warn(f"{source.name}: {warning}", AudioWarning, stacklevel=2)

    def patch_times(
        self, start_samples: NDArray[np.int64], duration_seconds: float
    ) -> NDArray[np.float64]:
        """Return the times of patches.

        Parameters
        ----------
        start_samples : ndarray, int64 [B]
            First sample of each patch, as in `Batch`.
        duration_seconds : float
            Duration of the clip; later times are set to it.

        Returns
        -------
        ndarray, float64 [B, 2]
            Start and end of each patch in seconds.
        """
        features = self.pipeline.features
        ends = start_samples + features.patch_window_samples
        times = np.stack([start_samples, ends], axis=1) / features.sample_rate_hz
        return np.minimum(times, duration_seconds)

    def close(self) -> None:
        """Free the resources of the engine; may be repeated. The tagger is unusable afterwards."""
        self.pipeline.close()


def _is_bytes(source: object) -> bool:
    if isinstance(source, memoryview):
        return source.format == "B"
    return isinstance(source, (bytes, bytearray))


def _reopened(identity: str, folder: str, sha256: str, options: TaggerOptions) -> Tagger:
    """Return an unpickled tagger, opened again only if the last one was closed."""
    tagger = _opened_once(identity, folder, sha256, options)
    if tagger.pipeline.is_closed:
        _opened_once.cache_clear()
        tagger = _opened_once(identity, folder, sha256, options)
    return tagger


@functools.lru_cache(maxsize=_MOST_REOPENED)
def _opened_once(
    identity: str,  # noqa: ARG001  (taggers of equal options are closed one by one)
    folder: str,
    sha256: str,
    options: TaggerOptions,
) -> Tagger:
    tagger = Tagger(Path(folder), options)
    if tagger.model.sha256 != sha256:
        tagger.close()
        raise IncompatibleError(
            f"model {printable(folder)} has changed since this Tagger was pickled: install the "
            "same version"
        )
    return tagger
