"""A run over many clips: each is tagged by itself, and a failure stays where it happened.

Composes `Tagger` and `Outputs`; what a person sees meanwhile is the caller's `Observer`.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from yamkit import __version__
from yamkit.aggregate import ClipScores, top_tags
from yamkit.audio import NotFound, display_path, open_audio
from yamkit.errors import ParameterError, YamkitError
from yamkit.types import ClipEnd, ClipFailure, ClipStart, Parameters, PatchTags, RunInfo, RunModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from types import FrameType

    from yamkit.audio import Found
    from yamkit.output import Outputs
    from yamkit.tagger import Tagger
    from yamkit.types import SinkItem

__all__ = ["Choice", "Observer", "classify", "clip_items", "run_info"]


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
            yield ClipStart(_text(path), audio.sample_rate, audio.channels)
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
        yield ClipFailure(_text(path), type(error).__name__, str(error))
    except Exception as error:  # a night's run goes on, whatever one file provokes
        message = " ".join(f"{display_path(path)}: {error}".split())
        yield ClipFailure(_text(path), type(error).__name__, message)


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
        If a result cannot be written; outputs of other places are finished.
    KeyboardInterrupt
        At an interruption (SIGINT, SIGTERM): the outputs hold every clip that was finished.
    """
    failures = 0
    outputs.open(run_info(tagger, choice))
    try:
        with _Interruptions() as interruptions:
            for clip in clips:
                for item in _items(tagger, clip, choice):
                    with interruptions.held(), observer.writing():
                        outputs.write(item)
                    if isinstance(item, (ClipEnd, ClipFailure)):
                        failures += isinstance(item, ClipFailure)
                        observer.finished(display_path(clip.path), item)
    except BaseException:
        outputs.finish_early()
        raise
    outputs.close()
    return failures


def _items(tagger: Tagger, clip: Found | NotFound, choice: Choice) -> Iterator[SinkItem]:
    if isinstance(clip, NotFound):
        yield ClipFailure(_text(clip.path), type(clip.error).__name__, str(clip.error))
    else:
        yield from clip_items(tagger, clip.path, choice)


def _text(path: str) -> str:
    """Give a path as valid Unicode, otherwise as it is: programs will read it."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


class _Interruptions:
    """SIGINT and SIGTERM become `KeyboardInterrupt`, but never in the middle of a write.

    A second signal during one write interrupts at once: the write may be what hangs.
    """

    def __init__(self) -> None:
        self._holding = False
        self._pending = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> _Interruptions:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *exc_info: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Put an interruption off until the end of the block."""
        self._holding = True
        try:
            yield
        finally:
            self._holding = False
        if self._pending:
            raise KeyboardInterrupt

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self._holding and not self._pending:
            self._pending = True
        else:
            raise KeyboardInterrupt
