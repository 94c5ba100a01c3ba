"""Event-based metrics, worked by hand; as many events as possible are matched."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from yamkit.evaluation.events.collars import _match, collar_based
from yamkit.evaluation.events.counts import ClipEvents, Counts, EventRow

A, B = 0, 1


def test_collars_by_hand() -> None:
    reference = [EventRow(A, 1.0, 2.0), EventRow(A, 5.0, 9.0), EventRow(B, 12.0, 13.0)]
    estimated = [
        EventRow(A, 1.2, 2.5),  # both within: 0.2, and half of one second
        EventRow(A, 5.0, 11.1),  # the offset is 2.1 off, allowed are 2
        EventRow(A, 12.1, 13.1),  # the place is right, the class is not
    ]
    found = collar_based([ClipEvents(reference, estimated, 20)], 2)
    assert found.overall == Counts(3, 3, 1, 1)
    assert found.overall.error_rate == 1
    assert found.classes == (Counts(2, 3, 1), Counts(1, 0, 0))


def test_matching_finds_as_many_as_possible() -> None:
    # the first annotated event must give way: both fit it, the second fits one alone
    reference = [EventRow(A, 1.0, 2.0), EventRow(A, 1.15, 2.15)]
    estimated = [EventRow(A, 0.99, 2.0), EventRow(A, 0.85, 2.0)]
    assert collar_based([ClipEvents(reference, estimated, 5)], 1).overall.correct == 2


@given(st.integers(0, 6), st.data())
def test_no_matching_is_larger(count: int, data) -> None:
    columns = data.draw(st.integers(0, 5))
    fits = [
        sorted(data.draw(st.sets(st.integers(0, columns - 1)))) if columns else []
        for _ in range(count)
    ]
    found = _match(fits)
    assert all(column in fits[row] for row, column in found.items())
    assert len(set(found.values())) == len(found)
    choices = [[None, *each] for each in fits]
    best = max(
        sum(column is not None for column in chosen)
        for chosen in itertools.product(*choices)
        if len({c for c in chosen if c is not None}) == sum(c is not None for c in chosen)
    )
    assert len(found) == best


def test_a_long_chain_needs_no_recursion() -> None:
    count = 5000
    fits = [[row, row + 1] if row else [1] for row in range(count - 1)] + [[count - 1, 0]]
    assert len(_match(fits)) == count
