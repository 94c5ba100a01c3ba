"""A run over many clips: each is tagged and written, and an error in one affects no other.

The caller's `Observer` shows the progress.
"""

from __future__ import annotations

import contextlib
import errno
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from yamkit._util.signals import Interruptions
from yamkit._util.text import path_text
from yamkit.audio import display_path
from yamkit.errors import BrokenPluginError, OutputError
from yamkit.registry import plugin_errors
from yamkit.run.checks import DAMAGE, ClipCheck
from yamkit.run.clips import Clip, clip_failure
from yamkit.types import ClipEnd, ClipFailure, ClipStart, Event, PatchTags

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from contextlib import AbstractContextManager

    from yamkit.plugin import Runner, Work
    from yamkit.run.checks import ItemLayout
    from yamkit.run.journal import NoJournal
    from yamkit.run.output import Outputs
    from yamkit.types import RunInfo, SinkItem

__all__ = ["ItemWriter", "Observer", "RunSummary", "checked_items", "noting", "writing"]

_NOWHERE_TO_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)

_Clip = TypeVar("_Clip", bound=Clip)


class Observer(Protocol):
    """Told what happens during a run."""

    def finished(self, path: str, item: ClipEnd | ClipFailure | None) -> None:
        """Take how a clip ended; None if that was in an earlier run."""

    def writing(self) -> AbstractContextManager[None]:
        """Return a context for the writing of results."""


class RunSummary(NamedTuple):
    """How the clips of a run ended.

    Attributes
    ----------
    failed, warned : int
        Clips that failed, and those that were tagged with warnings.
    tagged, results : int
        Clips that were written to the outputs, and the events, patches or tags in them.
    earlier : int
        Clips whose own outputs existed already.
    """

    failed: int
    warned: int
    tagged: int
    results: int
    earlier: int


def checked_items(
    runner: Runner,
    work: Work[_Clip],
    clips: Sequence[_Clip],
    layout: ItemLayout,
    journal: NoJournal,
) -> Generator[tuple[_Clip, SinkItem | None, bool], None, None]:
    """Let a runner tag the clips that a journal lacks; check what it yields, and add the others.

    Parameters
    ----------
    runner : Runner
    work : Work
    clips : sequence of Clip
    layout : ItemLayout
        Of the run's items.
    journal : NoJournal or Journal

    Yields
    ------
    clip : Clip
        In their order.
    item : ClipStart, PatchTags, Event, ClipEnd, ClipFailure or None
        None after the recorded items of a clip.
    is_new : bool
        Whether the item is the runner's, not the journal's.

    Raises
    ------
    BrokenPluginError
        If the runner fails with another error, yields an invalid item, or omits a clip.
    OutputError
        If the journal cannot be read.
    """
    who = f"runner {type(runner).__name__}"
    given: deque[_Clip] = deque()  # to the runner, and not yet tagged

    def noted(clip: _Clip) -> _Clip:
        given.append(clip)
        return clip

    left = map(noted, filter(journal.lacks, clips))
    check: ClipCheck | None = None
    place = 0
    with plugin_errors(who), contextlib.closing(runner.items(work, left)) as found:
        for clip, item in found:
            try:
                if not given or clip is not given[0]:
                    raise ValueError("it belongs to another clip than the next one")
                check = check or ClipCheck(path_text(clip.path), layout)
                check.add(item)
            except (*DAMAGE, AttributeError) as error:
                path = display_path(given[0].path if given else clip.path)
                raise BrokenPluginError(
                    f"{who}: invalid item for {path}: {error}: {item!r:.200}"
                ) from error
            while clips[place] is not clip:
                yield from _recorded(clips[place], journal)
                place += 1
            yield clip, item, True
            if isinstance(item, (ClipEnd, ClipFailure)):
                given.popleft()
                check = None
                place += 1
        missing = given[0] if given else next(left, None)
        if missing is not None:
            raise BrokenPluginError(f"{who}: no end for {display_path(missing.path)}")
    for clip in clips[place:]:
        yield from _recorded(clip, journal)


def _recorded(clip: _Clip, journal: NoJournal) -> Iterator[tuple[_Clip, SinkItem | None, bool]]:
    for item in journal.recorded(clip):
        yield clip, item, False
    yield clip, None, False


@contextlib.contextmanager
def writing(
    run: RunInfo,
    outputs: Outputs,
    observer: Observer,
    journal: NoJournal,
    clips: Sequence[Clip],
) -> Iterator[ItemWriter]:
    """Open the outputs of a run; close them at the end, or early after an error.

    Parameters
    ----------
    run : RunInfo
    outputs : Outputs
    observer : Observer
    journal : NoJournal or Journal
    clips : sequence of Clip

    Yields
    ------
    ItemWriter

    Raises
    ------
    OutputError, BrokenPluginError
        If results cannot be written: at once where all clips share an output or there is no room
        at all; else only the clip fails. Other outputs are finished.
    KeyboardInterrupt
        At an interruption: the outputs hold every clip that was finished.

    A note on every exception says how many clips were done.
    """
    is_open = False

    def note() -> str:
        resumes = "; --resume continues" if journal.path is not None else ""
        return f"{writer.done} of {len(clips)} files done{resumes}" if is_open else ""

    with noting(note, clips), Interruptions() as interruptions:
        writer = ItemWriter(run, outputs, observer, journal, interruptions)
        try:
            outputs.open(run)
            is_open = True
            yield writer
            with interruptions.held():
                outputs.close()
                journal.finish()
        except BaseException:
            with interruptions.held():
                outputs.finish_early()
            raise


class ItemWriter:
    """Writes the items of clips to the outputs and into the journal, and counts; see `writing`.

    Attributes
    ----------
    done : int
        Clips whose end was taken.
    """

    def __init__(
        self,
        run: RunInfo,
        outputs: Outputs,
        observer: Observer,
        journal: NoJournal,
        interruptions: Interruptions,
    ) -> None:
        self._run, self._outputs, self._observer, self._journal = run, outputs, observer, journal
        self._interruptions = interruptions
        self.done = 0
        self._failed = self._warned = self._tagged = self._results = 0
        self._pending = 0  # results of the unfinished clip
        self._lost: Clip | None = None  # its own outputs could not be written

    def summary(self) -> RunSummary:
        """Return how the clips ended, the recorded ones included."""
        earlier = self.done - self._failed - self._tagged
        return RunSummary(self._failed, self._warned, self._tagged, self._results, earlier)

    def take(self, clip: Clip, item: SinkItem | None, is_new: bool) -> None:
        """Take an item as `checked_items` yields it."""
        self._interruptions.check()
        with self._interruptions.held():  # what is written is in the journal, and counted
            if item is None:
                self.done += 1
                self._observer.finished(display_path(clip.path), None)
            elif clip is not self._lost:
                self._write(clip, item, is_new)

    def _write(self, clip: Clip, item: SinkItem, is_new: bool) -> None:
        item = self._written(clip, item)
        self._count(item, is_new)
        if not is_new:
            return
        self._journal.record(clip, item)
        if isinstance(item, (ClipEnd, ClipFailure)):
            self.done += 1
            self._observer.finished(display_path(clip.path), item)

    def _written(self, clip: Clip, item: SinkItem) -> SinkItem:
        """Write an item; return it, or a failure where the clip's own outputs cannot be written."""
        try:
            with self._observer.writing():
                self._outputs.write(item)
        except (OutputError, BrokenPluginError) as error:
            is_full = isinstance(error, OutputError) and error.errno in _NOWHERE_TO_WRITE
            if is_full or not self._outputs.places.per_clip:
                raise
            self._outputs.finish_early()
            self._lost = clip
            return clip_failure(clip.path, error)
        return item

    def _count(self, item: SinkItem, is_new: bool) -> None:
        self._failed += isinstance(item, ClipFailure)
        self._warned += isinstance(item, ClipEnd) and bool(item.warnings)
        if isinstance(item, ClipStart):
            self._pending = 0
        self._pending += _results(self._run, item)
        if isinstance(item, ClipEnd) and (is_new or not self._outputs.places.per_clip):
            self._tagged += 1
            self._results += self._pending


def _results(run: RunInfo, item: SinkItem) -> int:
    """Count what outputs hold of an item: events, patches, or else tags of clips."""
    if run.parameters.events is not None:
        return int(isinstance(item, Event))
    if run.per_patch:
        return int(isinstance(item, PatchTags))
    return len(item.tags) if isinstance(item, ClipEnd) else 0


@contextlib.contextmanager
def noting(note: Callable[[], str], clips: Sequence[Clip]) -> Iterator[None]:
    """Add a note to an exception, where a run has several clips."""
    try:
        yield
    except BaseException as error:
        if len(clips) > 1 and (text := note()):
            error.add_note(text)
        raise
