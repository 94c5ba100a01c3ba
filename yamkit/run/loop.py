"""A run over many clips: each is tagged by itself, and a failure stays where it happened.

Composes `Tagger`, `Journal` and `Outputs`; what a person sees meanwhile is the caller's `Observer`.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections import deque
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import numpy as np

from yamkit import __version__
from yamkit._util.signals import Interruptions
from yamkit._util.text import printable
from yamkit.audio import display_path, file_stamp
from yamkit.errors import (
    AudioWarningError,
    BrokenPluginError,
    OutputError,
    YamkitError,
)
from yamkit.registry import plugin_errors
from yamkit.run.clips import Clip, tag_clips
from yamkit.run.output import path_text
from yamkit.run.records import DAMAGE, ItemOrder, check_item
from yamkit.run.scheduler import Ended, Failed
from yamkit.scores.aggregate import ClipScores, Peaks
from yamkit.scores.events import OnsetOrder
from yamkit.types import (
    ClipEnd,
    ClipFailure,
    ClipStart,
    Event,
    Parameters,
    PatchTags,
    RunInfo,
    RunModel,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

    from yamkit.audio import AudioSource
    from yamkit.plugin import Runner, Work
    from yamkit.run.journal import Journal
    from yamkit.run.output import Outputs
    from yamkit.scores.choice import Choice
    from yamkit.scores.detector import ClosedEvent, EventDetector, OpenedEvent
    from yamkit.tagger import Tagger
    from yamkit.types import Batch, SinkItem, Tag, TagClass

__all__ = [
    "Observer",
    "Resumption",
    "Tally",
    "carried",
    "classify",
    "clip_items",
    "fingerprint",
    "in_shard",
    "noting",
    "run_info",
]

_NOWHERE_TO_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)

_Clip = TypeVar("_Clip", bound=Clip)


class Observer(Protocol):
    """Told of what happens while a run goes on."""

    def finished(self, path: str, item: ClipEnd | ClipFailure | None) -> None:
        """Learn how a clip ended; None if that was in an earlier run."""

    def writing(self) -> AbstractContextManager[None]:
        """Surround the writing of results."""


def run_info(tagger: Tagger, choice: Choice, shard: tuple[int, int] = (1, 1)) -> RunInfo:
    """Describe a run to its sinks."""
    model, postprocessing = tagger.model, choice.postprocessing
    return RunInfo(
        yamkit=__version__,
        model=RunModel(model.name, model.version, model.sha256, model.source, len(model.classes)),
        backend=tagger.backend,
        frontend=tagger.frontend,
        resampler=tagger.options.resampler,
        parameters=Parameters(
            tagger.options.aggregate,
            tagger.hop_seconds,
            choice.threshold,
            choice.top,
            postprocessing.score_kind,
            postprocessing.calibration_sha256,
            postprocessing.thresholds_sha256,
            choice.classes,
            postprocessing.roll_up is not None,
            choice.events,
            tagger.options.channel,
            tagger.options.stream,
        ),
        per_patch=choice.per_patch,
        embedding_size=model.network.embedding_size,
        arrays=choice.arrays,
        shard=shard,
        provider=tagger.options.provider,
        strict=choice.strict,
        label_scores=choice.label_scores,
    )


def in_shard(path: str, shard: tuple[int, int]) -> bool:
    """Tell whether a file belongs to part I of N: by its path alone, whatever else is there."""
    part, parts = shard
    digest = hashlib.sha256(os.fsencode(path)).digest()
    return int.from_bytes(digest[:8], "big") % parts == part - 1


def fingerprint(run: RunInfo) -> dict[str, str]:
    """Give all that results depend on, by name."""
    return {
        "yamkit": run.yamkit,
        "model": run.model.name,
        "model_sha256": run.model.sha256,
        "backend": run.backend,
        "provider": run.provider,
        "frontend": run.frontend,
        "resampler": run.resampler,
        **{name: str(value) for name, value in asdict(run.parameters).items()},
        "per_patch": str(run.per_patch),
        "arrays": " and ".join(run.arrays),
        "shard": "{}/{}".format(*run.shard),
        "strict": str(run.strict),
        "label_scores": str(run.label_scores),
    }


@dataclass(frozen=True)
class Resumption:
    """How a run goes on from its journal.

    Attributes
    ----------
    journal : Journal
    retry_failed : bool
        Whether clips that failed are tried again.
    is_there : callable
        Tells whether the outputs of a clip, by its path, are still there.
    """

    journal: Journal
    retry_failed: bool = False
    is_there: Callable[[str], bool] = lambda path: True  # noqa: ARG005

    def items(
        self,
        clips: Sequence[_Clip],
        tag: Callable[[Iterable[_Clip]], Generator[tuple[_Clip, SinkItem], None, None]],
    ) -> Generator[tuple[_Clip, SinkItem | None, bool], None, None]:
        """Give what the journal has of clips, and tag the others.

        Parameters
        ----------
        clips : sequence of Clip
        tag : callable
            Tags clips; it is given those that are to be tagged.

        Yields
        ------
        clip : Clip
            In their order.
        item : ClipStart, PatchTags, ClipEnd, ClipFailure or None
            None behind what the journal has of a clip.
        is_new : bool
            Whether it is not from the journal.
        """
        place = 0
        with contextlib.closing(tag(filter(self._is_left, clips))) as found:
            for clip, item in found:
                while clips[place] is not clip:
                    yield from self._again(clips[place])
                    place += 1
                yield clip, item, True
                place += isinstance(item, (ClipEnd, ClipFailure))
        for clip in clips[place:]:
            yield from self._again(clip)

    def keep(self, clip: Clip, item: SinkItem) -> None:
        """Write an item that is new into the journal."""
        self.journal.write(_key(clip), clip.stamp, item)
        if isinstance(item, (ClipEnd, ClipFailure)):
            clip.stamp = None  # there may be millions of clips

    def _is_left(self, clip: Clip) -> bool:
        stamp = file_stamp(clip.path)
        state = None if stamp is None else self.journal.state(_key(clip), stamp)
        is_left = self.retry_failed if state == "failed" else True
        if state == "done":
            is_left = not self.is_there(clip.path)
        if is_left:
            clip.stamp = stamp
        return is_left

    def _again(self, clip: _Clip) -> Iterator[tuple[_Clip, SinkItem | None, bool]]:
        for item in self.journal.items(_key(clip)):
            yield clip, item, False
        yield clip, None, False


def _key(clip: Clip) -> str:
    return clip.key or path_text(clip.path)


class Tally(NamedTuple):
    """How the clips of a run ended.

    Attributes
    ----------
    failed, warned : int
        Clips that failed, and those that were tagged to their end with warnings.
    tagged, results : int
        Clips that were written to the outputs, and the events, patches or tags in them.
    earlier : int
        Clips whose own outputs were there.
    """

    failed: int
    warned: int
    tagged: int
    results: int
    earlier: int


def classify(
    tag: Callable[[Iterable[Clip]], Generator[tuple[Clip, SinkItem], None, None]],
    clips: Sequence[Clip],
    run: RunInfo,
    outputs: Outputs,
    observer: Observer,
    resumption: Resumption | None = None,
) -> Tally:
    """Tag clips, and give the results to the outputs in the order of the clips.

    Parameters
    ----------
    tag : callable
        Tags clips, as `clip_items` does.
    clips : sequence of Clip
    run : RunInfo
    outputs : Outputs
    observer : Observer
    resumption : Resumption, optional

    Returns
    -------
    Tally
        Of all clips, those that the journal has included.

    Raises
    ------
    OutputError, BrokenPluginError
        If results cannot be written: at once where all clips share an output or nothing more can
        be written at all; else the clip fails alone. Other outputs are finished.
    KeyboardInterrupt
        At an interruption: the outputs hold every clip that was finished.

    Whatever is raised has a note of how many clips were done.
    """
    done = failed = warned = tagged = results = 0
    pending = 0  # results of the clip that goes on
    lost = None  # the clip whose own outputs could not be written
    is_open = False

    def noted() -> str:
        if not is_open:
            return ""
        return f"{done} of {len(clips)} files done" + ("; --resume continues" if resumption else "")

    with noting(noted, clips), Interruptions() as interruptions:
        try:
            outputs.open(run)
            is_open = True
            with contextlib.closing(_items(tag, clips, resumption)) as items:
                for clip, item, is_new in items:
                    interruptions.check()
                    if item is None:
                        done += 1
                        observer.finished(display_path(clip.path), None)
                        continue
                    if clip is lost:
                        continue
                    with interruptions.held():  # what is written is in the journal, and counted
                        try:
                            with observer.writing():
                                outputs.write(item)
                        except (OutputError, BrokenPluginError) as error:
                            if not outputs.per_clip or _is_full(error):
                                raise
                            outputs.finish_early()
                            item, lost = _failure(clip, error), clip
                        failed += isinstance(item, ClipFailure)
                        warned += isinstance(item, ClipEnd) and bool(item.warnings)
                        pending = 0 if isinstance(item, ClipStart) else pending
                        pending += _results(run, item)
                        if isinstance(item, ClipEnd) and (is_new or not outputs.per_clip):
                            tagged += 1
                            results += pending
                        if not is_new:
                            continue
                        if resumption is not None:
                            resumption.keep(clip, item)
                        if isinstance(item, (ClipEnd, ClipFailure)):
                            done += 1
                            observer.finished(display_path(clip.path), item)
            with interruptions.held():
                outputs.close()
                if resumption is not None:
                    resumption.journal.finish()
        except BaseException:
            with interruptions.held():
                outputs.finish_early()
            raise
    return Tally(failed, warned, tagged, results, len(clips) - failed - tagged)


def _results(run: RunInfo, item: SinkItem) -> int:
    """Count what outputs hold of an item: events, patches, or else tags of clips."""
    if run.parameters.events is not None:
        return int(isinstance(item, Event))
    if run.per_patch:
        return int(isinstance(item, PatchTags))
    return len(item.tags) if isinstance(item, ClipEnd) else 0


def _is_full(error: YamkitError) -> bool:
    return isinstance(error, OutputError) and error.errno in _NOWHERE_TO_WRITE


@contextlib.contextmanager
def noting(note: Callable[[], str], clips: Sequence[Clip]) -> Iterator[None]:
    """Note on whatever is raised how far a run came, where it is of several clips."""
    try:
        yield
    except BaseException as error:
        if len(clips) > 1 and (text := note()):
            error.add_note(text)
        raise


def _items(
    tag: Callable[[Iterable[Clip]], Generator[tuple[Clip, SinkItem], None, None]],
    clips: Sequence[Clip],
    resumption: Resumption | None,
) -> Generator[tuple[Clip, SinkItem | None, bool], None, None]:
    if resumption is not None:
        yield from resumption.items(clips, tag)
        return
    with contextlib.closing(tag(clips)) as found:
        for clip, item in found:
            yield clip, item, True


def carried(
    runner: Runner,
    work: Work[_Clip],
    clips: Iterable[_Clip],
    about: RunInfo,
    classes: Sequence[TagClass],
) -> Generator[tuple[_Clip, SinkItem], None, None]:
    """Let a runner tag clips, and check what it gives; see `yamkit.plugin.Runner`.

    Parameters
    ----------
    runner : Runner
    work : Work
    clips : iterable of Clip
    about : RunInfo
        The run that the items are for.
    classes : sequence of TagClass
        The model's.

    Raises
    ------
    BrokenPluginError
        If the runner fails with an error of its own, gives an item that cannot be one of the
        clip's, or leaves clips out.
    """
    who = f"runner {type(runner).__name__}"
    given: deque[_Clip] = deque()  # to the runner, and not yet tagged to their end

    def noted(clip: _Clip) -> _Clip:
        given.append(clip)
        return clip

    left = map(noted, clips)
    check: _ClipCheck | None = None
    with plugin_errors(who), contextlib.closing(runner.items(work, left)) as found:
        for clip, item in found:
            try:
                if not given or clip is not given[0]:
                    raise ValueError("an item of another clip than the next one")
                check = check or _ClipCheck(clip, about, classes)
                check.add(item)
            except (*DAMAGE, AttributeError) as error:
                path = display_path(given[0].path if given else clip.path)
                raise BrokenPluginError(
                    f"{who} gave a wrong item for {path}: {error}: {item!r:.200}"
                ) from error
            yield clip, item
            if isinstance(item, (ClipEnd, ClipFailure)):
                given.popleft()
                check = None
        missing = given[0] if given else next(left, None)
        if missing is not None:
            raise BrokenPluginError(f"{who} gave no end for {display_path(missing.path)}")


class _ClipCheck:
    """Checks the items of a clip as they come; `add` raises what `check_item` does."""

    def __init__(self, clip: Clip, about: RunInfo, classes: Sequence[TagClass]) -> None:
        lengths = {"scores": len(classes), "embedding": about.embedding_size}
        arrays = {name: lengths[name] for name in about.arrays}
        self._path, self._classes = path_text(clip.path), classes
        self._order = ItemOrder(len(classes), True, arrays, about.per_patch)
        self._wanted = (
            PatchTags if about.per_patch else Event if about.parameters.events is not None else None
        )
        self._seconds = 0.0

    def add(self, item: SinkItem) -> None:
        check_item(item, self._classes)
        if not isinstance(item, ClipFailure):  # which may come at any time
            self._order.add(item)
        if isinstance(item, (PatchTags, Event)):
            if type(item) is not self._wanted:
                raise ValueError("a kind of item that this run does not ask for")
            start = item.start_seconds if isinstance(item, PatchTags) else item.onset_seconds
            if start < self._seconds:
                raise ValueError("it begins before the one before it")
            self._seconds = start
        elif not isinstance(item, ClipEnd) and item.path != self._path:
            raise ValueError("the path of another clip")


def clip_items(
    tagger: Tagger, clips: Iterable[_Clip], choice: Choice, jobs: int
) -> Generator[tuple[_Clip, SinkItem], None, None]:
    """Tag clips piece by piece; see `yamkit.run.clips.tag_clips`.

    Yields
    ------
    clip : Clip
    item : ClipStart, PatchTags, Event, ClipEnd or ClipFailure
        In the order that `yamkit.types.SinkItem` gives. Whatever goes wrong with a clip is its
        `ClipFailure`; nothing but an interruption is raised.
    """
    state: _ClipState | None = None
    found = tag_clips(
        tagger.pipeline,
        clips,
        jobs=jobs,
        channel=tagger.options.channel,
        stream=tagger.options.stream,
    )
    with contextlib.closing(found) as events:
        for clip, event in events:
            if isinstance(event, Failed):
                state = None
                yield clip, _failure(clip, event.error)
                clip.audio = None
                continue
            if state is None:
                assert clip.audio is not None
                state = _ClipState(tagger, choice, clip.audio)
                audio = clip.audio
                promised = audio.decoded.seconds_promised
                yield (
                    clip,
                    ClipStart(path_text(clip.path), audio.sample_rate, audio.channels, promised),
                )
            if isinstance(event, Ended):
                for last in state.end():
                    if choice.strict and isinstance(last, ClipEnd) and last.warnings:
                        yield clip, _warned_failure(clip, last.warnings)
                    else:
                        yield clip, last
                clip.audio = state = None
                continue
            for item in state.take(event):
                yield clip, item


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

    def take(self, batch: Batch) -> Iterator[PatchTags | Event]:
        """Take in a batch; give its patches, or events that are over, where they are reported."""
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
        """Give the last events, and sum the clip up."""
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
        """Those known to be there, at the model's rate."""
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
        def wanted(name: str, array: NDArray[Any] | None) -> NDArray[Any] | None:
            if array is None or name not in self._choice.arrays:
                return None
            return array.astype(self._choice.dtype)

        return wanted("scores", scores), wanted("embedding", embedding)


def _warned_failure(clip: Clip, warnings: Sequence[str]) -> ClipFailure:
    """Turn the end of a clip with warnings into a failure."""
    text = f"{display_path(clip.path)}: {'; '.join(warnings)} (with --strict, a failure)"
    return _failure(clip, AudioWarningError(text))


def _failure(clip: Clip, error: Exception) -> ClipFailure:
    message = str(error)
    if not isinstance(error, YamkitError):  # a night's run goes on, whatever one file provokes
        message = " ".join(f"{display_path(clip.path)}: {message}".split())
    return ClipFailure(path_text(clip.path), type(error).__name__, printable(message))
