"""The classes of a model that words mean: names, machine identifiers, indices, subtrees."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

from yamkit._util.numbers import integer_of
from yamkit._util.text import listed, nearest, printable
from yamkit.errors import ParameterError
from yamkit.scores.ontology import audioset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from yamkit.types import TagClass

__all__ = [
    "MOST_CHARACTERS",
    "choose_classes",
    "class_finder",
    "columns_below",
    "find_classes",
    "roll_up",
    "split_words",
]

MOST_CHARACTERS = 10_000
"""Of a word, which may be a list: the names of all 521 classes of AudioSet have fewer."""


def find_classes(word: str | int, classes: Sequence[TagClass]) -> tuple[int, ...]:
    """Return the classes that a word means.

    Parameters
    ----------
    word : str or int
        An index. Or a text: a name (case does not matter), a machine identifier, an index, or a
        name or machine identifier of the AudioSet ontology followed by ``/``, which means that node
        and all nodes below it; or several of these, separated by commas. A name that contains
        commas is one name.
    classes : sequence of TagClass
        The model's.

    Returns
    -------
    tuple of int
        Indices, ascending; at least one.

    Raises
    ------
    ParameterError
        If no class has that name, or the word is longer than `MOST_CHARACTERS`.
    """
    return class_finder(classes)(word)


def class_finder(classes: Sequence[TagClass]) -> Callable[[str | int], tuple[int, ...]]:
    """Return `find_classes` for many words: it collects the names of the classes only once."""
    names = _names(classes)
    most = max((entry.name.count(",") for entry in classes), default=0)

    def find(word: str | int) -> tuple[int, ...]:
        if not isinstance(word, str):
            return _indexed(word, classes)
        _check_length(word)
        found = _meant(word, names)
        if found:
            return found
        parts, unknown = split_words(word, lambda part: bool(_meant(part, names)), most)
        if unknown is not None:
            raise ParameterError(_unknown(unknown, classes))
        return tuple(sorted({index for part in parts for index in _meant(part, names)}))

    return find


def split_words(
    text: str, is_known: Callable[[str], bool], most_commas: int
) -> tuple[list[str], str | None]:
    """Split a list at its commas, except at those within names.

    Parameters
    ----------
    text : str
    is_known : callable
        Returns whether a word is a name. If there are several ways to split, longer words come
        first.
    most_commas : int
        Largest number of commas in a name.

    Returns
    -------
    words : list of str
    unknown : str or None
        A part that is not a name, if the list cannot be split; else None.

    Raises
    ------
    ParameterError
        If the text is longer than `MOST_CHARACTERS`.
    """
    _check_length(text)
    pieces = [piece for piece in text.split(",") if piece.strip()] or [text]
    count = len(pieces)
    ends = [0] * count + [count]  # of the word that starts at a piece; 0: no word starts there
    for start in reversed(range(count)):
        for end in range(min(count, start + most_commas + 1), start, -1):
            if ends[end] and is_known(_joined(pieces, start, end)):
                ends[start] = end
                break
    if ends[0]:
        words, start = [], 0
        while start < count:
            words.append(_joined(pieces, start, ends[start]))
            start = ends[start]
        return words, None
    return [], next(
        (piece for piece in map(str.strip, pieces) if not is_known(piece)), text.strip()
    )


def _joined(pieces: Sequence[str], start: int, end: int) -> str:
    return ",".join(pieces[start:end]).strip()


def _check_length(text: str) -> None:
    if len(text) > MOST_CHARACTERS:
        raise ParameterError(
            f"class {printable(text[:20])!r}...: {len(text):,} characters: must be at most "
            f"{MOST_CHARACTERS:,}"
        )


class _Names(NamedTuple):
    """Classes by name, so that long lists of words are found fast."""

    classes: Sequence[TagClass]
    exact: Mapping[str, Sequence[int]]
    folded: Mapping[str, Sequence[int]]


def _names(classes: Sequence[TagClass]) -> _Names:
    exact: dict[str, list[int]] = {}
    folded: dict[str, list[int]] = {}
    for entry in classes:
        for name in {entry.name, entry.mid} - {""}:
            exact.setdefault(name, []).append(entry.index)
        folded.setdefault(entry.name.casefold(), []).append(entry.index)
    return _Names(classes, exact, folded)


def _meant(word: str, names: _Names) -> tuple[int, ...]:
    """Return the indices of one word; empty if it is unknown."""
    found = names.exact.get(word, ())
    if not found and word.endswith("/") and len(word) > 1:
        return _subtree(word, names.classes)
    found = found or names.folded.get(word.casefold(), ())
    if not found and word.isdecimal() and len(word) < 10 and int(word) < len(names.classes):
        found = [int(word)]
    return tuple(found)


def _unknown(word: str, classes: Sequence[TagClass]) -> str:
    """Return the error message for a word that is unknown."""
    shown = printable(word)
    ontology = audioset()
    if word.endswith("/") and len(word) > 1:
        if _nodes(word):
            return f"class {shown!r}: the model has no classes in that subtree"
        hint = nearest(word[:-1], ontology.names.values())
        return f"class {shown!r}: the ontology has no such node{hint}; see: yamkit classes --tree"
    if any(word in (mid, name) for mid, name in ontology.names.items()):
        return (
            f"class {shown!r}: in the ontology, but not a class of the model; for the classes "
            f"below it: {shown + '/'!r}"
        )
    hint = nearest(word, [entry.name for entry in classes])
    return f"class {shown!r}: not one of the {len(classes)} classes{hint}; see: yamkit classes"


def choose_classes(
    classes: Sequence[TagClass],
    included: str | int | Iterable[str | int] = (),
    excluded: str | int | Iterable[str | int] = (),
) -> tuple[int, ...] | None:
    """Return the classes that words choose; see `find_classes`.

    Parameters
    ----------
    classes : sequence of TagClass
        The model's.
    included, excluded : str, int, or iterable of them
        Classes to choose (all if empty), and classes to leave out.

    Returns
    -------
    tuple of int or None
        Indices, ascending; None for all.

    Raises
    ------
    ParameterError
        If a word is unknown, or all classes are left out.
    """
    included, excluded = listed(included), listed(excluded)
    if not included and not excluded:
        return None
    find = class_finder(classes)
    chosen = {index for word in included for index in find(word)}
    left = (chosen if included else set(range(len(classes)))) - {
        index for word in excluded for index in find(word)
    }
    if not left:
        raise ParameterError("no classes are left to report: exclude fewer classes")
    return tuple(sorted(left))


def columns_below(
    classes: Sequence[TagClass], chosen: Iterable[int]
) -> tuple[tuple[int, ...], ...]:
    """Return for each column, one per chosen class, the columns of the classes below it."""
    members = _members(tuple(classes))
    columns = {index: column for column, index in enumerate(chosen)}
    return tuple(
        tuple(columns[below] for below in members[index][1:] if below in columns)
        for index in columns
    )


@functools.lru_cache(maxsize=4)
def _members(classes: tuple[TagClass, ...]) -> tuple[tuple[int, ...], ...]:
    return roll_up(classes)


def roll_up(classes: Sequence[TagClass]) -> tuple[tuple[int, ...], ...]:
    """Return for each class the indices of itself and of the model's classes below it."""
    ontology = audioset()
    places = {entry.mid: entry.index for entry in classes if entry.mid}
    return tuple(
        (entry.index, *(places[mid] for mid in ontology.below(entry.mid) if mid in places))
        for entry in classes
    )


def _indexed(index: int, classes: Sequence[TagClass]) -> tuple[int, ...]:
    place = integer_of(index)
    if place is None or not 0 <= place < len(classes):
        raise ParameterError(
            f"class {index!r}: must be a name or an index from 0 to {len(classes) - 1}"
        )
    return (place,)


def _subtree(word: str, classes: Sequence[TagClass]) -> tuple[int, ...]:
    below = {mid for top in _nodes(word) for mid in (top, *audioset().below(top))}
    if not below:
        return ()
    return tuple(entry.index for entry in classes if entry.mid in below)


def _nodes(word: str) -> list[str]:
    """Return the machine identifiers of the nodes that a word ending in ``/`` names."""
    named = word[:-1].casefold()
    return [*_nodes_by_name().get(named, ()), *({named} & audioset().names.keys())]


@functools.cache
def _nodes_by_name() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for mid, name in audioset().names.items():
        found.setdefault(name.casefold(), []).append(mid)
    return found
