"""Scheduling: any number of streams and threads, the same results in the same order."""

from __future__ import annotations

import threading
from contextlib import ExitStack, closing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yamkit.errors import AudioError, BrokenPluginError
from yamkit.run.scheduler import Ended, Failed, tag_streams
from yamkit.types import Batch, Patches


def piece(stream: int, start: int, count: int) -> Patches:
    places = np.arange(start, start + count)
    return Patches(places, np.full((count, 1), stream, np.float32))


def infer(pieces) -> list[Batch]:
    """The scores of a patch are its stream and its place."""
    return [
        Batch(
            each.start_samples,
            np.column_stack([each.values[:, 0], each.start_samples]).astype(np.float32),
            each.values,
        )
        for each in pieces
    ]


def read(stream):
    number, counts = stream
    start = 0
    for count in counts:
        if count == 0:
            raise AudioError(f"stream {number} breaks off")
        yield piece(number, start, count)
        start += count


def tag(streams, *, read=read, infer=infer, jobs=1, batch_size=4, is_live=lambda stream: False):
    return tag_streams(
        streams,
        lambda stream, opened: opened.enter_context(closing(read(stream))),
        infer,
        lambda stream, event: [event],
        jobs=jobs,
        batch_size=batch_size,
        is_live=is_live,
    )


def listed(events) -> list[tuple]:
    """What came of each stream, in order."""
    found = []
    for stream, event in events:
        if isinstance(event, Batch):
            rows = event.scores.astype(int).tolist()
            assert [place for _, place in rows] == event.start_samples.tolist()
            found.append((stream[0], rows))
        elif isinstance(event, Failed):
            found.append((stream[0], str(event.error)))
        else:
            assert isinstance(event, Ended)
            found.append((stream[0], "ended"))
    return found


def expected(streams) -> list[tuple]:
    found = []
    for number, counts in streams:
        start = 0
        for count in counts:
            if count == 0:
                found.append((number, f"stream {number} breaks off"))
                break
            found.append((number, [[number, start + each] for each in range(count)]))
            start += count
        else:
            found.append((number, "ended"))
    return found


streams_of_any_kind = st.lists(st.lists(st.integers(0, 6), max_size=6), max_size=12).map(
    lambda counts: list(enumerate(counts))
)


@settings(max_examples=150, deadline=None)
@given(streams_of_any_kind, st.integers(1, 5), st.integers(1, 9))
def test_every_stream_gets_its_own_in_order(streams, jobs: int, batch_size: int) -> None:
    assert listed(tag(streams, jobs=jobs, batch_size=batch_size)) == expected(streams)


def test_one_job_needs_no_thread() -> None:
    seen = set()

    def noted(pieces):
        seen.add(threading.current_thread())
        return infer(pieces)

    list(tag([(0, [3, 3]), (1, [2])], infer=noted))
    assert seen == {threading.current_thread()}


@pytest.mark.parametrize("jobs", [1, 3])
def test_patches_of_several_streams_share_a_batch(jobs: int) -> None:
    sizes = []

    def noted(pieces):
        sizes.append(sum(len(each) for each in pieces))
        return infer(pieces)

    list(tag([(number, [1]) for number in range(64)], infer=noted, jobs=jobs, batch_size=8))
    assert sum(sizes) == 64
    assert max(sizes) == 8
    assert len(sizes) <= 8 + jobs


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("is_empty", [False, True])
def test_streams_are_opened_a_limited_number_ahead(jobs: int, is_empty: bool) -> None:
    given = opened = 0

    def endless():
        nonlocal opened
        while True:
            assert opened <= given + 1024 + 1
            yield opened, [] if is_empty else [1]
            opened += 1

    with closing(tag(endless(), jobs=jobs)) as events:
        for given in range(4000):  # noqa: B007
            while not isinstance(next(events)[1], Ended):
                pass


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_long_stream_is_read_a_limited_length_ahead(jobs: int) -> None:
    given = read_ahead = 0

    def read_on(stream):
        nonlocal read_ahead
        while True:
            assert read_ahead <= 4 * given + 1024 + 4
            yield piece(0, read_ahead, 4)
            read_ahead += 4

    with closing(tag([(0, None)], read=read_on, jobs=jobs)) as events:
        for given in range(4000):  # noqa: B007
            assert isinstance(next(events)[1], Batch)


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_stream_that_spoils_a_batch_fails_alone(jobs: int) -> None:
    def choosy(pieces):
        if any(each.values[0, 0] == 1 for each in pieces):
            raise BrokenPluginError("not this one")
        return infer(pieces)

    found = listed(tag([(0, [1]), (1, [1, 1]), (2, [1])], infer=choosy, jobs=jobs))
    assert found == [(0, [[0, 0]]), (0, "ended"), (1, "not this one"), (2, [[2, 0]]), (2, "ended")]


@pytest.mark.parametrize("jobs", [1, 3])
def test_errors_outside_of_streams_are_raised(jobs: int) -> None:
    def broken(pieces):
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        list(tag([(0, [1])], infer=broken, jobs=jobs))

    def breaking():
        yield 0, [1]
        raise ZeroDivisionError("no more streams")

    with pytest.raises(ZeroDivisionError, match="no more streams"):
        list(tag(breaking(), jobs=jobs))


@pytest.mark.parametrize("jobs", [1, 3])
def test_an_early_end_closes_what_is_open(jobs: int) -> None:
    open_streams = []

    def read_on(stream):
        open_streams.append(stream)
        try:
            while True:
                yield piece(0, 0, 4)
        finally:
            open_streams.remove(stream)

    events = tag([(number, None) for number in range(9)], read=read_on, jobs=jobs)
    next(events)
    assert open_streams
    events.close()
    del events
    assert not open_streams
    assert not [each for each in threading.enumerate() if each.name.startswith("yamkit-")]


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("ends", ["well", "in reading", "in the network", "in closing"])
def test_a_stream_is_closed_however_it_ends(jobs: int, ends: str) -> None:
    open_streams: list[int] = []

    def read_on(number: int, opened: ExitStack):
        def close() -> None:
            open_streams.remove(number)
            if ends == "in closing" and number == 1:
                raise AudioError("stream 1 cannot be closed")

        open_streams.append(number)
        opened.callback(close)
        counts = [4, 0 if ends == "in reading" and number == 1 else 4]
        yield from read((number, counts))

    def choosy(pieces):
        if ends == "in the network" and any(each.values[0, 0] == 1 for each in pieces):
            raise BrokenPluginError("not this one")
        return infer(pieces)

    options = {"jobs": jobs, "batch_size": 4}
    events = tag_streams([0, 1, 2], read_on, choosy, lambda _, event: [event], **options)
    found = [(number, type(event)) for number, event in events if not isinstance(event, Batch)]
    assert found == [(0, Ended), (1, Ended if ends == "well" else Failed), (2, Ended)]
    assert not open_streams


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_live_stream_holds_no_other_up(jobs: int) -> None:
    """What was read of others is given while a live stream waits for its samples."""
    more = threading.Event()

    def read_on(stream):
        if stream[0] == 1:
            yield piece(1, 0, 1)
            assert more.wait(20)
            yield piece(1, 1, 1)
        else:
            yield from read(stream)

    events = tag([(0, [3]), (1, None)], read=read_on, jobs=jobs, is_live=lambda each: each[0] == 1)
    found = [listed([next(events)])[0] for _ in range(3)]
    assert found == [(0, [[0, 0], [0, 1], [0, 2]]), (0, "ended"), (1, [[1, 0]])]
    more.set()
    assert listed(events) == [(1, [[1, 1]]), (1, "ended")]
