"""A run over many clips: each is tagged by itself, and a failure stays where it happened.

Composes `Tagger` and `Outputs`; what a person sees meanwhile is the caller's `Observer`.
"""

from __future__ import annotations

import errno
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from yamkit import __version__
from yamkit._signals import Interruptions
from yamkit.aggregate import ClipScores, top_tags
from yamkit.audio import NotFound, display_path, open_audio
from yamkit.errors import OutputError, ParameterError, YamkitError
from yamkit.output import path_text
from yamkit.types import ClipEnd, ClipFailure, ClipStart, Parameters, PatchTags, RunInfo, RunModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
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


def clip_items(tagger: Tagger, path: str, choice: Choice) -> Iterator[SinkItem]:
    """Tag one clip piece by piece; memory does not grow with its length.

    Parameters
    ----------
    tagger : Tagger
    path : str
        Of the clip; ``-`` for standard input.
    choice : Choice

    Yields
    ------
    ClipStart, PatchTags, ClipEnd or ClipFailure
        In the order that `yamkit.types.SinkItem` gives. Whatever goes wrong with the clip is the
        `ClipFailure`; nothing but an interruption is raised.
    """
    try:
        with open_audio(path) as audio:
            yield ClipStart(path_text(path), audio.sample_rate, audio.channels)
            clip_scores = ClipScores(tagger.aggregate, len(tagger.classes))
            for batch in tagger.stream(audio.blocks(), audio.sample_rate):
                clip_scores.update(batch.scores)
                if not choice.per_patch:
                    continue
                times = tagger.patch_times(batch.start_samples, audio.samples / audio.sample_rate)
                for (start, end), row in zip(times.tolist(), batch.scores, strict=True):
                    tags = top_tags(row, tagger.classes, choice.top, choice.threshold)
                    yield PatchTags(start, end, tags)
            tags = top_tags(clip_scores.result(), tagger.classes, choice.top, choice.threshold)
            duration = audio.samples / audio.sample_rate
            yield ClipEnd(duration, clip_scores.patches, tags, audio.warnings)
    except YamkitError as error:
        yield ClipFailure(path_text(path), type(error).__name__, str(error))
    except Exception as error:  # a night's run goes on, whatever one file provokes
        message = " ".join(f"{display_path(path)}: {error}".split())
        yield ClipFailure(path_text(path), type(error).__name__, message)


def classify(
    tagger: Tagger,
    clips: Sequence[Found | NotFound],
    outputs: Outputs,
    choice: Choice,
    observer: Observer,
) -> int:
    """Tag clips one after the other.

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
    with Interruptions() as interruptions:
        try:
            outputs.open(run_info(tagger, choice))
            for clip in clips:
                interruptions.check()
                end = _classify_one(tagger, clip, outputs, choice, observer, interruptions)
                failures += isinstance(end, ClipFailure)
                observer.finished(display_path(clip.path), end)
            with interruptions.held():
                outputs.close()
        except BaseException:
            with interruptions.held():
                outputs.finish_early()
            raise
    return failures


def _classify_one(
    tagger: Tagger,
    clip: Found | NotFound,
    outputs: Outputs,
    choice: Choice,
    observer: Observer,
    interruptions: Interruptions,
) -> ClipEnd | ClipFailure:
    item: SinkItem | None = None
    try:
        for item in _items(tagger, clip, choice):
            with interruptions.held(), observer.writing():
                outputs.write(item)
    except OutputError as error:
        if not outputs.per_clip or error.errno in _NOWHERE_TO_WRITE:
            raise
        outputs.finish_early()
        return ClipFailure(path_text(clip.path), type(error).__name__, str(error))
    assert isinstance(item, (ClipEnd, ClipFailure))
    return item


def _items(tagger: Tagger, clip: Found | NotFound, choice: Choice) -> Iterator[SinkItem]:
    if isinstance(clip, NotFound):
        yield ClipFailure(path_text(clip.path), type(clip.error).__name__, str(clip.error))
    else:
        yield from clip_items(tagger, clip.path, choice)
