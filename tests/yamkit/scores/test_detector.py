"""Events: the streaming detector against one that sees the whole clip, as the definition says."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yamkit.pipeline.windows import patch_count
from yamkit.scores.detector import ClosedEvent, EventDetector, OpenedEvent
from yamkit.scores.event_parameters import delay_seconds
from yamkit.scores.events import OnsetOrder, find_events
from yamkit.scores.grid import Grid
from yamkit.types import EventParameters

YAMNET = Grid(hop_samples=7680, window_samples=15600, sample_rate_hz=16000)


def cells_by_definition(grid: Grid, scores, samples: int, reduce) -> list:
    """The patches that cover a cell whole; where none does, at the end, the last."""
    hop, window = grid.hop_samples, grid.window_samples
    found = []
    for start in range(0, samples, hop):
        covering = [
            row
            for place, row in enumerate(scores)
            if place * hop <= start and start + hop <= place * hop + window
        ]
        if hop > window:
            covering = [scores[start // hop]]
        found.append(reduce(np.array(covering or [scores[-1]], np.float64), axis=0))
    return found


def events_by_definition(grid: Grid, scores, samples: int, enter, leave, expected) -> list:
    reduce = {"mean": np.mean, "max": np.max}
    cells = np.array(cells_by_definition(grid, scores, samples, reduce[expected.cells]))
    half = expected.median_cells // 2
    smooth = np.array(
        [np.median(cells[max(0, n - half) : n + half + 1], axis=0) for n in range(len(cells))]
    )
    found = []
    for column in range(smooth.shape[1]):
        reached = np.flatnonzero(smooth[:, column] >= leave[column])
        parts = np.split(reached, np.flatnonzero(np.diff(reached) > 1) + 1)
        runs = [
            [int(part[0]), int(part[-1]) + 1]
            for part in parts
            if len(part) and smooth[part, column].max() >= enter[column]
        ]
        joined: list = []
        gap = round(expected.join_gap_seconds * grid.sample_rate_hz)
        for run in runs:
            if joined and (run[0] - joined[-1][1]) * grid.hop_samples <= gap:
                joined[-1][1] = run[1]
            else:
                joined.append(run)
        for first, last in joined:
            onset, offset = first * grid.hop_samples, min(last * grid.hop_samples, samples)
            if offset - onset >= round(expected.min_duration_seconds * grid.sample_rate_hz):
                score = reduce[expected.score](smooth[first:last, column])
                found.append(ClosedEvent(column, onset, offset, float(score)))
    return sorted(found, key=lambda event: (event.onset_sample, event.column))


@st.composite
def problems(draw):
    hop = draw(st.integers(1, 12))
    window = draw(st.integers(1, 40))
    grid = Grid(hop, window, draw(st.sampled_from([1, 4, 7])))
    samples = draw(st.integers(1, 260))
    count = patch_count(samples, window, hop)
    columns = draw(st.integers(1, 3))
    values = st.sampled_from([0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 1.0])
    scores = np.array(
        draw(st.lists(values, min_size=count * columns, max_size=count * columns)), np.float32
    ).reshape(count, columns)
    enter = np.array(draw(st.lists(values, min_size=columns, max_size=columns)))
    leave = np.minimum(enter, draw(values))
    expected = EventParameters(
        cells=draw(st.sampled_from(["mean", "max"])),
        score=draw(st.sampled_from(["mean", "max"])),
        median_cells=draw(st.sampled_from([1, 3, 5, 9])),
        min_duration_seconds=draw(st.sampled_from([0.0, 1.0, 3.0, 10.0])),
        join_gap_seconds=draw(st.sampled_from([0.0, 1.0, 3.0, 10.0])),
    )
    return grid, scores, samples, enter, leave, expected


def found_at_once(grid, scores, samples, enter, leave, expected) -> list:
    return find_events(EventDetector(grid, enter, leave, expected), scores, samples)


@given(problems())
@pytest.mark.long(reason="tags many clips")
def test_the_stream_gives_what_the_definition_says(problem) -> None:
    found = found_at_once(*problem)
    expected = events_by_definition(*problem)
    assert [dataclasses.astuple(each)[:3] for each in found] == [
        dataclasses.astuple(each)[:3] for each in expected
    ]
    assert [each.score for each in found] == pytest.approx([each.score for each in expected])
    samples = problem[2]
    assert all(0 <= each.onset_sample < each.offset_sample <= samples for each in found)


def known_samples(grid: Grid, patches: int, count: int, samples: int) -> int:
    """What a stream knows when so many patches are there: the last one may hold padding."""
    if patches == count:
        return samples
    return (patches - 1) * grid.hop_samples + grid.window_samples


@given(problems(), st.lists(st.integers(0, 300)))
@pytest.mark.long(reason="tags many clips")
def test_events_do_not_depend_on_the_cut(problem, cuts) -> None:
    grid, scores, samples, enter, leave, expected = problem
    detector, order = EventDetector(grid, enter, leave, expected), OnsetOrder()
    places = [0, *sorted({cut for cut in cuts if 0 < cut < len(scores)}), len(scores)]
    found, changes = [], []
    for start, end in itertools.pairwise(places):
        known = known_samples(grid, end, len(scores), samples)
        new = list(detector.update(scores[start:end], known))
        changes += new
        found += order.update(iter(new), detector)
    last = list(detector.finish(samples))
    changes += last
    found += order.update(iter(last), detector)
    assert found == found_at_once(*problem)
    opened = {(each.column, each.onset_sample) for each in changes if isinstance(each, OpenedEvent)}
    assert opened == {(each.column, each.onset_sample) for each in found}


@st.composite
def ordered_problems(draw):
    """Problems whose columns stand in trees: for each, the columns below it."""
    grid, _, samples, _, _, expected = draw(problems())
    columns = draw(st.integers(2, 5))
    parents = [draw(st.none() | st.integers(0, n - 1)) if n else None for n in range(columns)]
    below = [[] for _ in range(columns)]
    for column in range(columns):
        above = parents[column]
        while above is not None:
            below[above].append(column)
            above = parents[above]
    order = draw(st.permutations(range(columns)))  # a class need not stand before those below
    below = [sorted(order.index(each) for each in below[order[n]]) for n in range(columns)]
    count = patch_count(samples, grid.window_samples, grid.hop_samples)
    values = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
    scores = draw(st.lists(values, min_size=count * columns, max_size=count * columns))
    enter = np.array(draw(st.lists(values, min_size=columns, max_size=columns)))
    leave = np.minimum(enter, draw(values))
    return (
        (
            grid,
            np.array(scores, np.float32).reshape(count, columns),
            samples,
            enter,
            leave,
            expected,
        ),
        below,
    )


def cells_of(event: ClosedEvent, grid: Grid) -> slice:
    hop = grid.hop_samples
    return slice(event.onset_sample // hop, -(-event.offset_sample // hop))


@settings(max_examples=300)
@given(ordered_problems(), st.lists(st.integers(0, 300)))
@pytest.mark.long(reason="tags many clips")
def test_no_class_has_an_event_while_one_below_has(ordered, cuts) -> None:
    (grid, scores, samples, enter, leave, expected), below = ordered
    detector = EventDetector(grid, enter, leave, expected, below=below)
    order = OnsetOrder()
    places = [0, *sorted({cut for cut in cuts if 0 < cut < len(scores)}), len(scores)]
    found, changes = [], []
    for start, end in itertools.pairwise(places):
        known = known_samples(grid, end, len(scores), samples)
        new = list(detector.update(scores[start:end], known))
        changes += new
        found += order.update(iter(new), detector)
    last = list(detector.finish(samples))
    changes += last
    found += order.update(iter(last), detector)

    whole = EventDetector(grid, enter, leave, expected, below=below)
    assert found == find_events(whole, scores, samples)
    assert found == sorted(found, key=lambda each: (each.onset_sample, each.column))
    # what opens closes once, be it void
    opened = sorted((e.column, e.onset_sample) for e in changes if isinstance(e, OpenedEvent))
    closed = [each for each in changes if isinstance(each, ClosedEvent)]
    assert opened == sorted((each.column, each.onset_sample) for each in closed)
    assert [each for each in closed if each.is_void] == [
        each for each in closed if each not in found
    ]
    assert all(each.is_replaced for each in closed if each.is_void)

    reduce = {"mean": np.mean, "max": np.max}
    cells = np.array(cells_by_definition(grid, scores, samples, reduce[expected.cells]))
    half = expected.median_cells // 2
    smooth = np.array(
        [np.median(cells[max(0, n - half) : n + half + 1], axis=0) for n in range(len(cells))]
    )
    held = np.zeros(smooth.shape, bool)
    plain = np.zeros(smooth.shape, bool)
    for event in found_at_once(grid, scores, samples, enter, leave, expected):
        place = slice(
            event.onset_sample // grid.hop_samples, -(-event.offset_sample // grid.hop_samples)
        )
        plain[place, event.column] = True
    for event in found:
        place = slice(
            event.onset_sample // grid.hop_samples, -(-event.offset_sample // grid.hop_samples)
        )
        held[place, event.column] = True
        own = smooth[place, event.column]
        assert event.score == pytest.approx(float(reduce[expected.score](own)))
        assert own.max() >= enter[event.column]
        lasts = event.offset_sample - event.onset_sample
        assert lasts >= round(expected.min_duration_seconds * grid.sample_rate_hz)
    assert not (held & ~plain).any()
    for column, lower in enumerate(below):
        covered = held[:, lower].any(axis=1)
        assert not (held[:, column] & covered).any()
        if not expected.min_duration_seconds and not expected.join_gap_seconds:
            # nothing is lost: who reaches `enter` is heard, or a class below is
            assert (held[:, column] | covered)[smooth[:, column] >= enter[column]].all()
    related = {column for column, lower in enumerate(below) if lower} | set().union(*below)
    for column in set(range(len(below))) - related:
        assert (held[:, column] == plain[:, column]).all()


def test_a_bark_is_one_event() -> None:
    animal, dog, bark = 0, 1, 2
    scores = np.array(
        [[0.2, 0, 0], [0.4, 0.2, 0], [0.9, 0.8, 0.7], [0.9, 0.8, 0.6], [0.5, 0.2, 0], [0.2, 0, 0]]
    )
    enter, leave = np.full(3, 0.3), np.full(3, 0.1)
    expected = EventParameters(cells="max")
    grid = Grid(10, 10, 10)
    plain = find_events(EventDetector(grid, enter, leave, expected), scores, 60)
    assert sorted(each.column for each in plain) == [animal, dog, bark]
    below = [[dog, bark], [bark], []]
    changes = list(EventDetector(grid, enter, leave, expected, below=below).update(scores, 60))
    # the animal opens first, and is cut off where the bark begins; later it reaches 0.3 anew
    assert [(type(e).__name__, e.column, getattr(e, "is_replaced", "")) for e in changes] == [
        ("OpenedEvent", animal, ""),
        ("ClosedEvent", animal, True),
        ("OpenedEvent", bark, ""),
        ("ClosedEvent", bark, False),
        ("OpenedEvent", animal, ""),
    ]
    found = find_events(EventDetector(grid, enter, leave, expected, below=below), scores, 60)
    assert [(e.column, e.onset_sample, e.offset_sample) for e in found] == [
        (animal, 0, 20),
        (bark, 20, 40),
        (animal, 40, 60),
    ]


def test_an_event_of_yamnet() -> None:
    scores = np.zeros((20, 1), np.float32)
    scores[5:8] = 0.9
    detector = EventDetector(YAMNET, np.array([0.5]), np.array([0.3]), EventParameters())
    (event,) = find_events(detector, scores, 160000)
    # cell 5 reaches 0.45 alone, and belongs to it
    assert (event.onset_sample, event.offset_sample) == (5 * 7680, 9 * 7680)
    assert event.score == pytest.approx((0.45 + 0.9 + 0.9 + 0.45) / 4)


def test_what_a_stream_tells_and_when() -> None:
    scores = np.array([0, 0, 0.9, 0.9, 0, 0, 0.9, 0, 0, 0], np.float32)[:, np.newaxis]
    expected = EventParameters(0.5, 0.5, "max", join_gap_seconds=0.48, min_duration_seconds=1.4)
    detector = EventDetector(YAMNET, np.array([0.5]), np.array([0.5]), expected)
    told = []
    for place in range(len(scores)):
        known = place * 7680 + 15600
        told += [(place, each) for each in detector.update(scores[place : place + 1], known)]
    told += [(10, each) for each in detector.finish(10 * 7680)]
    # cells 2 to 4 and 6 to 7; 5 is a gap of one cell
    assert [(place, type(each).__name__) for place, each in told] == [
        (4, "OpenedEvent"),
        (9, "ClosedEvent"),
    ]
    assert told[1][1].offset_sample == 8 * 7680
    opened, closed = delay_seconds(YAMNET, expected)
    assert opened == pytest.approx(0.975 + 2 * 0.48)
    assert closed == pytest.approx(0.975 + 0.48)
    # the start of cell 2 until patch 4 is there; the end of cell 7 until patch 9 is there
    assert pytest.approx(opened) == (4 * 7680 + 15600 - 2 * 7680) / 16000
    assert pytest.approx(closed) == (9 * 7680 + 15600 - 8 * 7680) / 16000


@pytest.mark.long(reason="tags many clips")
def test_memory_does_not_grow_with_the_stream() -> None:
    detector = EventDetector(
        YAMNET, np.array([0.5, 0.5]), np.array([0.3, 0.3]), EventParameters(median_cells=5)
    )
    scores = np.tile(np.array([[0.9, 0.9], [0.9, 0.0]], np.float32), (5000, 1))
    changes = sum(1 for _ in detector.update(scores, 10**9))
    assert changes > 0
    assert len(detector._open) <= 2
    assert len(detector._median) == 5
