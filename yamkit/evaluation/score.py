"""Scoring the clips of a labelled set with a tagger, resumably."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING

import numpy as np

from yamkit._util.replace import refuse_link
from yamkit._util.text import printable
from yamkit.errors import LabelError, OutputError
from yamkit.evaluation.scores_file import Scores, Timeline
from yamkit.evaluation.sets.files import find_files
from yamkit.evaluation.sets.labelled_set import clip_key
from yamkit.evaluation.systems import system_of
from yamkit.plugin import RunnerOptions
from yamkit.run.checks import ItemLayout
from yamkit.run.clips import Clip
from yamkit.run.info import fingerprint, run_info
from yamkit.run.journal import Journal, NoJournal
from yamkit.run.loop import checked_items, noting
from yamkit.run.work import Work, open_runner
from yamkit.scores.aggregate import ClipScores
from yamkit.scores.choice import Choice
from yamkit.types import ClipEnd, ClipFailure, ClipStart, PatchTags

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from yamkit.evaluation.sets.labelled_set import LabelledSet
    from yamkit.plugin import Runner
    from yamkit.scores.grid import Grid
    from yamkit.tagger import Tagger
    from yamkit.types import SinkItem

    Collect = Callable[[Clip, SinkItem | None], None]
    Finished = Callable[[ClipEnd | ClipFailure, bool], object]

__all__ = ["score_set"]

_CHOICE = Choice(top=1, arrays=("scores",), dtype="float32")
_STRONG_CHOICE = Choice(top=1, per_patch=True, arrays=("scores",), dtype="float32")


def score_set(
    labelled: LabelledSet,
    folder: str | os.PathLike[str],
    tagger: Tagger,
    scores_file: Path | None = None,
    *,
    strict: bool = False,
    jobs: int = 1,
    runner: Runner | None = None,
    progress: Callable[[Sequence[Clip]], Finished] | None = None,
) -> Scores:
    """Score the clips of a set, except those already in the journal of the scores file.

    Parameters
    ----------
    labelled : LabelledSet
    folder : path-like
        Folder of the audio files.
    tagger : Tagger
    scores_file : Path, optional
        Written at the end, also after an interruption. A journal next to it records the clips
        that were scored: they are not scored again while their files are unchanged.
    strict : bool
        Start only if no file is missing, and return clips whose files have warnings as failures:
        see `Scores.strict`. The scores file has their scores nonetheless.
    jobs : int
        Clips at a time; give the tagger one thread then.
    runner : Runner, optional
        Where clips are scored, instead of in `jobs` threads of this process.
    progress : callable, optional
        Called once with the clips that have a file. The callable that it returns is called after
        each clip, in their order, with its end or failure and whether it is new, that is, not from
        the journal.

    Raises
    ------
    ParameterError
        If the journal belongs to another model or other parameters.
    LabelError
        If, with `strict`, a file is missing.
    OutputError
        If the scores or the journal cannot be written.
    """
    grid = tagger.grid if labelled.is_strong else None
    scores = Scores(system_of(tagger), tagger.classes, grid=grid)
    clips, missing = _find_clips(labelled, folder, scores)
    if strict and missing:
        raise LabelError(
            f"{printable(folder)}: {len(missing)} of the {len(labelled.clips)} files of "
            f"{printable(labelled.path)} are missing, such as {printable(missing[0])}; without "
            "--strict they are counted and left out"
        )
    if scores_file is not None:
        _check_writable(scores_file)
    finished = None if progress is None else progress(clips)
    done = 0

    def summary() -> str:
        resumable = "; the same command continues" if scores_file is not None else ""
        return f"{done} of {len(clips)} files scored{resumable}"

    try:
        collect = _timeline_collector(scores, tagger) if labelled.is_strong else _collector(scores)
        choice = _STRONG_CHOICE if labelled.is_strong else _CHOICE
        with noting(summary, clips):
            for clip, item, is_new in _items(tagger, clips, scores_file, runner, jobs, choice):
                collect(clip, item)
                if isinstance(item, ClipFailure):
                    scores.failures[clip.key] = item.message
                elif not isinstance(item, ClipEnd):
                    continue
                elif item.warnings:
                    scores.warnings[clip.key] = item.warnings
                done += 1
                if finished is not None:
                    finished(item, is_new)
    finally:
        _save(scores, scores_file)
    return scores.strict() if strict else scores


def _find_clips(
    labelled: LabelledSet, folder: str | os.PathLike[str], scores: Scores
) -> tuple[list[Clip], list[str]]:
    """Return the clips that have a file, and the names of the others; note both in `scores`."""
    matches = find_files(labelled, folder)
    keys = [clip_key(clip) for clip in labelled.clips]
    scores.renamed = {keys[number]: name for number, name in matches.renamed.items()}
    scores.ambiguous = {keys[number]: names for number, names in matches.ambiguous.items()}
    clips, missing = [], []
    for clip, key, file in zip(labelled.clips, keys, matches.files, strict=True):
        if file is None:
            scores.missing.add(key)
            missing.append(clip.names[0])
        else:
            # a file may be named "-", which by itself means standard input
            path = str(file) if str(file) != "-" else f".{os.sep}-"
            clips.append(Clip(path, clip.start_seconds, clip.end_seconds, key=key))
    return clips, missing


def _check_writable(path: Path) -> None:
    """Refuse a scores file that could not be written at the end."""
    try:
        refuse_link(path)
    except OSError as error:
        raise OutputError(f"{printable(path)}: {error.strerror}") from None
    if path.is_dir():
        raise OutputError(f"{printable(path)}: {os.strerror(errno.EISDIR)}")


def _collector(scores: Scores) -> Collect:
    """Return a function that adds clip scores to `scores`."""

    def collect(clip: Clip, item: SinkItem | None) -> None:
        if isinstance(item, ClipEnd):
            assert item.scores is not None
            scores.rows[clip.key] = item.scores.astype(np.float32, copy=False)

    return collect


def _timeline_collector(scores: Scores, tagger: Tagger) -> Collect:
    """Return a function that adds patch scores, and clip scores computed from them."""
    patches: list[NDArray[np.float32]] = []
    sample_rate = 1

    def collect(clip: Clip, item: SinkItem | None) -> None:
        nonlocal sample_rate
        if isinstance(item, ClipStart):
            sample_rate = item.sample_rate
            patches.clear()
        elif isinstance(item, PatchTags):
            assert item.scores is not None
            patches.append(item.scores.astype(np.float32, copy=False))
        elif isinstance(item, ClipEnd):
            timeline = np.stack(patches)
            clip_scores = ClipScores(
                tagger.options.aggregate, len(tagger.classes), tagger.model.silence_index
            )
            clip_scores.update(timeline)
            scores.rows[clip.key] = clip_scores.result()
            samples = _count_samples(tagger.grid, clip, item.duration_seconds, sample_rate)
            # for a part of a file, everything that was read up to its end was counted
            covered = (len(timeline) - 1) * tagger.grid.hop_samples + tagger.grid.window_samples
            scores.timelines[clip.key] = Timeline(timeline, min(samples, covered))

    return collect


def _count_samples(grid: Grid, clip: Clip, duration_seconds: float, sample_rate: int) -> int:
    """Return the length of a clip in samples at the model's rate, at least one."""
    samples = grid.samples_of(round(duration_seconds * sample_rate), sample_rate)
    if clip.start_seconds is not None and clip.end_seconds is not None:
        length = round((clip.end_seconds - clip.start_seconds) * grid.sample_rate_hz)
        samples = min(samples, length)
    return max(samples, 1)


def _items(
    tagger: Tagger,
    clips: Sequence[Clip],
    scores_file: Path | None,
    runner: Runner | None,
    jobs: int,
    choice: Choice,
) -> Iterator[tuple[Clip, SinkItem | None, bool]]:
    """Yield the items of clips: those in the journal, and new ones, which are recorded in it."""
    work, run = Work(tagger, choice), run_info(tagger, choice)
    layout = ItemLayout.of(run, tagger.classes, choice.dtype)
    journal: NoJournal = NoJournal()
    if scores_file is not None:
        path = scores_file.with_name(f"{scores_file.name}.journal")
        found = {name: fingerprint(run)[name] for name in ("yamkit", "provider", "per_patch")}
        parameters = {"yamkit": found.pop("yamkit"), **system_of(tagger), **found}
        journal = Journal(path, parameters, layout, resume=True, retry_failed=True)
    with contextlib.ExitStack() as stack:
        stack.enter_context(journal)
        if runner is None:
            local = open_runner("local", RunnerOptions(jobs))
            runner = stack.enter_context(contextlib.closing(local))
        items = checked_items(runner, work, clips, layout, journal)
        for clip, item, is_new in stack.enter_context(contextlib.closing(items)):
            if is_new and item is not None:
                journal.record(clip, item)
            yield clip, item, is_new
        journal.finish()


def _save(scores: Scores, path: Path | None) -> None:
    if path is None:
        return
    try:
        scores.write(path)
    except OSError as error:
        raise OutputError(f"{printable(path)}: {error.strerror or 'cannot be written'}") from None
