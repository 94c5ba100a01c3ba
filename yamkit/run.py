"""A run over many clips: each is tagged by itself, and a failure stays where it happened.

Composes `Tagger` and `Outputs`; what a person sees meanwhile is the caller's `Observer`.
"""

from __future__ import annotations

import contextlib
import errno
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from yamkit import __version__
from yamkit._signals import Interruptions
from yamkit.aggregate import ClipScores, top_tags
from yamkit.audio import NotFound, display_path
from yamkit.clips import Clip, tag_clips
from yamkit.errors import OutputError, ParameterError, YamkitError
from yamkit.output import path_text
from yamkit.scheduling import Ended, Failed
from yamkit.types import ClipEnd, ClipFailure, ClipStart, Parameters, PatchTags, RunInfo, RunModel

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from contextlib import AbstractContextManager

    from yamkit.audio import Found
    from yamkit.output import Outputs
    from yamkit.tagger import Tagger
    from yamkit.types import SinkItem

__all__ = ["Choice", "Observer", "classify", "clip_items", "run_info"]

_NOWHERE_TO_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass(frozen=True)
class Choice:
    """What is reported of the scores.

    Attributes
    ----------
    top : int or None
        Most tags of a clip or patch; None for all.
    threshold : float or None
        Lowest score reported; None for any.
    per_patch : bool
        Whether patches are reported beside clips.

    Raises
    ------
    ParameterError
        If a number is out of its range.
    """

    top: int | None = 5
    threshold: float | None = None
    per_patch: bool = False

    def __post_init__(self) -> None:
        if self.top is not None and self.top < 1:
            raise ParameterError(f"top {self.top}: wanted 1 or more")
        if self.threshold is not None and not math.isfinite(self.threshold):
            raise ParameterError(f"threshold {self.threshold}: wanted a finite number")


class Observer(Protocol):
    """Told of what happens while a run goes on."""

    def finished(self, path: str, item: ClipEnd | ClipFailure) -> None:
        """Learn how a clip ended."""

    def writing(self) -> AbstractContextManager[None]:
        """Surround the writing of results."""


def run_info(tagger: Tagger, choice: Choice) -> RunInfo:
    """Describe a run to its sinks."""
    model = tagger.model
    return RunInfo(
        yamkit=__version__,
        model=RunModel(model.name, model.version, model.sha256, model.source, len(model.classes)),
        backend=tagger.backend,
        frontend=tagger.frontend,
        resampler=tagger.resampler,
        parameters=Parameters(tagger.aggregate, tagger.hop_seconds, choice.threshold, choice.top),
        per_patch=choice.per_patch,
    )


def classify(
    tagger: Tagger,
    found: Iterable[Found | NotFound],
    outputs: Outputs,
    choice: Choice,
    observer: Observer,
    *,
    jobs: int = 1,
) -> int:
    """Tag clips, and give the results to the outputs in the order of the clips.

    Parameters
    ----------
    tagger : Tagger
    found : iterable of Found or NotFound
    outputs : Outputs
    choice : Choice
    observer : Observer
    jobs : int
        Threads.

    Returns
    -------
    int
        How many failed.

    Raises
    ------
    OutputError
        If results cannot be written: at once where all clips share an output or nothing more can
        be written at all; else the clip fails alone. Other outputs are finished.
    KeyboardInterrupt
        At an interruption: the outputs hold every clip that was finished.
    """
    failures = 0
    lost = None  # the clip whose own outputs could not be written
    clips = (_clip(each) for each in found)
    with Interruptions() as interruptions:
        try:
            outputs.open(run_info(tagger, choice))
            with contextlib.closing(clip_items(tagger, clips, choice, jobs)) as items:
                for clip, item in items:
                    interruptions.check()
                    if clip is lost:
                        continue
                    try:
                        with interruptions.held(), observer.writing():
                            outputs.write(item)
                    except OutputError as error:
                        if not outputs.per_clip or error.errno in _NOWHERE_TO_WRITE:
                            raise
                        outputs.finish_early()
                        item, lost = _failure(clip, error), clip
                    if isinstance(item, (ClipEnd, ClipFailure)):
                        failures += isinstance(item, ClipFailure)
                        observer.finished(display_path(clip.path), item)
            with interruptions.held():
                outputs.close()
        except BaseException:
            with interruptions.held():
                outputs.finish_early()
            raise
    return failures


def _clip(found: Found | NotFound) -> Clip:
    return Clip(found.path, error=found.error if isinstance(found, NotFound) else None)


def clip_items(
    tagger: Tagger, clips: Iterable[Clip], choice: Choice, jobs: int
) -> Generator[tuple[Clip, SinkItem], None, None]:
    """Tag clips piece by piece; see `yamkit.clips.tag_clips`.

    Yields
    ------
    clip : Clip
    item : ClipStart, PatchTags, ClipEnd or ClipFailure
        In the order that `yamkit.types.SinkItem` gives. Whatever goes wrong with a clip is its
        `ClipFailure`; nothing but an interruption is raised.
    """
    classes = tagger.classes
    scores: ClipScores | None = None
    with contextlib.closing(tag_clips(tagger.pipeline, clips, jobs=jobs)) as events:
        for clip, event in events:
            if isinstance(event, Failed):
                scores = None
                yield clip, _failure(clip, event.error)
                continue
            assert clip.audio is not None
            duration = clip.audio.samples / clip.audio.sample_rate
            if scores is None:
                scores = ClipScores(tagger.aggregate, len(classes))
                start = ClipStart(path_text(clip.path), clip.audio.sample_rate, clip.audio.channels)
                yield clip, start
            if isinstance(event, Ended):
                tags = top_tags(scores.result(), classes, choice.top, choice.threshold)
                yield clip, ClipEnd(duration, scores.patches, tags, clip.audio.warnings)
                scores = None
                continue
            scores.update(event.scores)
            if choice.per_patch:
                times = tagger.patch_times(event.start_samples, duration)
                for (begin, end), row in zip(times.tolist(), event.scores, strict=True):
                    tags = top_tags(row, classes, choice.top, choice.threshold)
                    yield clip, PatchTags(begin, end, tags)


def _failure(clip: Clip, error: Exception) -> ClipFailure:
    message = str(error)
    if not isinstance(error, YamkitError):  # a night's run goes on, whatever one file provokes
        message = " ".join(f"{display_path(clip.path)}: {message}".split())
    return ClipFailure(path_text(clip.path), type(error).__name__, message)
