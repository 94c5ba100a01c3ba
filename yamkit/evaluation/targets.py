"""What is scored: the columns of a set, and what each means to a model.

A column is a category of the set, whose score is the highest of the classes that a label map gives
it; or, without a map, a class of the model, which labels name by its machine identifier or its very
name. What a label means is never guessed: one that means nothing is listed and left out.
"""

from __future__ import annotations

import csv
import functools
import io
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from yamkit._util.text import delimiter_of, listed, nearest, printable
from yamkit.errors import LabelError, ParameterError
from yamkit.scores.aggregate import gathered
from yamkit.scores.classes import split_words

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from yamkit.evaluation.labels import LabelledSet
    from yamkit.types import LabelledClip, TagClass

__all__ = ["LabelMap", "Targets", "UnmappedLabel", "read_label_map", "targets_of"]

LabelMap = dict[str, tuple[str, ...]]
"""Names or machine identifiers of classes by category."""


@dataclass(frozen=True)
class UnmappedLabel:
    """A label that means nothing to a model or a map.

    Attributes
    ----------
    label : str
        As it stands in the list.
    name : str
        What the publishers call it; empty if they do not say.
    clips : int
        That have it.
    """

    label: str
    name: str
    clips: int


@dataclass(frozen=True)
class Targets:
    """The columns to be scored.

    Attributes
    ----------
    names : tuple of str
        K of them.
    members : tuple of tuple of int
        Indices of the model's classes of each column; its score is the highest of theirs.
    columns : mapping of str to int
        Column of a label.
    unmapped : tuple of UnmappedLabel
        Those of most clips first.
    """

    names: tuple[str, ...]
    members: tuple[tuple[int, ...], ...]
    columns: Mapping[str, int]
    unmapped: tuple[UnmappedLabel, ...]

    def truth(self, clips: Sequence[LabelledClip]) -> NDArray[np.bool_]:
        """Give the labels as an array, bool [N, K]."""
        truth = np.zeros((len(clips), len(self.names)), np.bool_)
        for row, clip in enumerate(clips):
            for label in clip.labels:
                if label in self.columns:
                    truth[row, self.columns[label]] = True
        return truth

    def scores(self, class_scores: NDArray[np.floating]) -> NDArray[np.floating]:
        """Turn scores of the model's classes [N, C] into scores of the columns [N, K]."""
        places, starts = self._gathered
        return np.asarray(np.maximum.reduceat(class_scores[:, places], starts, axis=1))

    @functools.cached_property
    def _gathered(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Give the members of all columns in one row, and where each column's begin."""
        return gathered(self.members)

    def restrict(self, names: str | Iterable[str]) -> Targets:
        """Keep some columns alone.

        Parameters
        ----------
        names : str, or iterable of str
            Of columns or labels; several may stand in one text, with commas between them.

        Raises
        ------
        ParameterError
            If one is not there.
        """
        known = {*self.names, *self.columns}
        most = max((name.count(",") for name in known), default=0)
        wanted: list[str] = []
        for word in listed(names):
            words, unknown = split_words(word, known.__contains__, most)
            if unknown is not None:
                raise ParameterError(
                    f"class {printable(unknown)!r}: none of the {len(self.names)} that are scored"
                    f"{nearest(unknown, [*self.names, *self.columns])}"
                )
            wanted += words
        kept = sorted(
            {self.columns.get(name, -1) for name in wanted if name not in self.names}
            | {self.names.index(name) for name in wanted if name in self.names}
        )
        moved = {old: new for new, old in enumerate(kept)}
        return Targets(
            tuple(self.names[column] for column in kept),
            tuple(self.members[column] for column in kept),
            {label: moved[column] for label, column in self.columns.items() if column in moved},
            self.unmapped,
        )


def targets_of(
    labelled: LabelledSet, classes: Sequence[TagClass], label_map: LabelMap | None = None
) -> Targets:
    """Find the columns of a set for a model.

    Parameters
    ----------
    labelled : LabelledSet
        With a map, its categories are those that the list has, selected or not.
    classes : sequence of TagClass
        The model's.
    label_map : LabelMap, optional
        None: the one that comes with yamkit for the layout, if any; else labels name classes.

    Raises
    ------
    LabelError
        If no label means anything to the model, or the map names a class that it does not have.
    """
    known = _index(classes)
    counts = Counter(label for clip in labelled.clips for label in clip.labels)
    meanings = _meanings(labelled, known, label_map)
    if meanings is None:
        names = tuple(entry.name for entry in classes)
        members: tuple[tuple[int, ...], ...] = tuple((place,) for place in range(len(names)))
        columns = {label: known[label] for label in labelled.labels if label in known}
    else:
        names, members = tuple(meanings), tuple(meanings.values())
        columns = {category: place for place, category in enumerate(names)}
    if not counts:
        raise LabelError(f"{printable(labelled.path)}: no clip has a label; nothing to measure")
    if not counts.keys() & columns.keys():
        raise LabelError(
            f"none of the {len(counts)} labels, such as {printable(next(iter(counts), ''))!r}, is "
            "a class of the model; map them with --label-map (category,mid or category,name)"
        )
    unmapped = sorted(
        (-counts[label], label)
        for label in counts.keys() | labelled.vocabulary.keys()
        if label not in columns
    )
    named = labelled.vocabulary
    return Targets(
        names,
        members,
        columns,
        tuple(UnmappedLabel(label, named.get(label, ""), -count) for count, label in unmapped),
    )


def _meanings(
    labelled: LabelledSet, known: Mapping[str, int], label_map: LabelMap | None
) -> dict[str, tuple[int, ...]] | None:
    """Give the classes of each category of a set that has any; None without a map."""
    wanted = _built_in_map(labelled.layout) if label_map is None else label_map
    if wanted is None:
        return None
    for category, meant in ({} if label_map is None else label_map).items():
        for name in meant:
            if name not in known:
                raise LabelError(
                    f"the label map: {printable(category)!r} means {printable(name)!r}, which is "
                    f"no class of the model{nearest(name, known)}"
                )
    found = {
        category: tuple(sorted({known[name] for name in meant if name in known}))
        for category, meant in wanted.items()
        if category in labelled.labels
    }
    return {category: places for category, places in found.items() if places}


def read_label_map(path: str | os.PathLike[str]) -> LabelMap:
    """Read a map: a CSV file with the columns ``category`` and ``mid`` or ``name``.

    Several rows may have the same category: its score is the highest of its classes.

    Raises
    ------
    LabelError
        If it is no such file.
    """
    place = Path(path)
    try:
        text = place.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise LabelError(f"{printable(place)}: not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise LabelError(f"{printable(place)}: {error.strerror or 'cannot be read'}") from None
    return _parse(text, printable(place))


def _built_in_map(layout: str) -> LabelMap | None:
    file = files("yamkit") / "data" / "label_maps" / f"{layout}.csv"
    return _parse(file.read_text(encoding="utf-8"), layout) if file.is_file() else None


def _parse(text: str, where: str) -> LabelMap:
    found: dict[str, list[str]] = {}
    try:
        lines = io.StringIO(text, newline="")
        delimiter = delimiter_of(lines.readline())
        lines.seek(0)
        reader = csv.DictReader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
        columns = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = columns
        second = next((name for name in ("mid", "name") if name in columns), None)
        if "category" not in columns or second is None:
            raise LabelError(
                f"{where}: wanted the columns category and mid, or category and name; its columns: "
                f"{', '.join(map(printable, columns))}"
            )
        for row in reader:
            category, meant = (row["category"] or "").strip(), (row[second] or "").strip()
            if not category and not meant:  # spreadsheets leave empty rows
                continue
            if not category or not meant:
                raise LabelError(f"{where}, line {reader.line_num}: no category or no {second}")
            found.setdefault(category, []).append(meant)
    except csv.Error as error:
        raise LabelError(f"{where}: no CSV file ({error})") from None
    if not found:
        raise LabelError(f"{where}: maps nothing")
    return {category: tuple(meant) for category, meant in found.items()}


def _index(classes: Sequence[TagClass]) -> dict[str, int]:
    """Give the place of each class by machine identifier and by name, where that is one class's."""
    names = Counter(entry.name for entry in classes)
    places = {entry.name: entry.index for entry in classes if names[entry.name] == 1}
    return places | {entry.mid: entry.index for entry in classes if entry.mid}
