"""Evaluating systems on a labelled set: from scores, or from audio and a tagger, to a report."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yamkit._util.text import path_text
from yamkit.evaluation.coverage import coverage_of, scored_clips
from yamkit.evaluation.events.evaluate import EventSearch, evaluate_events
from yamkit.evaluation.events.past_end import refuse_misplaced
from yamkit.evaluation.score import score_set
from yamkit.evaluation.sets.labelled_set import LabelledSet, clip_key, read_set
from yamkit.evaluation.sets.targets import common_targets
from yamkit.evaluation.tags.evaluate import evaluate
from yamkit.scores.postprocessing import Postprocessing
from yamkit.types import EventParameters

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from yamkit.evaluation.coverage import Coverage
    from yamkit.evaluation.events.evaluate import EventReport
    from yamkit.evaluation.scores_file import Scores
    from yamkit.evaluation.sets.label_map import LabelMap
    from yamkit.evaluation.sets.targets import Targets
    from yamkit.evaluation.tags.evaluate import Report
    from yamkit.tagger import Tagger
    from yamkit.types import LabelledClip

__all__ = ["EvaluationSettings", "SetReport", "evaluate_scores", "evaluate_set"]


@dataclass(frozen=True)
class EvaluationSettings:
    """What of a labelled set is evaluated, and how.

    Attributes
    ----------
    label_map : LabelMap or None
        What labels mean; None: yamkit's map for the layout, if it has one; otherwise labels name
        classes.
    classes : str, or sequence of str
        Evaluate only these columns; all if empty.
    postprocessing : Postprocessing
        Applied to the scores of every system.
    events : EventParameters
        How events are found, for strong labels.
    threshold : float
        For precision, recall and F1.
    bootstrap : int
        Number of resamples; 0 for no intervals.
    seed : int
        Seed of the bootstrap.
    confidence : float
        Confidence level of the intervals.
    threads : int or None
        For the bootstrap; None: the cores that this process may use.
    """

    label_map: LabelMap | None = None
    classes: str | Sequence[str] = ()
    postprocessing: Postprocessing = field(default_factory=Postprocessing)
    events: EventParameters = field(default_factory=EventParameters)
    threshold: float = 0.5
    bootstrap: int = 0
    seed: int = 0
    confidence: float = 0.95
    threads: int | None = None


@dataclass(frozen=True)
class SetReport:
    """A report on one system and one labelled set.

    Attributes
    ----------
    labels : str
        Path of the list.
    layout : str
    system : mapping of str to str
        Model and parameters that the scores were computed with.
    coverage : Coverage
    report : Report
    keys : tuple of str
        The clips, in the order of `truth` and `scores`.
    truth : ndarray, bool [N, K]
    scores : ndarray, float32 [N, K]
    events : EventReport or None
        None unless labels are strong.
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


_DEFAULTS = EvaluationSettings()


def evaluate_scores(
    labelled: LabelledSet,
    systems: Sequence[Scores],
    settings: EvaluationSettings = _DEFAULTS,
) -> list[SetReport]:
    """Evaluate the scores of one or several systems, on the clips that all of them have.

    Parameters
    ----------
    labelled : LabelledSet
    systems : sequence of Scores
    settings : EvaluationSettings

    Raises
    ------
    LabelError, ParameterError
        If no clip has scores, no label means anything, labels are strong but there are no patch
        scores, or many events end after their clips.
    """
    all_targets = common_targets(
        labelled,
        [scores.classes for scores in systems],
        label_map=settings.label_map,
        classes=settings.classes,
    )
    clips = scored_clips(labelled, systems)
    if labelled.is_strong:
        keys = [clip_key(clip) for clip in clips]
        for scores in systems:
            refuse_misplaced(labelled.path, clips, scores.seconds(keys))
    coverage = coverage_of(labelled, systems, all_targets[0])
    return [
        _evaluate_system(labelled, clips, scores, targets, coverage, settings)
        for scores, targets in zip(systems, all_targets, strict=True)
    ]


def _evaluate_system(
    labelled: LabelledSet,
    clips: Sequence[LabelledClip],
    scores: Scores,
    targets: Targets,
    coverage: Coverage,
    settings: EvaluationSettings,
) -> SetReport:
    keys = tuple(clip_key(clip) for clip in clips)
    postprocessing = settings.postprocessing
    truth = targets.truth(clips)
    column_scores = targets.scores(postprocessing.apply(scores.array(keys)))
    events = None
    if scores.grid is not None and labelled.is_strong:
        search = EventSearch(targets, scores.grid, settings.events, postprocessing, scores.classes)
        events = evaluate_events(clips, [scores.timelines[key] for key in keys], search)
    return SetReport(
        labels=path_text(labelled.path),
        layout=labelled.layout,
        system={**scores.fingerprint, "score_kind": postprocessing.score_kind},
        coverage=coverage,
        report=evaluate(
            truth,
            column_scores,
            targets.names,
            threshold=settings.threshold,
            bootstrap=settings.bootstrap,
            seed=settings.seed,
            confidence=settings.confidence,
            threads=settings.threads,
        ),
        keys=keys,
        truth=truth,
        scores=column_scores,
        events=events,
    )


def evaluate_set(
    labels: LabelledSet | str | os.PathLike[str],
    audio: str | os.PathLike[str],
    tagger: Tagger,
    settings: EvaluationSettings = _DEFAULTS,
    *,
    layout: str | None = None,
    scores_file: str | os.PathLike[str] | None = None,
) -> SetReport:
    """Score a labelled set with a tagger, and evaluate the scores.

    Parameters
    ----------
    labels : path-like or LabelledSet
        The list, a folder with one folder per class, or a set from `read_set`.
    audio : path-like
        Folder of the audio files.
    tagger : Tagger
    settings : EvaluationSettings
    layout : str, optional
        Name of a label reader; None: the one that recognises the list.
    scores_file : path-like, optional
        See `score_set`.

    Raises
    ------
    LabelError, ParameterError, OutputError
        As `read_set`, `score_set` and `evaluate_scores` do.
    """
    labelled = labels if isinstance(labels, LabelledSet) else read_set(labels, layout)
    # refuse unknown labels and classes before the set is scored, which may take hours
    common_targets(
        labelled, [tagger.classes], label_map=settings.label_map, classes=settings.classes
    )
    scores = score_set(labelled, audio, tagger, None if scores_file is None else Path(scores_file))
    return evaluate_scores(labelled, [scores], settings)[0]
