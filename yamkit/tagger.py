"""The Python API: `Tagger` tags files, file objects, arrays and streams."""

from __future__ import annotations

import functools
import logging
import operator
import uuid
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from yamkit import schema
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
from yamkit.pipeline.compose import Pipeline, default_parts
from yamkit.scores.aggregate import ClipScores, check_aggregate, top_tags
from yamkit.scores.classes import choose_classes
from yamkit.scores.events import find_events
from yamkit.scores.grid import Grid
from yamkit.scores.postprocessing import Postprocessing
from yamkit.scores.thresholds import check_threshold
from yamkit.types import ClipEnd, ClipStart, EventParameters, PatchTags

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator
    from typing import BinaryIO, Self

    from numpy.typing import ArrayLike, NDArray

    from yamkit.types import Batch, Event, Tag, TagClass

__all__ = ["TaggedClip", "Tagger"]

_log = logging.getLogger(__name__)

_MOST_REOPENED = 4
"""Taggers that were unpickled in this process and are kept for the next time."""


@dataclass(frozen=True, eq=False, repr=False)
class TaggedClip:
    """All that a model says about one clip.

    Attributes
    ----------
    path : str or None
        As it was given; None for anything but a path.
    sample_rate, channels : int
        Of the input.
    duration_seconds : float
        Samples over sample rate of the input.
    scores : ndarray, float32 [patches, C]
        Sigmoid outputs in 0..1, each class by itself; they are not calibrated probabilities.
    embeddings : ndarray, float32 [patches, E]
        Activations before the classifier.
    clip_scores : ndarray, float32 [C]
        Of `scores`, as the tagger's ``aggregate`` says.
    times : ndarray, float64 [patches, 2]
        Start and end of each patch in seconds; the end is clipped to the duration.
    classes : tuple of TagClass
        The class map, C rows.
    warnings : tuple of str
        What was odd about the input, such as a truncated file.
    grid : Grid
        Where patches and the cells of events lie.
    samples : int
        At the model's rate.
    """

    path: str | None
    sample_rate: int
    channels: int
    duration_seconds: float
    scores: NDArray[np.float32]
    embeddings: NDArray[np.float32]
    clip_scores: NDArray[np.float32]
    times: NDArray[np.float64]
    classes: tuple[TagClass, ...]
    warnings: tuple[str, ...] = ()
    grid: Grid = field(kw_only=True)
    samples: int = field(kw_only=True)

    def __repr__(self) -> str:
        best = self.top(1)[0]
        name = "" if self.path is None else f" {self.path!r}"
        return (
            f"<TaggedClip{name}: {self.duration_seconds:.2f} s, "
            f"{len(self.scores)} patches, {best.name} {best.score:.3f}>"
        )

    def top(
        self,
        k: int | None = 5,
        threshold: float | None = None,
        *,
        classes: str | Iterable[str | int] = (),
    ) -> tuple[Tag, ...]:
        """Give the highest classes of the clip.

        Parameters
        ----------
        k : int or None
            At most so many; None for all.
        threshold : float or None
            None below this score.
        classes : str, or iterable of str or int
            Those alone, as in `events`; all if empty.

        Returns
        -------
        tuple of Tag
            Highest first; of equal scores the lower class index first.

        Raises
        ------
        ParameterError
            If a class is unknown, or a number out of its range.
        """
        if threshold is not None:
            check_threshold("threshold", threshold)
        chosen = choose_classes(self.classes, classes)
        places = None if chosen is None else np.array(chosen)
        return top_tags(self.clip_scores, self.classes, k, threshold, places)

    def events(
        self,
        parameters: EventParameters | None = None,
        *,
        classes: str | Iterable[str | int] = (),
        postprocessing: Postprocessing | None = None,
    ) -> tuple[Event, ...]:
        """Find when each class sounds; see `yamkit.scores.events`.

        Parameters
        ----------
        parameters : EventParameters, optional
            Thresholds, filters, and what the score of an event is.
        classes : str, or iterable of str or int
            Names, machine identifiers, indices or subtrees (``Animal/``), one in each or several
            with commas between; all if empty. `yamkit.scores.class_lists.read_class_list` reads a
            file.
        postprocessing : Postprocessing, optional
            Calibration, roll-up and thresholds of single classes.

        Returns
        -------
        tuple of Event
            By onset, then by class.

        Raises
        ------
        ParameterError
            If a parameter is out of its range or a class unknown.
        """
        parameters = parameters or EventParameters()
        chosen = choose_classes(self.classes, classes)
        columns = np.array(range(len(self.classes)) if chosen is None else chosen)
        detector = (postprocessing or Postprocessing()).detector(
            self.grid, parameters, self.classes, columns
        )
        found = find_events(detector, self.scores, self.samples)
        return tuple(
            each.to_event(self.grid.sample_rate_hz, self.classes[columns[each.column]])
            for each in found
        )

    def to_dict(
        self,
        k: int | None = 5,
        threshold: float | None = None,
        *,
        timeline: bool = True,
        classes: str | Iterable[str | int] = (),
        events: EventParameters | None = None,
    ) -> dict[str, Any]:
        """Give the clip as the JSON output has it.

        Parameters
        ----------
        k, threshold
            As in `top`, for the clip and for each patch.
        timeline : bool
            Whether the tags of each patch are given; ``timeline`` is an empty list if not.
        classes
            As in `events`, for tags and events.
        events : EventParameters, optional
            With them the clip has a list ``events``, found as `events` does.

        Returns
        -------
        dict
            A clip of schema ``yamkit/1``; ``path`` is None for anything but a path.

        Raises
        ------
        ParameterError
            As in `top` and `events`.
        """
        if threshold is not None:
            check_threshold("threshold", threshold)
        indices = choose_classes(self.classes, classes)
        chosen = None if indices is None else np.array(indices)

        def tags_of(scores: NDArray[np.float32]) -> tuple[Tag, ...]:
            return top_tags(scores, self.classes, k, threshold, chosen)

        patches = zip(self.times, self.scores, strict=True) if timeline else ()
        listed: dict[str, Any] = {
            "timeline": [
                schema.patch_dict(PatchTags(float(start), float(end), tags_of(scores)))
                for (start, end), scores in patches
            ]
        }
        if events is not None:
            found = self.events(events, classes=classes)
            listed["events"] = [schema.event_dict(event) for event in found]
        head = schema.start_dict(ClipStart(self.path or "", self.sample_rate, self.channels))
        tags = tags_of(self.clip_scores)
        starts = self.times[self.scores.argmax(axis=0), 0]
        tail = ClipEnd(
            self.duration_seconds,
            len(self.scores),
            tags,
            self.warnings,
            peaks=Postprocessing().peaks(self.scores.max(axis=0), starts, tags),
        )
        return {**head, "path": self.path, **listed, **schema.end_dict(tail)}


class Tagger:
    """Tags sound with one model; opened once, used for as many clips as there are.

    Safe to call from several threads: each clip has its own state, and scores are the same. Use it
    as a context manager, or call `close`. What runs the model is its `pipeline`.

    Pickled, as for a pool of processes, it is its settings and the folder and hash of its model; a
    process that unpickles it opens the model anew, once for as often as it comes.

    Parameters
    ----------
    model : str, path, ModelBundle or None
        Name of a model, or the folder of a bundle; None for ``YAMKIT_MODEL``, else ``yamnet`` where
        it is installed, else ``yamnet-mini``, which comes with yamkit. `Tagger.model` tells.
    backend, frontend : str or None
        Names of plugins, ``yamkit plugins`` lists them; None for ``onnx`` and ``logmel`` where
        these fit the model, else for the first that do.
    resampler : str
        Name of a plugin.
    hop_seconds : float or None
        From one patch to the next: a whole multiple of the STFT hop; None for the model's own.
    batch_size : int
        Patches the network sees at once.
    threads : int or None
        Threads of one network call; None leaves it to the engine.
    provider : str
        Where the network runs: ``cpu``, or what the backend knows besides.
    aggregate : {"mean", "max", "sounding"}
        How patches become clip scores; ``sounding``: the mean of patches, each weighted by 1 minus
        its score of the class that the bundle names as silence.
    channel : "mix" or int
        ``mix``: the mean of all channels is heard; a number, from 1: that channel alone.
    stream : int or None
        Number of the sound stream that is heard, from 1, of a file that has several; None for the
        one marked as default, else the first.

    Raises
    ------
    ParameterError
        If an argument is out of its range.
    ModelError
        If the model is not there or not sound.
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
        *,
        backend: str | None = None,
        frontend: str | None = None,
        resampler: str = "polyphase",
        hop_seconds: float | None = None,
        batch_size: int = 16,
        threads: int | None = None,
        provider: str = "cpu",
        aggregate: str = "mean",
        channel: str | int = "mix",
        stream: int | None = None,
    ) -> None:
        if model is None:
            model = default_model()
        self.model = model if isinstance(model, ModelBundle) else find_model(model)
        check_aggregate(aggregate, self.model.silence_index, self.model.name)
        self.aggregate = aggregate
        if backend is None or frontend is None:
            default_frontend, default_backend = default_parts(self.model)
            frontend, backend = frontend or default_frontend, backend or default_backend
        self.backend, self.frontend, self.resampler = backend, frontend, resampler
        self.provider = provider
        self.channel = "mix" if channel == "mix" else _number("channel", channel, "mix")
        self.sound_stream = None if stream is None else _number("stream", stream, None)
        self.settings = {
            "backend": backend,
            "frontend": frontend,
            "resampler": resampler,
            "hop_seconds": hop_seconds,
            "batch_size": batch_size,
            "threads": threads,
            "provider": provider,
            "aggregate": aggregate,
            "channel": self.channel,
            "stream": self.sound_stream,
        }
        self.pipeline = Pipeline(
            self.model,
            backend=backend,
            frontend=frontend,
            resampler=resampler,
            hop_seconds=hop_seconds,
            batch_size=batch_size,
            threads=threads,
            provider=provider,
        )
        self._identity = uuid.uuid4().hex
        _log.info(
            "model %s, version %s: front end %s, backend %s",
            self.model.name,
            self.model.version,
            frontend,
            backend,
        )

    def __enter__(self) -> Self:
        return self

    def __reduce__(self) -> tuple[Callable[..., Tagger], tuple[object, ...]]:
        if self.pipeline.is_closed:
            raise ParameterError("this Tagger is closed and cannot be pickled; make another one")
        folder = str(self.model.folder.resolve())
        settings = tuple(self.settings.items())
        return _reopened, (self._identity, folder, self.model.sha256, settings)

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def classes(self) -> tuple[TagClass, ...]:
        """The class map, C rows."""
        return self.model.classes

    @property
    def grid(self) -> Grid:
        """Where patches and the cells of events lie."""
        return Grid.of(self.pipeline.features)

    @property
    def hop_seconds(self) -> float:
        """Seconds from one patch to the next."""
        features = self.pipeline.features
        return features.patch_hop_samples / features.sample_rate_hz

    def tag(
        self,
        source: str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | ArrayLike,
        sample_rate: int | None = None,
        channels: int | None = None,
    ) -> TaggedClip:
        """Tag one clip.

        All patches are kept, about 6 kB of scores and embeddings each for YAMNet; `stream` keeps
        none.

        Parameters
        ----------
        source : path, bytes-like, binary file object or array
            Bytes are the content of a sound file. An array is [samples] or [samples, channels]:
            floats with full scale at 1, kept even beyond it, or signed integers, divided by their
            full range.
        sample_rate : int or None
            Of an array, in Hz; files state their own.
        channels : int or None
            Number of columns of an array. An array of more than eight columns and fewer rows is
            refused without it, since it is most likely [channels, samples].

        Returns
        -------
        TaggedClip

        Raises
        ------
        AudioError
            If the source cannot be opened, decoded or tagged.
        ParameterError
            If an array comes without a sample rate, or a file with one or with a number of
            channels, or the source lacks the tagger's channel or sound stream.
        """
        is_path = isinstance(source, str) or hasattr(source, "__fspath__")
        if is_path or _is_bytes(source) or hasattr(source, "read"):
            for name, value in (("sample rate", sample_rate), ("channels", channels)):
                if value is not None:
                    raise ParameterError(
                        f"{name} {value}: a file states its own; give it with arrays only, such as "
                        "numpy.frombuffer(data, 'int16')"
                    )
            opened = open_audio(source, stream=self.sound_stream)  # type: ignore[arg-type]
        elif source is None or np.isscalar(source):
            raise ParameterError(
                f"a source of type {type(source).__name__}: wanted a path, bytes, a binary file "
                "object or an array"
            )
        else:
            opened = array_source(source, sample_rate, channels)  # type: ignore[arg-type]
        with opened as audio:
            samples = audio.mono(self.channel)
            batches = list(self.pipeline.batches(samples, audio.sample_rate))
            duration = audio.samples / audio.sample_rate
            clip_scores = ClipScores(self.aggregate, len(self.classes), self.model.silence_index)
            for batch in batches:
                clip_scores.update(batch.scores)
            for warning in audio.warnings:
                _log.warning("%s: %s", audio.name, warning)
            _log.debug("%s: %.2f s, read by %s", audio.name, duration, audio.decoded.reader)
            return TaggedClip(
                path=audio.name if is_path else None,
                sample_rate=audio.sample_rate,
                channels=audio.channels,
                duration_seconds=duration,
                scores=np.concatenate([batch.scores for batch in batches]),
                embeddings=np.concatenate([batch.embeddings for batch in batches]),
                clip_scores=clip_scores.result(),
                times=np.concatenate(
                    [self.patch_times(batch.start_samples, duration) for batch in batches]
                ),
                classes=self.classes,
                warnings=audio.warnings,
                grid=self.grid,
                samples=self.grid.samples_of(audio.samples, audio.sample_rate),
            )

    def stream(
        self, blocks: Iterable[ArrayLike], sample_rate: int, channels: int | None = None
    ) -> Iterator[Batch]:
        """Tag a stream that may never end; memory does not grow.

        The result does not depend on how the stream is cut.

        Parameters
        ----------
        blocks : iterable of array
            Consecutive samples, each [n] or [n, channels], of a type that `tag` takes.
        sample_rate : int
            In Hz.
        channels : int or None
            As in `tag`. Blocks behind one that has at least as many rows as columns may be shorter
            without it.

        Yields
        ------
        Batch
            ``start_samples`` int64 [B] at the model's rate, ``scores`` float32 [B, C] and
            ``embeddings`` float32 [B, E], as soon as ``batch_size`` patches are there.

        Raises
        ------
        AudioError
            If a block has another shape or type, and when the stream ends without a sample.
        ParameterError
            If the sample rate, the number of channels or the blocks are none, or lack the tagger's
            channel.

        Warns
        -----
        AudioWarning
            At the end, of what was odd about the samples, such as NaN, which counts as zero.
        """
        if isinstance(blocks, (str, bytes, np.ndarray)) or hasattr(blocks, "read"):
            raise ParameterError(
                f"blocks of type {type(blocks).__name__}: wanted an iterable of arrays; use tag() "
                "for one file or one array"
            )
        return self._stream(blocks, check_sample_rate(sample_rate), check_channels(channels))

    def _stream(
        self, blocks: Iterable[ArrayLike], rate: int, channels: int | None
    ) -> Iterator[Batch]:
        source = stream_source(blocks, rate, channels)
        yield from self.pipeline.batches(source.mono(self.channel), rate)
        for warning in source.warnings:
            warnings.warn(f"{source.name}: {warning}", AudioWarning, stacklevel=2)

    def patch_times(
        self, start_samples: NDArray[np.int64], duration_seconds: float
    ) -> NDArray[np.float64]:
        """Turn the places of patches into times.

        Parameters
        ----------
        start_samples : ndarray, int64 [B]
            As `stream` gives them.
        duration_seconds : float
            No time lies beyond it.

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
        """Free what the engine holds: nothing can be tagged any more. Calling it again is fine."""
        self.pipeline.close()


def _is_bytes(source: object) -> bool:
    if isinstance(source, memoryview):
        return source.format == "B"
    return isinstance(source, (bytes, bytearray))


def _reopened(
    identity: str, folder: str, sha256: str, settings: tuple[tuple[str, Any], ...]
) -> Tagger:
    """Open a tagger that was pickled; again only if the one of the last time was closed."""
    tagger = _opened_once(identity, folder, sha256, settings)
    if tagger.pipeline.is_closed:
        _opened_once.cache_clear()
        tagger = _opened_once(identity, folder, sha256, settings)
    return tagger


@functools.lru_cache(maxsize=_MOST_REOPENED)
def _opened_once(
    identity: str,  # noqa: ARG001  (taggers of the same settings are closed one by one)
    folder: str,
    sha256: str,
    settings: tuple[tuple[str, Any], ...],
) -> Tagger:
    tagger = Tagger(Path(folder), **dict(settings))
    if tagger.model.sha256 != sha256:
        tagger.close()
        raise IncompatibleError(
            f"model {printable(folder)} is another one than when this Tagger was pickled; install "
            "the same version"
        )
    return tagger


def _number(what: str, value: object, default: str | None) -> int:
    """Give the number of a channel or sound stream, which count from 1."""
    try:
        number = 0 if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = 0
    if number < 1:
        raise ParameterError(f"{what} {value!r}: wanted {default!r}, or a whole number from 1")
    return number
