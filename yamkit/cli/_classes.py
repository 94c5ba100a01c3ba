"""Which classes are reported, and how their scores are processed before that."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yamkit.cli import _complete
from yamkit.cli._settings import option
from yamkit.cli._values import PATH, is_file

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from yamkit.types import TagClass

__all__ = ["CALIBRATION", "ClassSettings", "find_listed", "read_listed_names"]

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


def find_listed(
    words: Sequence[str], classes: Sequence[TagClass]
) -> tuple[list[int], dict[int, float]]:
    """Return the classes that the values of `--classes` name, and the thresholds from files.

    A word that names a class is not looked up as a file.
    """
    from yamkit._util.text import printable
    from yamkit.errors import ParameterError
    from yamkit.scores.class_lists import read_class_list
    from yamkit.scores.classes import find_classes

    chosen: list[int] = []
    thresholds: dict[int, float] = {}
    for word in words:
        try:
            chosen += find_classes(word, classes)
        except ParameterError:
            if not is_file(word):
                if Path(word).suffix in (".csv", ".txt"):
                    raise ParameterError(f"--classes {printable(word)}: no such file") from None
                raise
            indices, own = read_class_list(word, classes)
            chosen += indices
            thresholds |= own
    return chosen, thresholds


def read_listed_names(words: Sequence[str], labels: Collection[str]) -> tuple[str, ...]:
    """Return the names, and in place of each file those it holds; a label is not a file."""
    from yamkit.scores.class_lists import read_class_words

    return tuple(
        name
        for word in words
        for name in (read_class_words(word) if word not in labels and is_file(word) else (word,))
    )
