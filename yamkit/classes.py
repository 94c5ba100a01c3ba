"""Which classes of a model somebody means: by name, machine identifier, index, or a subtree."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from yamkit._text import listed, nearest, printable
from yamkit.errors import ParameterError
from yamkit.ontology import audioset

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from yamkit.types import TagClass

__all__ = ["choose_classes", "find_classes", "roll_up"]


def find_classes(word: str | int, classes: Sequence[TagClass]) -> tuple[int, ...]:
    """Find the classes that a word means.

    Parameters
    ----------
    word : str or int
        An index; or as text a name (capital letters do not matter), a machine identifier, an
        index, or a name or machine identifier of the AudioSet ontology with a ``/`` behind it: that
        node and all below it.
    classes : sequence of TagClass
        The model's.

    Returns
    -------
    tuple of int
        Indices, ascending, at least one.

    Raises
    ------
    ParameterError
        If it means none of them.
    """
    if not isinstance(word, str):
        return _indexed(word, classes)
    found = [entry.index for entry in classes if word in (entry.name, entry.mid) and word]
    if not found and word.endswith("/") and len(word) > 1:
        return _subtree(word, classes)
    folded = word.casefold()
    found = found or [entry.index for entry in classes if entry.name.casefold() == folded]
    if not found and word.isdecimal() and len(word) < 10 and int(word) < len(classes):
        found = [int(word)]
    if not found:
        shown = printable(word)
        ontology = audioset()
        if any(word in (mid, name) for mid, name in ontology.names.items()):
            raise ParameterError(
                f"class {shown!r}: none of the model's, but the ontology has it; wanted "
                f"{shown + '/'!r} for the classes below it"
            )
        hint = nearest(word, [entry.name for entry in classes])
        raise ParameterError(
            f"class {shown!r}: none of the {len(classes)} classes{hint}; see: yamkit classes"
        )
    return tuple(found)


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
    chosen = {index for word in wanted for index in find_classes(word, classes)}
    left = (chosen if wanted else set(range(len(classes)))) - {
        index for word in unwanted for index in find_classes(word, classes)
    }
    if not left:
        raise ParameterError("no class is left of those wanted without those not wanted")
    return tuple(sorted(left))


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
    ontology = audioset()
    named = word[:-1].casefold()
    tops = [mid for mid, name in ontology.names.items() if named in (mid, name.casefold())]
    if not tops:
        hint = nearest(word[:-1], ontology.names.values())
        raise ParameterError(
            f"class {printable(word)!r}: the ontology has no such node{hint}; see: yamkit classes "
            "--tree"
        )
    below = {mid for top in tops for mid in (top, *ontology.below(top))}
    found = tuple(entry.index for entry in classes if entry.mid in below)
    if not found:
        raise ParameterError(f"class {printable(word)!r}: the model has no class in that subtree")
    return found
