"""Scoring a labelled set, with a bar where somebody watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yamkit._util.text import printable
from yamkit.cli._progress import Meter, showing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from yamkit.evaluation.scores_file import Scores
    from yamkit.evaluation.sets.labelled_set import LabelledSet
    from yamkit.plugin import Runner
    from yamkit.run.clips import Clip
    from yamkit.tagger import Tagger
    from yamkit.types import ClipEnd, ClipFailure

__all__ = ["score"]


def score(
    labelled: LabelledSet,
    folder: Path,
    tagger: Tagger,
    file: Path | None,
    strict: bool,
    runner: Runner,
) -> Scores:
    """Score the clips of a set; an interruption keeps what was scored in the journal."""
    from yamkit._util.signals import Interruptions
    from yamkit.evaluation import score_set

    title = f"{printable(tagger.model.name)} {tagger.backend}"
    meter = Meter([], title=title)

    def begin(clips: Sequence[Clip]) -> Callable[[ClipEnd | ClipFailure, bool], object]:
        nonlocal meter
        meter = Meter(clips, "clips", title)
        return lambda item, is_new: meter.finished(item, is_new=is_new)

    with Interruptions(), showing(lambda: meter.standing()):
        return score_set(
            labelled, folder, tagger, file, strict=strict, runner=runner, progress=begin
        )
