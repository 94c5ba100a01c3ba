"""What an event is: the options of every command that finds events."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

import click

from yamkit._util.bounds import MAX_MEDIAN_CELLS, MAX_SPAN_SECONDS
from yamkit.cli._settings import option
from yamkit.cli._values import Real, Score, Whole

if TYPE_CHECKING:
    from yamkit.scores.choice import EventOptions

__all__ = ["EventSettings"]


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

    def options(self) -> EventOptions:
        """Return the values with the names of the fields of `EventParameters`."""
        given = self.given()
        if "event_score" in given:
            given["score"] = given.pop("event_score")
        return cast("EventOptions", given)
