"""A labelled set and a tagger: score its clips, evaluate them, and say what was covered."""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from yamkit._util.replace import refuse_link
from yamkit._util.text import path_text, printable
from yamkit.errors import LabelError, OutputError, ParameterError
from yamkit.evaluation._evaluate import evaluate
from yamkit.evaluation._events import evaluate_events
from yamkit.evaluation._past_end import find_past_end, refuse_misplaced
from yamkit.evaluation.labels import LabelledSet, find_files, read_set
from yamkit.evaluation.scoring import Scores, Timeline, system_of
from yamkit.evaluation.targets import read_label_map, targets_of
from yamkit.plugin import RunnerOptions
from yamkit.run.checks import ItemLayout
from yamkit.run.clips import Clip
from yamkit.run.info import fingerprint, run_info
from yamkit.run.journal import Journal, NoJournal
from yamkit.run.loop import checked_items, noting
from yamkit.run.work import Work, open_runner
from yamkit.scores.aggregate import ClipScores
from yamkit.scores.choice import Choice
from yamkit.scores.postprocessing import Postprocessing
from yamkit.types import ClipEnd, ClipFailure, ClipStart, EventParameters, PatchTags

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from yamkit.evaluation._evaluate import Report
    from yamkit.evaluation._events import EventReport
    from yamkit.evaluation._past_end import PastEnd
    from yamkit.evaluation.targets import LabelMap, Targets, UnmappedLabel
    from yamkit.plugin import Runner
    from yamkit.scores.grid import Grid
    from yamkit.tagger import Tagger
    from yamkit.types import LabelledClip, SinkItem, TagClass

    Finished = Callable[[ClipEnd | ClipFailure, bool], object]

__all__ = [
    "Coverage",
    "SetReport",
    "check_complete",
    "clip_key",
    "common_targets",
    "evaluate_scores",
    "evaluate_set",
    "past_end",
    "score_set",
]

_CHOICE = Choice(top=1, arrays=("scores",), dtype="float32")
_STRONG_CHOICE = Choice(top=1, per_patch=True, arrays=("scores",), dtype="float32")


@dataclass(frozen=True)
class Coverage:
    """What of a set the figures stand for.

    Attributes
    ----------
    listed, scored : int
        Clips on the list, and those whose scores the figures are of: with several systems, those
        that each of them has.
    missing : tuple of str
        Clips without a file.
    failed : mapping of str to str
        Clips that cannot be scored, with the reason.
    pending : tuple of str
        Clips that were not scored yet, as an interrupted run leaves them.
    unmapped : tuple of UnmappedLabel
        Labels that mean nothing to the model or the map.
    renamed : mapping of str to str
        By clip, the name of its file where that differs from the list's in folders, case, Unicode
        form or slashes; empty where scores were read from a file.
    ambiguous : mapping of str to tuple of str
        By clip that is missing, the files that its name may mean in that way.
    warned : mapping of str to tuple of str
        Scored clips whose files have warnings, such as a missing end, with these.
    """

    listed: int
    scored: int
    missing: tuple[str, ...]
    failed: Mapping[str, str]
    pending: tuple[str, ...]
    unmapped: tuple[UnmappedLabel, ...]
    renamed: Mapping[str, str] = field(default_factory=dict)
    ambiguous: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    warned: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def found(self) -> int:
        """Clips that have a file."""
        return self.listed - len(self.missing)


@dataclass(frozen=True)
class SetReport:
    """A report on a labelled set.

    Attributes
    ----------
    labels : str
        The list.
    layout : str
    system : mapping of str to str
        Model and parameters behind the scores.
    coverage : Coverage
    report : Report
    keys : tuple of str
        The clips, in the order of `truth` and `scores`.
    truth : ndarray, bool [N, K]
    scores : ndarray, float32 [N, K]
    events : EventReport or None
        Where the labels are strong.
    """

    labels: str
    layout: str
    system: Mapping[str, str]
    coverage: Coverage
    report: Report
    keys: tuple[str, ...]
    truth: Any
    scores: Any
    events: EventReport | None = None


def clip_key(clip: LabelledClip) -> str:
    """Name a clip in a scores file: its first name, and the part of it that is labelled."""
    if clip.start_seconds is None:
        return clip.names[0]
    return f"{clip.names[0]} {clip.start_seconds:g}-{clip.end_seconds:g}"


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
    """Score the clips of a set, but for those that the scores file's journal has.

    Parameters
    ----------
    labelled : LabelledSet
    folder : path-like
        Of the audio.
    tagger : Tagger
    scores_file : Path, optional
        Is written at the end, an interruption included. Beside it is a journal of the clips that
        were scored: they are not scored again while their files are the same.
    strict : bool
        Begin only if no file is missing, and give clips whose files have warnings as failures: see
        `Scores.strict`. The scores file has their scores all the same.
    jobs : int
        Clips at a time; give the tagger one thread then.
    runner : Runner, optional
        Where clips are scored, rather than in `jobs` threads of this process.
    progress : callable, optional
        Receives the clips that have a file. What it gives is called as each of them is done, in
        their order: with its end or failure, and whether that is new rather than in the journal.

    Raises
    ------
    ParameterError
        If the journal is of another model or other parameters.
    LabelError
        If, with `strict`, a file is missing.
    OutputError
        If scores or journal cannot be written.
    """
    scores = Scores(system_of(tagger), tagger.classes)
    if labelled.is_strong:
        scores.grid = tagger.grid
    matches = find_files(labelled, folder)
    files = matches.files
    all_keys = [clip_key(clip) for clip in labelled.clips]
    scores.renamed = {all_keys[number]: name for number, name in matches.renamed.items()}
    scores.ambiguous = {all_keys[number]: names for number, names in matches.ambiguous.items()}
    parts = []
    for clip, file in zip(labelled.clips, files, strict=True):
        key = clip_key(clip)
        if file is None:
            scores.missing.add(key)
        else:
            # a file may be called -, which alone stands for standard input
            path = str(file) if str(file) != "-" else f".{os.sep}-"
            parts.append(Clip(path, clip.start_seconds, clip.end_seconds, key=key))
    if strict and len(parts) < len(files):
        first = next(clip for clip, file in zip(labelled.clips, files, strict=True) if not file)
        raise LabelError(
            f"{printable(folder)}: {len(files) - len(parts)} of the {len(files)} files of "
            f"{printable(labelled.path)} are missing, such as {printable(first.names[0])}; "
            "without --strict they are counted and left out"
        )
    if scores_file is not None:
        _check_place(scores_file)
    done = 0
    finished = None if progress is None else progress(parts)

    def noted() -> str:
        goes_on = "; the same command continues" if scores_file is not None else ""
        return f"{done} of {len(parts)} files scored{goes_on}"

    try:
        take = _take_timeline(scores, tagger) if labelled.is_strong else _take_clip(scores)
        choice = _STRONG_CHOICE if labelled.is_strong else _CHOICE
        with noting(noted, parts):
            for part, item, is_new in _items(tagger, parts, scores_file, runner, jobs, choice):
                take(part, item)
                if isinstance(item, ClipFailure):
                    scores.failures[part.key] = item.message
                elif not isinstance(item, ClipEnd):
                    continue
                elif item.warnings:
                    scores.warnings[part.key] = item.warnings
                done += 1
                if finished is not None:
                    finished(item, is_new)
    finally:
        _save(scores, scores_file)
    return scores.strict() if strict else scores


def _check_place(path: Path) -> None:
    """Refuse what the scores could not be written to in the end."""
    try:
        refuse_link(path)
    except OSError as error:
        raise OutputError(f"{printable(path)}: {error.strerror}") from None
    if path.is_dir():
        raise OutputError(f"{printable(path)}: {os.strerror(errno.EISDIR)}")


def _take_clip(scores: Scores) -> Callable[[Clip, SinkItem | None], None]:
    """Make what takes the scores of clips."""

    def take(part: Clip, item: SinkItem | None) -> None:
        if isinstance(item, ClipEnd):
            assert item.scores is not None
            scores.rows[part.key] = item.scores.astype(np.float32, copy=False)

    return take


def _take_timeline(scores: Scores, tagger: Tagger) -> Callable[[Clip, SinkItem | None], None]:
    """Make what takes the scores of patches, and sums them up at the end of a clip."""
    patches: list[NDArray[np.float32]] = []
    sample_rate = 1

    def take(part: Clip, item: SinkItem | None) -> None:
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
                tagger.aggregate, len(tagger.classes), tagger.model.silence_index
            )
            clip_scores.update(timeline)
            scores.rows[part.key] = clip_scores.result()
            samples = _samples(tagger.grid, part, item.duration_seconds, sample_rate)
            # of a part of a file, all that was read up to its end was counted
            most = (len(timeline) - 1) * tagger.grid.hop_samples + tagger.grid.window_samples
            scores.timelines[part.key] = Timeline(timeline, min(samples, most))

    return take


def _samples(grid: Grid, part: Clip, duration_seconds: float, sample_rate: int) -> int:
    """Count the samples of a part at the model's rate, at least one."""
    samples = grid.samples_of(round(duration_seconds * sample_rate), sample_rate)
    if part.start_seconds is not None and part.end_seconds is not None:
        length = round((part.end_seconds - part.start_seconds) * grid.sample_rate_hz)
        samples = min(samples, length)
    return max(samples, 1)


def _items(
    tagger: Tagger,
    parts: Sequence[Clip],
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
        journal = Journal(path, fingerprint(run), layout, resume=True, retry_failed=True)
    with contextlib.ExitStack() as stack:
        stack.enter_context(journal)
        if runner is None:
            local = open_runner("local", RunnerOptions(jobs))
            runner = stack.enter_context(contextlib.closing(local))
        items = checked_items(runner, work, parts, layout, journal)
        for part, item, is_new in stack.enter_context(contextlib.closing(items)):
            if is_new and item is not None:
                journal.record(part, item)
            yield part, item, is_new
        journal.finish()


def _save(scores: Scores, path: Path | None) -> None:
    if path is None:
        return
    try:
        scores.write(path)
    except OSError as error:
        raise OutputError(f"{printable(path)}: {error.strerror or 'cannot be written'}") from None


def evaluate_scores(
    labelled: LabelledSet,
    systems: Sequence[Scores],
    *,
    label_map: LabelMap | None = None,
    classes: str | Sequence[str] = (),
    postprocessing: Postprocessing | None = None,
    events: EventParameters | None = None,
    **options: Any,
) -> list[SetReport]:
    """Evaluate the scores of one system or several, on the clips that all of them have.

    Parameters
    ----------
    labelled : LabelledSet
    systems : sequence of Scores
    label_map : LabelMap, optional
        None: the one that comes with yamkit for the layout, if any; else labels name classes.
    classes : str, or sequence of str
        Columns to evaluate alone; all if empty.
    postprocessing : Postprocessing, optional
        How scores are read, in every system.
    events : EventParameters, optional
        What an event is, for strong labels.
    **options
        Of `yamkit.evaluation.evaluate`.

    Raises
    ------
    LabelError, ParameterError
        If no clip has scores, no label means anything, scores of strong labels have no patches, or
        many of their events lie past the end of their clips.
    """
    postprocessing = postprocessing or Postprocessing()
    all_targets = common_targets(
        labelled, [scores.classes for scores in systems], label_map=label_map, classes=classes
    )
    clips = [
        clip for clip in labelled.clips if all(clip_key(clip) in scores.rows for scores in systems)
    ]
    if not clips:
        raise LabelError(
            f"{printable(labelled.path)}: no clip of it has scores{_why_none(labelled, systems)}"
        )
    keys = tuple(clip_key(clip) for clip in clips)
    if labelled.is_strong:
        for scores in systems:
            refuse_misplaced(labelled.path, clips, scores.seconds(keys))
    coverage = _coverage(labelled, systems, all_targets[0], len(clips))
    reports = []
    for scores, targets in zip(systems, all_targets, strict=True):
        truth = targets.truth(clips)
        given = targets.scores(postprocessing.apply(scores.array(keys)))
        reports.append(
            SetReport(
                labels=path_text(labelled.path),
                layout=labelled.layout,
                system={**scores.fingerprint, "score_kind": postprocessing.score_kind},
                coverage=coverage,
                report=evaluate(truth, given, targets.names, **options),
                keys=keys,
                truth=truth,
                scores=given,
                events=_event_report(labelled, clips, scores, targets, postprocessing, events),
            )
        )
    return reports


def _event_report(
    labelled: LabelledSet,
    clips: Sequence[LabelledClip],
    scores: Scores,
    targets: Targets,
    postprocessing: Postprocessing,
    parameters: EventParameters | None,
) -> EventReport | None:
    if scores.grid is None or not labelled.is_strong:
        return None
    timelines = [scores.timelines[clip_key(clip)] for clip in clips]
    wanted = parameters or EventParameters()
    return evaluate_events(
        clips, timelines, targets, scores.grid, wanted, postprocessing, scores.classes
    )


def past_end(labelled: LabelledSet, scores: Scores) -> tuple[PastEnd, ...]:
    """Find events of a list that end after their clips, of those clips that have scores.

    Raises
    ------
    LabelError
        If the list says when labels sound, and the scores are of clips alone.
    """
    if not labelled.is_strong:
        return ()
    clips = [clip for clip in labelled.clips if clip_key(clip) in scores.rows]
    return find_past_end(clips, scores.seconds([clip_key(clip) for clip in clips]))


def common_targets(
    labelled: LabelledSet,
    class_maps: Sequence[Sequence[TagClass]],
    *,
    label_map: LabelMap | None = None,
    classes: str | Sequence[str] = (),
) -> list[Targets]:
    """Find the columns of a set for each of several models, which must be the same.

    Parameters
    ----------
    labelled : LabelledSet
    class_maps : sequence of sequence of TagClass
        Of each model.
    label_map, classes
        As in `evaluate_scores`.

    Raises
    ------
    LabelError, ParameterError
        If no label means anything, a class is not there, or the models' columns differ.
    """
    found = [targets_of(labelled, class_map, label_map) for class_map in class_maps]
    if classes:
        found = [targets.restrict(classes) for targets in found]
    if len({targets.names for targets in found}) > 1:
        raise ParameterError(
            "the models have other classes; compare them with a --label-map, or on --classes that "
            "both have"
        )
    return found


def _coverage(
    labelled: LabelledSet, systems: Sequence[Scores], targets: Targets, count: int
) -> Coverage:
    keys = [clip_key(clip) for clip in labelled.clips]
    failures = {key: why for scores in systems for key, why in scores.failures.items()}
    missing = {key for scores in systems for key in scores.missing}
    scored = {key for key in keys if all(key in scores.rows for scores in systems)}
    rest = [key for key in keys if key not in scored]
    warned = {
        key: tuple(dict.fromkeys(text for each in systems for text in each.warnings.get(key, ())))
        for key in keys
        if key in scored
    }
    return Coverage(
        listed=len(keys),
        scored=count,
        missing=tuple(key for key in rest if key in missing and key not in failures),
        failed={key: failures[key] for key in rest if key in failures},
        pending=tuple(key for key in rest if key not in missing and key not in failures),
        unmapped=targets.unmapped,
        renamed=systems[0].renamed,
        ambiguous=systems[0].ambiguous,
        warned={key: warnings for key, warnings in warned.items() if warnings},
    )


def check_complete(labelled: LabelledSet, scores: Scores) -> None:
    """Refuse scores that lack a clip of the set.

    Raises
    ------
    LabelError
        With the number of clips that have none, and a reason.
    """
    keys = [clip_key(clip) for clip in labelled.clips]
    left = sum(key not in scores.rows for key in keys)
    if left:
        raise LabelError(
            f"{printable(labelled.path)}: {left} of {len(keys)} clips have no scores"
            f"{_why_none(labelled, [scores])}; without --strict they are left out"
        )


def _why_none(labelled: LabelledSet, systems: Sequence[Scores]) -> str:
    """Give a failure as an example of why, if there is one."""
    for key in (clip_key(clip) for clip in labelled.clips):
        for scores in systems:
            if key in scores.failures:
                return f"; {printable(key)}: {printable(scores.failures[key])}"
    return ""


def evaluate_set(
    labels: LabelledSet | str | os.PathLike[str],
    audio: str | os.PathLike[str],
    tagger: Tagger,
    *,
    layout: str | None = None,
    label_map: str | os.PathLike[str] | None = None,
    classes: str | Sequence[str] = (),
    scores_file: str | os.PathLike[str] | None = None,
    postprocessing: Postprocessing | None = None,
    events: EventParameters | None = None,
    **options: Any,
) -> SetReport:
    """Score a labelled set with a tagger, and evaluate it.

    Parameters
    ----------
    labels : path-like or LabelledSet
        The list, or a folder with a folder a class; or what `read_set` gave, or a selection of it.
    audio : path-like
        Folder of the files.
    tagger : Tagger
    layout : str, optional
        Name of a label reader; None: the one that recognises the list.
    label_map : path-like, optional
        CSV file ``category,mid`` or ``category,name``; None: see `evaluate_scores`.
    classes : str, or sequence of str
        Columns to evaluate alone; all if empty.
    scores_file : path-like, optional
        See `score_set`.
    postprocessing, events
        See `evaluate_scores`.
    **options
        Of `yamkit.evaluation.evaluate`.

    Returns
    -------
    SetReport

    Raises
    ------
    LabelError, ParameterError, OutputError
        As `read_set`, `score_set` and `evaluate_scores` do.
    """
    labelled = labels if isinstance(labels, LabelledSet) else read_set(labels, layout)
    meaning = None if label_map is None else read_label_map(label_map)
    common_targets(labelled, [tagger.classes], label_map=meaning, classes=classes)
    place = None if scores_file is None else Path(scores_file)
    scores = score_set(labelled, audio, tagger, place)
    return evaluate_scores(
        labelled,
        [scores],
        label_map=meaning,
        classes=classes,
        postprocessing=postprocessing,
        events=events,
        **options,
    )[0]
