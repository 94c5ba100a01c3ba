"""The options that say which classes are reported, how scores are read, and what an event is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from yamkit._util.bounds import MAX_MEDIAN_CELLS, MAX_SPAN_SECONDS
from yamkit._util.numbers import real_number
from yamkit.cli import _complete
from yamkit.cli._values import Real, Whole, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from yamkit.models import ModelBundle
    from yamkit.scores.choice import Choice, EventOptions
    from yamkit.types import TagClass

__all__ = [
    "CHOICE_OPTIONS",
    "EVENT_OPTIONS",
    "Score",
    "Threshold",
    "calibration_option",
    "class_options",
    "class_words",
    "event_options",
    "event_options_of",
    "make_choice",
    "read_listed_names",
]

_PATH = click.Path(path_type=Path)


class Score(click.ParamType[float]):
    """A threshold: a score, 0 to 1."""

    name = "X"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        from yamkit.errors import ParameterError
        from yamkit.scores.thresholds import check_threshold

        text = str(value)
        number = real_number(text)
        if number is None:
            self.fail(f"{shortened(text)}: wanted a number of 0 to 1", param, ctx)
        try:
            return check_threshold("", number)
        except ParameterError as error:
            self.fail(str(error), param, ctx)


class Threshold(click.ParamType["float | Path"]):
    """A score, or a CSV file of thresholds by class."""

    name = "X|FILE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | Path:
        if _is_number(value):
            return Score().convert(value, param, ctx)
        if not _is_file(value):
            self.fail(
                f"{shortened(str(value))}: wanted a number, or a CSV file with the columns name or "
                "mid, and threshold",
                param,
                ctx,
            )
        return Path(value)


def _is_file(value: str | Path) -> bool:
    return os.path.isfile(value)  # noqa: PTH113 - Path raises where a name is too long


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True


def calibration_option() -> Callable[[Any], Any]:
    """Add the option that applies a calibration."""
    return click.option(
        "--calibration",
        type=_PATH,
        metavar="FILE",
        help="Calibrate scores with what `yamkit calibrate` wrote, and take its thresholds for "
        "events where no other is given.",
    )


def class_options() -> Callable[[Any], Any]:
    """Add the options that choose classes."""
    return _added(
        click.option(
            "--classes",
            multiple=True,
            metavar="CLASS|FILE",
            shell_complete=_complete.classes(),
            help="Report these classes alone, all of them: names, MIDs or indices with commas "
            "between, or with a / behind it all of a subtree of the ontology (Animal/); or a file "
            "of names, or names and thresholds. May be repeated.",
        ),
        click.option(
            "--not-classes",
            multiple=True,
            metavar="CLASS|FILE",
            shell_complete=_complete.classes(),
            help="Leave these classes out; may be repeated.",
        ),
        click.option(
            "--roll-up",
            is_flag=True,
            help="Give a class the highest score of its own and those below it in the ontology.",
        ),
    )


def event_options() -> Callable[[Any], Any]:
    """Add the options that say what an event is."""
    return _added(
        click.option(
            "--enter",
            type=Score(),
            metavar="X",
            help="A class sounds where its score reaches this.  [default: --threshold, else 0.3]",
        ),
        click.option(
            "--leave",
            type=Score(),
            metavar="X",
            help="From there an event goes on, both ways, as far as scores reach this.  "
            "[default: a third of --enter]",
        ),
        click.option(
            "--cells",
            type=click.Choice(["mean", "max"]),
            help="What of the patches that cover it is the score of a cell.  [default: mean]",
        ),
        click.option(
            "--event-score",
            type=click.Choice(["mean", "max"]),
            help="What of its cells is the score of an event.  [default: mean]",
        ),
        click.option(
            "--median",
            "median_cells",
            type=Whole(1, MAX_MEDIAN_CELLS),
            help="Median filter over an odd number of cells; each second one adds a hop of delay "
            "to a stream.  [default: 1, none]",
        ),
        click.option(
            "--min-duration",
            "min_duration_seconds",
            type=Real(0, MAX_SPAN_SECONDS),
            metavar="SECONDS",
            help="Leave shorter events out; a stream tells of an event that much later.  "
            "[default: 0]",
        ),
        click.option(
            "--join-gap",
            "join_gap_seconds",
            type=Real(0, MAX_SPAN_SECONDS),
            metavar="SECONDS",
            help="Join events of a class that are no farther apart; a stream tells of an end that "
            "much later.  [default: 0]",
        ),
        click.option(
            "--most-specific",
            is_flag=True,
            default=None,
            help="Report a class only while none of the reported classes below it in the ontology "
            "sounds: a bark, not also a dog, a pet and an animal.",
        ),
    )


EVENT_OPTIONS = (
    "enter",
    "leave",
    "cells",
    "event_score",
    "median_cells",
    "min_duration_seconds",
    "join_gap_seconds",
    "most_specific",
)
"""Parameters of `event_options`; None if not given."""

CHOICE_OPTIONS = (*EVENT_OPTIONS, "threshold", "classes", "not_classes", "roll_up", "calibration")
"""Parameters that `make_choice` requires."""


def event_options_of(options: Mapping[str, Any]) -> EventOptions:
    """Return the values of `event_options`, named as the fields of `EventParameters`."""
    given = {name: options[name] for name in EVENT_OPTIONS}
    given["score"] = given.pop("event_score")
    return cast("EventOptions", given)


def class_words(words: Sequence[str], classes: Sequence[TagClass]) -> list[str | Path]:
    """Return the values of --classes; those that are no class but a file, as paths."""
    from yamkit._util.text import printable
    from yamkit.errors import ParameterError
    from yamkit.scores.classes import class_finder

    find = class_finder(classes)
    found: list[str | Path] = []
    for word in words:
        try:
            find(word)
            found.append(word)
        except ParameterError:
            if not _is_file(word):
                if Path(word).suffix in (".csv", ".txt"):
                    raise ParameterError(f"--classes {printable(word)}: no such file") from None
                raise
            found.append(Path(word))
    return found


def read_listed_names(words: Sequence[str], labels: Collection[str]) -> tuple[str, ...]:
    """Put the names that stand in files in the place of the files; a label is no file."""
    from yamkit.scores.class_lists import read_class_words

    return tuple(
        name
        for word in words
        for name in (read_class_words(word) if word not in labels and _is_file(word) else (word,))
    )


def make_choice(
    model: ModelBundle,
    options: Mapping[str, Any],
    *,
    events: bool,
    aggregate: str | None = None,
    **fields: Any,
) -> Choice:
    """Return what is reported of the scores, from the values of `CHOICE_OPTIONS`.

    `fields` are other fields of `Choice`.
    """
    from yamkit.scores.choice import Choice

    return Choice.of(
        model,
        events=events and event_options_of(options),
        threshold=options["threshold"],
        classes=class_words(options["classes"], model.classes),
        not_classes=class_words(options["not_classes"], model.classes),
        roll_up=options["roll_up"],
        calibration=options["calibration"],
        aggregate=aggregate,
        **fields,
    )


def _added(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add
