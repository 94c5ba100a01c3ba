"""From the scores of clips to their items: what a run reports of each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from yamkit._util.text import path_text
from yamkit.audio import display_path
from yamkit.errors import AudioWarningError
from yamkit.run.clips import Clip, clip_failure, read_clip
from yamkit.run.scheduler import Ended, Failed, tag_streams
from yamkit.scores.aggregate import ClipScores, Peaks
from yamkit.scores.events import OnsetOrder
from yamkit.types import ClipEnd, ClipStart, PatchTags

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from numpy.typing import NDArray

    from yamkit.audio import AudioSource
    from yamkit.scores.choice import Choice
    from yamkit.scores.detector import ClosedEvent, EventDetector, OpenedEvent
    from yamkit.tagger import Tagger
    from yamkit.types import Batch, Event, SinkItem, Tag

__all__ = ["clip_items"]

_Clip = TypeVar("_Clip", bound=Clip)


def clip_items(
    tagger: Tagger, clips: Iterable[_Clip], choice: Choice, jobs: int
) -> Generator[tuple[_Clip, SinkItem], None, None]:
    """Tag clips, several at a time, a long one on several threads.

    Memory grows neither with their number nor with their length.

    Parameters
    ----------
    tagger : Tagger
    clips : iterable of Clip
        Requested one by one, some ahead of what is yielded.
    choice : Choice
        What is reported.
    jobs : int
        Threads; with 1, the caller's own does all the work.

    Yields
    ------
    clip : Clip
        In their order.
    item : ClipStart, PatchTags, Event, ClipEnd or ClipFailure
        In the order of `yamkit.types.SinkItem`. An error in a clip is its `ClipFailure`; only an
        interruption is raised.
    """
    pipeline = tagger.pipeline
    return tag_streams(
        clips,
        partial(
            read_clip,
            pipeline=pipeline,
            channel=tagger.options.channel,
            stream=tagger.options.stream,
        ),
        pipeline.infer,
        _Report(tagger, choice).items,
        jobs=jobs,
        batch_size=pipeline.batch_size,
        is_live=lambda clip: clip.path == "-",
    )


class _Report:
    """Turns what becomes of clips, one after the other, into their items."""

    def __init__(self, tagger: Tagger, choice: Choice) -> None:
        self._tagger, self._choice = tagger, choice
        self._state: _ClipState | None = None

    def items(self, clip: Clip, event: Batch | Ended | Failed) -> Iterator[SinkItem]:
        if isinstance(event, Failed):
            yield clip_failure(clip.path, event.error)
            clip.audio = self._state = None
            return
        if self._state is None:
            assert clip.audio is not None
            self._state = _ClipState(self._tagger, self._choice, clip.audio)
            yield self._state.start(clip.path)
        if not isinstance(event, Ended):
            yield from self._state.take(event)
            return
        for item in self._state.end():
            if self._choice.strict and isinstance(item, ClipEnd) and item.warnings:
                reasons = "; ".join(item.warnings)
                text = f"{display_path(clip.path)}: {reasons} (with --strict, a failure)"
                yield clip_failure(clip.path, AudioWarningError(text))
            else:
                yield item
        clip.audio = self._state = None


class _ClipState:
    """What is known of a clip while its batches come."""

    def __init__(self, tagger: Tagger, choice: Choice, audio: AudioSource) -> None:
        self._tagger, self._choice, self._audio = tagger, choice, audio
        count = len(tagger.classes)
        self._scores = ClipScores(tagger.options.aggregate, count, tagger.model.silence_index)
        self._peaks = Peaks(count)
        self._embedding: ClipScores | None = None
        if "embedding" in choice.arrays and not choice.per_patch:
            self._embedding = ClipScores("mean", tagger.model.network.embedding_size)
        self._columns = choice.columns(count)
        self._detector: EventDetector | None = None
        if choice.events is not None:
            self._detector = choice.detector(tagger.grid, tagger.classes)
        self._order = OnsetOrder()

    def start(self, path: str) -> ClipStart:
        """Return the first item."""
        audio = self._audio
        promised = audio.decoded.seconds_promised
        return ClipStart(path_text(path), audio.sample_rate, audio.channels, promised)

    def take(self, batch: Batch) -> Iterator[PatchTags | Event]:
        """Take a batch; yield its patches, or events that ended, where they are reported."""
        self._scores.update(batch.scores)
        self._peaks.update(batch.scores, batch.start_samples)
        if self._embedding is not None:
            self._embedding.update(batch.embeddings)
        if self._detector is not None:
            yield from self._events(self._detector.update(batch.scores, self._samples))
        if not self._choice.per_patch:
            return
        duration = self._audio.samples / self._audio.sample_rate
        times = self._tagger.patch_times(batch.start_samples, duration).tolist()
        read = self._choice.postprocessing.apply(batch.scores)
        for (start, end), scores, embedding in zip(times, read, batch.embeddings, strict=True):
            yield PatchTags(start, end, self._tags(scores), *self._arrays(scores, embedding))

    def end(self) -> Iterator[Event | ClipEnd]:
        """Yield the last events and the clip's end."""
        if self._detector is not None:
            yield from self._events(self._detector.finish(self._samples))
        scores = self._choice.postprocessing.apply(self._scores.result()[np.newaxis])[0]
        arrays: tuple[NDArray[Any] | None, NDArray[Any] | None] = (None, None)
        if not self._choice.per_patch:
            embedding = None if self._embedding is None else self._embedding.result()
            arrays = self._arrays(scores, embedding)
        tags = self._tags(scores)
        duration = self._audio.samples / self._audio.sample_rate
        starts = self._tagger.patch_times(self._peaks.start_samples, duration)[:, 0]
        yield ClipEnd(
            duration,
            self._scores.patches,
            tags,
            self._audio.warnings,
            *arrays,
            self._choice.postprocessing.peaks(self._peaks.scores, starts, tags),
        )

    @property
    def _samples(self) -> int:
        """Samples decoded so far, at the model's rate."""
        return self._tagger.grid.samples_of(self._audio.samples, self._audio.sample_rate)

    def _events(self, changes: Iterator[OpenedEvent | ClosedEvent]) -> Iterator[Event]:
        assert self._detector is not None
        grid, classes = self._tagger.grid, self._tagger.classes
        for event in self._order.update(changes, self._detector):
            yield event.to_event(grid.sample_rate_hz, classes[self._columns[event.column]])

    def _tags(self, scores: NDArray[np.floating[Any]]) -> tuple[Tag, ...]:
        return self._choice.tags(scores, self._tagger.classes)

    def _arrays(
        self, scores: NDArray[np.floating[Any]], embedding: NDArray[np.float32] | None
    ) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
        def reported(name: str, array: NDArray[Any] | None) -> NDArray[Any] | None:
            if array is None or name not in self._choice.arrays:
                return None
            return array.astype(self._choice.dtype)

        return reported("scores", scores), reported("embedding", embedding)
