"""Columns that are evaluated, and what each means to a model.

A column is a category of the set, whose score is the highest of the classes that a label map gives
it; or, without a map, a class of the model, which labels name by machine identifier or name.
Meanings are never guessed: a label without a meaning is listed and left out.
"""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from yamkit._util.text import listed, nearest, printable
from yamkit.errors import LabelError, ParameterError
from yamkit.evaluation.sets.label_map import built_in_label_map
from yamkit.scores.aggregate import gathered
from yamkit.scores.classes import split_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from yamkit.evaluation.sets.label_map import LabelMap
    from yamkit.evaluation.sets.labelled_set import LabelledSet
    from yamkit.types import LabelledClip, TagClass

__all__ = ["Targets", "UnmappedLabel", "common_targets", "targets_of"]


@dataclass(frozen=True)
class UnmappedLabel:
    """A label that has no meaning in a model or a label map.

    Attributes
    ----------
    label : str
        As written in the list.
    name : str
        The publishers' name for it; empty if they give none.
    clips : int
        Number of clips with the label.
    """

    label: str
    name: str
    clips: int


@dataclass(frozen=True)
class Targets:
    """The columns that are evaluated.

    Attributes
    ----------
    names : tuple of str
        K names.
    members : tuple of tuple of int
        For each column, indices of the model's classes; its score is the highest of theirs.
    columns : mapping of str to int
        Column by label.
    unmapped : tuple of UnmappedLabel
        Labels without a column, the most frequent first.
    """

    names: tuple[str, ...]
    members: tuple[tuple[int, ...], ...]
    columns: Mapping[str, int]
    unmapped: tuple[UnmappedLabel, ...]

    def truth(self, clips: Sequence[LabelledClip]) -> NDArray[np.bool_]:
        """Return the labels of N clips as an array, bool [N, K]."""
        truth = np.zeros((len(clips), len(self.names)), np.bool_)
        for row, clip in enumerate(clips):
            for label in clip.labels:
                if label in self.columns:
                    truth[row, self.columns[label]] = True
        return truth

    def scores(self, class_scores: NDArray[np.floating]) -> NDArray[np.floating]:
        """Turn scores of the model's classes, float [N, C], into column scores, float [N, K]."""
        indices, starts = self._gathered
        return np.asarray(np.maximum.reduceat(class_scores[:, indices], starts, axis=1))

    @functools.cached_property
    def _gathered(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the members of all columns in one row, and where each column starts in it."""
        return gathered(self.members)

    def restrict(self, names: str | Iterable[str]) -> Targets:
        """Keep only some columns.

        Parameters
        ----------
        names : str, or iterable of str
            Names of columns or labels; one string may hold several, separated by commas.

        Raises
        ------
        ParameterError
            If a name is unknown.
        """
        known = {*self.names, *self.columns}
        most_commas = max((name.count(",") for name in known), default=0)
        chosen: list[str] = []
        for text in listed(names):
            words, unknown = split_words(text, known.__contains__, most_commas)
            if unknown is not None:
                raise ParameterError(
                    f"class {printable(unknown)!r}: not one of the {len(self.names)} evaluated "
                    f"classes{nearest(unknown, [*self.names, *self.columns])}"
                )
            chosen += words
        kept = sorted(
            {self.columns.get(name, -1) for name in chosen if name not in self.names}
            | {self.names.index(name) for name in chosen if name in self.names}
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
        With a label map, the columns are those of its categories that the whole list has.
    classes : sequence of TagClass
        The model's classes.
    label_map : LabelMap, optional
        None: yamkit's map for the layout, if it has one; otherwise labels name classes.

    Raises
    ------
    LabelError
        If no label means a class of the model, or the map names a class that the model lacks.
    """
    known = _index(classes)
    counts = Counter(label for clip in labelled.clips for label in clip.labels)
    meanings = _meanings(labelled, known, label_map)
    if meanings is None:
        names = tuple(entry.name for entry in classes)
        members: tuple[tuple[int, ...], ...] = tuple((index,) for index in range(len(names)))
        columns = {label: known[label] for label in labelled.labels if label in known}
    else:
        names, members = tuple(meanings), tuple(meanings.values())
        columns = {category: column for column, category in enumerate(names)}
    if not counts:
        raise LabelError(
            f"{printable(labelled.path)}: no clip has a label, so there is nothing to measure"
        )
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
    display_names = labelled.vocabulary
    return Targets(
        names,
        members,
        columns,
        tuple(
            UnmappedLabel(label, display_names.get(label, ""), -count) for count, label in unmapped
        ),
    )


def common_targets(
    labelled: LabelledSet,
    class_maps: Sequence[Sequence[TagClass]],
    *,
    label_map: LabelMap | None = None,
    classes: str | Sequence[str] = (),
) -> list[Targets]:
    """Find the columns of a set for each of several models; their names must be the same.

    Parameters
    ----------
    labelled : LabelledSet
    class_maps : sequence of sequence of TagClass
        The classes of each model.
    label_map : LabelMap, optional
        See `targets_of`.
    classes : str, or sequence of str
        Evaluate only these columns; all if empty.

    Raises
    ------
    LabelError, ParameterError
        If no label means anything, a class is unknown, or the models' columns differ.
    """
    found = [targets_of(labelled, class_map, label_map) for class_map in class_maps]
    if classes:
        found = [targets.restrict(classes) for targets in found]
    if len({targets.names for targets in found}) > 1:
        raise ParameterError(
            "the models have different classes; compare them with a --label-map, or on --classes "
            "that all of them have"
        )
    return found


def _meanings(
    labelled: LabelledSet, known: Mapping[str, int], label_map: LabelMap | None
) -> dict[str, tuple[int, ...]] | None:
    """Return the class indices of each category in the set; None without a map."""
    meanings = built_in_label_map(labelled.layout) if label_map is None else label_map
    if meanings is None:
        return None
    for category, names in ({} if label_map is None else label_map).items():
        for name in names:
            if name not in known:
                raise LabelError(
                    f"label map: {printable(category)!r} means {printable(name)!r}, which is not "
                    f"a class of the model{nearest(name, known)}"
                )
    found = {
        category: tuple(sorted({known[name] for name in names if name in known}))
        for category, names in meanings.items()
        if category in labelled.labels
    }
    return {category: indices for category, indices in found.items() if indices}


def _index(classes: Sequence[TagClass]) -> dict[str, int]:
    """Return class indices by machine identifier, and by name if only one class has it."""
    names = Counter(entry.name for entry in classes)
    indices = {entry.name: entry.index for entry in classes if names[entry.name] == 1}
    return indices | {entry.mid: entry.index for entry in classes if entry.mid}
