"""Which classes are reported, and how their scores are processed before that."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from yamkit.cli import _complete
from yamkit.cli._settings import option
from yamkit.cli._values import PATH, is_file

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from yamkit.models import ModelBundle
    from yamkit.scores.choice import Choice, EventOptions
    from yamkit.types import TagClass

__all__ = ["CALIBRATION", "ClassSettings", "read_listed_names"]

CALIBRATION: dict[str, Any] = {
    "type": PATH,
    "metavar": "FILE",
    "help": "Calibrate scores with this file, which `yamkit calibrate` wrote; events use its "
    "thresholds if you give no others.",
}


@dataclass(frozen=True)
class ClassSettings:
    """Classes, the ontology and a calibration."""

    classes: tuple[str, ...] = option(
        "--classes",
        multiple=True,
        metavar="CLASS|FILE",
        shell_complete=_complete.classes(),
        help="Report only these classes, and all of them: names, MIDs or indices, separated by "
        "commas; NAME/ stands for a whole subtree of the ontology (Animal/). Or a file of names, "
        "or of names and thresholds. May be repeated.",
    )
    not_classes: tuple[str, ...] = option(
        "--not-classes",
        multiple=True,
        metavar="CLASS|FILE",
        shell_complete=_complete.classes(),
        help="Omit these classes. May be repeated.",
    )
    roll_up: bool = option(
        "--roll-up",
        is_flag=True,
        help="Raise the score of each class to the highest score of the classes below it in the "
        "ontology.",
    )
    calibration: Path | None = option("--calibration", **CALIBRATION)

    def choice(
        self,
        model: ModelBundle,
        *,
        events: EventOptions | Literal[False],
        threshold: float | Path | None,
        **fields: Any,
    ) -> Choice:
        """Return what is reported of the scores of a model; see `Choice.of`."""
        from yamkit.scores.choice import Choice

        return Choice.of(
            model,
            events=events,
            threshold=threshold,
            classes=_class_words("--classes", self.classes, model.classes),
            not_classes=_class_words("--not-classes", self.not_classes, model.classes),
            roll_up=self.roll_up,
            calibration=self.calibration,
            **fields,
        )


def _class_words(
    option: str, words: Sequence[str], classes: Sequence[TagClass]
) -> list[str | Path]:
    """Return the values of an option; those that name a file, and not a class, as paths."""
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
            if not is_file(word):
                if Path(word).suffix in (".csv", ".txt"):
                    raise ParameterError(f"{option} {printable(word)}: no such file") from None
                raise
            found.append(Path(word))
    return found


def read_listed_names(words: Sequence[str], labels: Collection[str]) -> tuple[str, ...]:
    """Return the names, and in place of each file those it holds; a label is not a file."""
    from yamkit.scores.class_lists import read_class_words

    return tuple(
        name
        for word in words
        for name in (read_class_words(word) if word not in labels and is_file(word) else (word,))
    )
