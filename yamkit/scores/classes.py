"""Which classes of a model somebody means: by name, machine identifier, index, or a subtree."""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, NamedTuple

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
"""Of a word, which may be a list: the names of all 521 classes of AudioSet are fewer."""


def find_classes(word: str | int, classes: Sequence[TagClass]) -> tuple[int, ...]:
    """Find the classes that a word means.

    Parameters
    ----------
    word : str or int
        An index; or as text a name (capital letters do not matter), a machine identifier, an
        index, or a name or machine identifier of the AudioSet ontology with a ``/`` behind it: that
        node and all below it; or several of these with commas between them. A name that holds
        commas itself is one.
    classes : sequence of TagClass
        The model's.

    Returns
    -------
    tuple of int
        Indices, ascending, at least one.

    Raises
    ------
    ParameterError
        If it means none of them, or is longer than `MOST_CHARACTERS`.
    """
    return class_finder(classes)(word)


def class_finder(classes: Sequence[TagClass]) -> Callable[[str | int], tuple[int, ...]]:
    """Make `find_classes` for many words: the names of the classes are gathered once."""
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
    """Split a list at its commas, but for those that are part of a name.

    Parameters
    ----------
    text : str
    is_known : callable
        Tells whether a word is one; of several ways to split, that with the longest words first
        counts.
    most_commas : int
        In a name.

    Returns
    -------
    words : list of str
    unknown : str or None
        What is no word, where there is no way.

    Raises
    ------
    ParameterError
        If the text is longer than `MOST_CHARACTERS`.
    """
    _check_length(text)
    pieces = [piece for piece in text.split(",") if piece.strip()] or [text]
    count = len(pieces)
    ends = [0] * count + [count]  # of the word that begins at a piece; 0: none does
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
            f"class {printable(text[:20])!r}...: {len(text):,} characters; wanted at most "
            f"{MOST_CHARACTERS:,}"
        )


class _Names(NamedTuple):
    """Classes by what they may be called, so that long lists of words are found fast."""

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
    """Give the indices of one word; none where it means nothing."""
    found = names.exact.get(word, ())
    if not found and word.endswith("/") and len(word) > 1:
        return _subtree(word, names.classes)
    found = found or names.folded.get(word.casefold(), ())
    if not found and word.isdecimal() and len(word) < 10 and int(word) < len(names.classes):
        found = [int(word)]
    return tuple(found)


def _unknown(word: str, classes: Sequence[TagClass]) -> str:
    """Say what is wrong with a word that means nothing."""
    shown = printable(word)
    ontology = audioset()
    if word.endswith("/") and len(word) > 1:
        if _nodes(word):
            return f"class {shown!r}: the model has no class in that subtree"
        hint = nearest(word[:-1], ontology.names.values())
        return f"class {shown!r}: the ontology has no such node{hint}; see: yamkit classes --tree"
    if any(word in (mid, name) for mid, name in ontology.names.items()):
        return (
            f"class {shown!r}: none of the model's, but the ontology has it; wanted "
            f"{shown + '/'!r} for the classes below it"
        )
    hint = nearest(word, [entry.name for entry in classes])
    return f"class {shown!r}: none of the {len(classes)} classes{hint}; see: yamkit classes"


def choose_classes(
    classes: Sequence[TagClass],
    wanted: str | Iterable[str | int] = (),
    unwanted: str | Iterable[str | int] = (),
) -> tuple[int, ...] | None:
    """Choose classes by words; see `find_classes`.

    Parameters
    ----------
    classes : sequence of TagClass
        The model's.
    wanted, unwanted : str, or iterable of str or int
        Those alone, all if empty; and those not.

    Returns
    -------
    tuple of int or None
        Indices, ascending; None for all.

    Raises
    ------
    ParameterError
        If a word means none of them, or none is left.
    """
    wanted, unwanted = listed(wanted), listed(unwanted)
    if not wanted and not unwanted:
        return None
    find = class_finder(classes)
    chosen = {index for word in wanted for index in find(word)}
    left = (chosen if wanted else set(range(len(classes)))) - {
        index for word in unwanted for index in find(word)
    }
    if not left:
        raise ParameterError("no class is left of those wanted without those not wanted")
    return tuple(sorted(left))


def columns_below(
    classes: Sequence[TagClass], chosen: Iterable[int]
) -> tuple[tuple[int, ...], ...]:
    """Give for each of several columns, the classes chosen, the columns of those below it."""
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
    """Give for each class the indices of itself and of the model's classes below it."""
    ontology = audioset()
    places = {entry.mid: entry.index for entry in classes if entry.mid}
    return tuple(
        (entry.index, *(places[mid] for mid in ontology.below(entry.mid) if mid in places))
        for entry in classes
    )


def _indexed(index: int, classes: Sequence[TagClass]) -> tuple[int, ...]:
    try:
        place = operator.index(index)
    except TypeError:
        place = -1
    if not 0 <= place < len(classes):
        raise ParameterError(
            f"class {index!r}: wanted a name, or an index of 0 to {len(classes) - 1}"
        )
    return (place,)


def _subtree(word: str, classes: Sequence[TagClass]) -> tuple[int, ...]:
    below = {mid for top in _nodes(word) for mid in (top, *audioset().below(top))}
    if not below:
        return ()
    return tuple(entry.index for entry in classes if entry.mid in below)


def _nodes(word: str) -> list[str]:
    """Give the machine identifiers of the nodes that a word with a / behind it names."""
    named = word[:-1].casefold()
    return [*_nodes_by_name().get(named, ()), *({named} & audioset().names.keys())]


@functools.cache
def _nodes_by_name() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for mid, name in audioset().names.items():
        found.setdefault(name.casefold(), []).append(mid)
    return found
