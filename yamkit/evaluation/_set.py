"""A labelled set and a tagger: score its clips, evaluate them, and say what was covered."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yamkit._text import printable
from yamkit.errors import AudioError, LabelError, OutputError, ParameterError
from yamkit.evaluation._evaluate import evaluate
from yamkit.evaluation.labels import find_files, read_set
from yamkit.evaluation.scoring import Part, Scores, clip_scores, fingerprint, read_scores
from yamkit.evaluation.targets import built_in_map, read_label_map, targets_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from yamkit.evaluation._evaluate import Report
    from yamkit.evaluation.labels import LabelledSet
    from yamkit.evaluation.targets import LabelMap, Targets
    from yamkit.tagger import Tagger
    from yamkit.types import LabelledClip

__all__ = ["Coverage", "SetReport", "clip_key", "evaluate_scores", "evaluate_set", "score_set"]

_SAVE_SECONDS = 30.0


@dataclass(frozen=True)
class Coverage:
    """What of a set the figures stand for.

    Attributes
    ----------
    listed, scored : int
        Clips on the list, and those whose scores the figures are of.
    missing : tuple of str
        Clips without a file.
    failed : mapping of str to str
        Clips that cannot be scored, with the reason.
    unmapped : mapping of str to int
        Labels that mean nothing to the model or the map, with the number of clips that have them.
    """

    listed: int
    scored: int
    missing: tuple[str, ...]
    failed: Mapping[str, str]
    unmapped: Mapping[str, int]


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
    """

    labels: str
    layout: str
    system: Mapping[str, str]
    coverage: Coverage
    report: Report
    keys: tuple[str, ...]
    truth: Any
    scores: Any


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
    progress: Callable[[int, int], object] | None = None,
) -> Scores:
    """Score the clips of a set, but for those that the scores file has.

    Parameters
    ----------
    labelled : LabelledSet
    folder : path-like
        Of the audio.
    tagger : Tagger
    scores_file : Path, optional
        Is read if it is there, and written every half minute and at the end, an interruption
        included.
    progress : callable, optional
        Receives the number of clips that are done, and of all.

    Raises
    ------
    ParameterError
        If no file is there, or the scores file is of another model or other parameters.
    LabelError
        If the scores file is none.
    OutputError
        If it cannot be written.
    """
    mark = fingerprint(tagger)
    scores = Scores(mark, tagger.classes)
    if scores_file is not None and scores_file.exists():
        scores = read_scores(scores_file)
        scores.check_same(mark, scores_file)
    files = find_files(labelled, folder)
    parts = [
        Part(clip_key(clip), file, clip.start_seconds, clip.end_seconds)
        for clip, file in zip(labelled.clips, files, strict=True)
        if file is not None
    ]
    todo = [part for part in parts if part.key not in scores.rows]
    done = len(parts) - len(todo)
    saved = time.monotonic()
    try:
        for part, found in clip_scores(tagger, todo):
            if isinstance(found, AudioError):
                scores.failures[part.key] = str(found)
            else:
                scores.rows[part.key] = found
                scores.failures.pop(part.key, None)
            done += 1
            if progress is not None:
                progress(done, len(parts))
            if time.monotonic() - saved > _SAVE_SECONDS:
                _save(scores, scores_file)
                saved = time.monotonic()
    finally:
        _save(scores, scores_file)
    return scores


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
    classes: Sequence[str] = (),
    **options: Any,
) -> list[SetReport]:
    """Evaluate the scores of one system or several, on the clips that all of them have.

    Parameters
    ----------
    labelled : LabelledSet
    systems : sequence of Scores
    label_map : LabelMap, optional
        None: the one that comes with yamkit for the layout, if any; else labels name classes.
    classes : sequence of str
        Columns to evaluate alone; all if empty.
    **options
        Of `yamkit.evaluation.evaluate`.

    Raises
    ------
    LabelError, ParameterError
        If no clip has scores, or no label means anything.
    """
    if label_map is None:
        label_map = built_in_map(labelled.layout)
    clips = [
        clip for clip in labelled.clips if all(clip_key(clip) in scores.rows for scores in systems)
    ]
    if not clips:
        raise LabelError(f"{printable(labelled.path)}: no clip of it has scores")
    keys = tuple(clip_key(clip) for clip in clips)
    reports = []
    for scores in systems:
        targets = targets_of(labelled, scores.classes, label_map)
        if classes:
            targets = targets.restrict(classes)
        truth = targets.truth(clips)
        given = targets.scores(scores.array(keys))
        reports.append(
            SetReport(
                labels=str(labelled.path),
                layout=labelled.layout,
                system=scores.fingerprint,
                coverage=_coverage(labelled, scores, targets, len(clips)),
                report=evaluate(truth, given, targets.names, **options),
                keys=keys,
                truth=truth,
                scores=given,
            )
        )
    names = {tuple(each.name for each in report.report.classes) for report in reports}
    if len(names) > 1:
        raise ParameterError("the models have other classes; compare them with a --label-map")
    return reports


def _coverage(labelled: LabelledSet, scores: Scores, targets: Targets, count: int) -> Coverage:
    keys = [clip_key(clip) for clip in labelled.clips]
    failed = {key: scores.failures[key] for key in keys if key in scores.failures}
    return Coverage(
        listed=len(keys),
        scored=count,
        missing=tuple(key for key in keys if key not in scores.rows and key not in failed),
        failed=failed,
        unmapped=targets.unmapped,
    )


def evaluate_set(
    labels: str | os.PathLike[str],
    audio: str | os.PathLike[str],
    tagger: Tagger,
    *,
    layout: str | None = None,
    label_map: str | os.PathLike[str] | None = None,
    scores_file: str | os.PathLike[str] | None = None,
    **options: Any,
) -> SetReport:
    """Score a labelled set with a tagger, and evaluate it.

    Parameters
    ----------
    labels : path-like
        The list, or a folder with a folder a class.
    audio : path-like
        Folder of the files.
    tagger : Tagger
    layout : str, optional
        Name of a label reader; None: the one that recognises the list.
    label_map : path-like, optional
        CSV file ``category,mid`` or ``category,name``.
    scores_file : path-like, optional
        See `score_set`.
    **options
        Of `yamkit.evaluation.evaluate`.

    Returns
    -------
    SetReport
    """
    labelled = read_set(labels, layout)
    read_map = None if label_map is None else read_label_map(label_map)
    place = None if scores_file is None else Path(scores_file)
    scores = score_set(labelled, audio, tagger, place)
    return evaluate_scores(labelled, [scores], label_map=read_map, **options)[0]
