"""Labelled sets: the options that select clips and labels, and the scoring of a set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from yamkit._util.text import printable
from yamkit.cli import _complete
from yamkit.cli._classes import read_listed_names
from yamkit.cli._inputs import report_metadata_in
from yamkit.cli._settings import argument, option
from yamkit.cli._values import PATH, Whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from yamkit.evaluation.scores_file import Scores
    from yamkit.evaluation.sets.labelled_set import LabelledSet
    from yamkit.plugin import Runner
    from yamkit.run.clips import Clip
    from yamkit.tagger import Tagger
    from yamkit.types import ClipEnd, ClipFailure

__all__ = ["LabelSettings", "score"]


@dataclass(frozen=True)
class LabelSettings:
    """A labelled set, and what of it is taken."""

    labels: Path = argument(type=PATH)
    audio: Path | None = option(
        "--audio",
        section="Labels",
        type=PATH,
        help="Folder of the clips.  [default: the folder of LABELS]",
    )
    layout: str | None = option(
        "--layout",
        metavar="NAME",
        shell_complete=_complete.plugins("label reader"),
        help="Label reader.  [default: chosen by the header of LABELS]",
    )
    folds: tuple[str, ...] = option(
        "--fold", multiple=True, help="Select the clips of this fold. May be repeated."
    )
    splits: tuple[str, ...] = option(
        "--split", multiple=True, help="Select the clips of this split. May be repeated."
    )
    limit: int | None = option("--limit", type=Whole(1), help="Select only the first N clips.")
    classes: tuple[str, ...] = option(
        "--classes",
        multiple=True,
        metavar="NAME|FILE",
        help="Select these classes or categories: names, separated by commas, or a file of names. "
        "May be repeated.  [default: all]",
    )
    label_map: Path | None = option(
        "--label-map",
        type=PATH,
        help="CSV file with the columns category and mid, or category and name: the classes that "
        "labels mean.  [default: that of yamkit for esc50, urbansound8k and fsd50k; else labels "
        "are names of classes]",
    )

    @property
    def folder(self) -> Path:
        """The folder of the clips."""
        return self.audio or (self.labels if self.labels.is_dir() else self.labels.parent)

    def read(self) -> LabelledSet:
        """Read the labels and select clips."""
        from yamkit.evaluation.sets.labelled_set import read_set

        labelled = read_set(self.labels, self.layout)
        labelled = labelled.select(folds=self.folds, splits=self.splits, limit=self.limit)
        if self.labels.is_dir():
            report_metadata_in(self.labels)
        return labelled

    def meaning(self, labelled: LabelledSet) -> dict[str, Any]:
        """Return what labels mean and which are selected, as arguments of the evaluation."""
        from yamkit.evaluation.sets.label_map import read_label_map

        label_map = None if self.label_map is None else read_label_map(self.label_map)
        classes = read_listed_names(self.classes, labelled.labels)
        return {"label_map": label_map, "classes": classes}


def score(
    labelled: LabelledSet,
    folder: Path,
    tagger: Tagger,
    file: Path | None,
    strict: bool,
    runner: Runner,
) -> Scores:
    """Score the clips of a set; after an interruption, the journal has those that were done."""
    from yamkit._util.signals import Interruptions
    from yamkit.cli._meters import ClipMeter
    from yamkit.cli._progress import show_progress
    from yamkit.evaluation import score_set

    title = f"{printable(tagger.model.name)} {tagger.backend}"
    meter = ClipMeter([], title=title)

    def begin(clips: Sequence[Clip]) -> Callable[[ClipEnd | ClipFailure, bool], object]:
        nonlocal meter
        meter = ClipMeter(clips, "clips", title)
        return lambda item, is_new: meter.finished(item, is_new=is_new)

    with Interruptions(), show_progress(lambda: meter.progress()):
        return score_set(
            labelled, folder, tagger, file, strict=strict, runner=runner, progress=begin
        )
