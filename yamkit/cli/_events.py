"""What an event is, and what is reported of scores."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yamkit._util.bounds import MAX_MEDIAN_CELLS, MAX_SPAN_SECONDS
from yamkit.cli._classes import find_listed
from yamkit.cli._settings import option
from yamkit.cli._values import Real, Score, Whole

if TYPE_CHECKING:
    from yamkit.cli._classes import ClassSettings
    from yamkit.models import ModelBundle
    from yamkit.scores.choice import Choice
    from yamkit.types import EventParameters

__all__ = ["EventSettings", "make_choice"]


@dataclass(frozen=True)
class EventSettings:
    """Parameters of events; None if an option was not given."""

    enter: float | None = option(
        "--enter",
        type=Score(),
        metavar="X",
        help="Enter threshold: an event starts where a score reaches it.  [default: --threshold, "
        "else 0.3]",
    )
    leave: float | None = option(
        "--leave",
        type=Score(),
        metavar="X",
        help="Leave threshold: an event extends in both directions while scores reach it.  "
        "[default: a third of --enter]",
    )
    cells: str | None = option(
        "--cells",
        type=click.Choice(["mean", "max"]),
        help="How the patches that cover a cell make its score.  [default: mean]",
    )
    event_score: str | None = option(
        "--event-score",
        type=click.Choice(["mean", "max"]),
        help="How the cells of an event make its score.  [default: mean]",
    )
    median_cells: int | None = option(
        "--median",
        type=Whole(1, MAX_MEDIAN_CELLS),
        help="Size of a median filter, an odd number of cells; in a stream, every two more add a "
        "delay of one hop.  [default: 1, no filter]",
    )
    min_duration_seconds: float | None = option(
        "--min-duration",
        type=Real(0, MAX_SPAN_SECONDS),
        metavar="SECONDS",
        help="Omit shorter events; in a stream, an event is reported that much later.  "
        "[default: 0]",
    )
    join_gap_seconds: float | None = option(
        "--join-gap",
        type=Real(0, MAX_SPAN_SECONDS),
        metavar="SECONDS",
        help="Join events of a class with gaps of up to this length; in a stream, an end is "
        "reported that much later.  [default: 0]",
    )
    most_specific: bool | None = option(
        "--most-specific",
        is_flag=True,
        default=None,
        help="Report a class only while no reported class below it in the ontology sounds: a bark, "
        "but not also a dog, a pet and an animal.",
    )

    def given(self) -> dict[str, Any]:
        """Return the values that were given, by their names."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def parameters(self, threshold: float | Path | None) -> EventParameters:
        """Return the parameters of events, with defaults for what was not given."""
        from yamkit.types import EventParameters

        given = self.given()
        if "event_score" in given:
            given["score"] = given.pop("event_score")
        if isinstance(threshold, float):
            given.setdefault("enter", threshold)
        return EventParameters(**given)


def make_choice(
    model: ModelBundle,
    classes: ClassSettings,
    events: EventSettings | None,
    threshold: float | Path | None,
    *,
    aggregate: str | None = None,
    **fields: Any,
) -> Choice:
    """Choose what is reported of a model's scores.

    Parameters
    ----------
    model : ModelBundle
        That of the classes, thresholds and calibration.
    classes : ClassSettings
    events : EventSettings or None
        None if events are not reported; they take the thresholds of the calibration if no other
        was given.
    threshold : float, Path or None
        Of scores; or a file with one for each class.
    aggregate : str, optional
        How clip scores are made, which the calibration must be for.
    **fields
        Other fields of `yamkit.scores.choice.Choice`.
    """
    from yamkit.scores.calibration_file import read_calibration
    from yamkit.scores.choice import Choice
    from yamkit.scores.class_lists import read_thresholds
    from yamkit.scores.classes import choose_classes, roll_up
    from yamkit.scores.postprocessing import Postprocessing

    calibration = None
    thresholds: dict[int, float] = {}
    if classes.calibration is not None:
        calibration = read_calibration(classes.calibration)
        calibration.check(model.sha256, len(model.classes), aggregate)
        if events is not None and threshold is None and events.enter is None:
            thresholds = calibration.thresholds
    included, listed = find_listed(classes.classes, model.classes)
    excluded, _ = find_listed(classes.not_classes, model.classes)
    thresholds = {**thresholds, **listed}
    if isinstance(threshold, Path):
        thresholds |= read_thresholds(threshold, model.classes)
    members = roll_up(model.classes) if classes.roll_up else None
    return Choice(
        threshold=threshold if isinstance(threshold, float) else None,
        events=None if events is None else events.parameters(threshold),
        classes=choose_classes(model.classes, included, excluded),
        postprocessing=Postprocessing(calibration, members, thresholds),
        **fields,
    )
