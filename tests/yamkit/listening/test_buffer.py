"""Buffers between two threads: in order, bounded, and honest about what they dropped."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.errors import AudioValueError
from yamkit.listening import Block, Buffer


def block(samples: int, value: float = 0.0) -> np.ndarray:
    return np.full((samples, 1), value, np.float32)


def test_a_buffer_gives_blocks_in_their_order_and_then_the_error() -> None:
    buffer = Buffer(100, can_wait=False)
    assert buffer.put(block(30, 1))
    assert buffer.put(block(20, 2))
    buffer.end(AudioValueError("no more"))
    assert not buffer.put(block(10))
    given = buffer.blocks()
    assert [(one.start_sample, one.end_sample) for one in (next(given), next(given))] == [
        (0, 30),
        (30, 50),
    ]
    with pytest.raises(AudioValueError, match="no more"):
        next(given)


@pytest.mark.parametrize("shape", [(2, 512), (512, 2), (1, 512)])
def test_a_buffer_refuses_several_channels(shape: tuple[int, int]) -> None:
    buffer = Buffer(1000, can_wait=False)
    with pytest.raises(AudioValueError, match="one channel"):
        buffer.put(np.zeros(shape, np.float32))
    with pytest.raises(AudioValueError, match=r"float32 .* float32 \[samples\]"):
        Block(0, np.zeros(shape, np.float32), 0.0, 0.0)
    with pytest.raises(AudioValueError, match="block of int16"):
        Block(0, np.zeros(512, np.int16), 0.0, 0.0)


def test_a_buffer_scales_integers() -> None:
    buffer = Buffer(1000, can_wait=False)
    buffer.put(np.full(3, 2**14, np.int16))
    buffer.put(np.full((3, 1), 2**30, np.int32))
    buffer.end()
    for one in buffer.blocks():
        np.testing.assert_array_equal(one.samples, np.full(3, 0.5, np.float32))


def test_a_full_buffer_drops_the_oldest_half() -> None:
    buffer = Buffer(100, can_wait=False)
    for _ in range(11):
        buffer.put(block(10))
    assert buffer.dropped_samples == 50
    buffer.end()
    assert [one.start_sample for one in buffer.blocks()] == [50, 60, 70, 80, 90, 100]


@given(st.lists(st.integers(1, 150), min_size=1, max_size=60))
def test_a_buffer_that_drops_never_grows_and_counts_what_it_dropped(sizes: list[int]) -> None:
    buffer = Buffer(100, can_wait=False)
    for size in sizes:
        buffer.put(block(size))
        assert sum(len(one.samples) for one in buffer._blocks) <= max(100, size)
    buffer.end()
    kept = list(buffer.blocks())
    assert sum(sizes) - buffer.dropped_samples == sum(len(one.samples) for one in kept)
    assert kept[-1].end_sample == sum(sizes)


def test_a_full_buffer_makes_a_pipe_wait() -> None:
    buffer = Buffer(100, can_wait=True)
    put = []

    def bring() -> None:
        for number in range(50):
            buffer.put(block(20))
            put.append(number)
        buffer.end()

    thread = threading.Thread(target=bring)
    thread.start()
    seen = 0
    for one in buffer.blocks():
        assert sum(len(each.samples) for each in buffer._blocks) <= 100
        assert one.start_sample == seen
        seen = one.end_sample
    thread.join()
    assert seen == 1000
    assert buffer.dropped_samples == 0
    assert buffer.waited_seconds >= 0


def test_stopping_wakes_both_ends() -> None:
    buffer = Buffer(10, can_wait=True)
    buffer.put(block(10))
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(buffer.put(block(10))))
    waiting.start()
    buffer.stop()
    waiting.join()
    assert answers == [False]
    assert list(buffer.blocks()) == []
    empty = Buffer(10, can_wait=True)
    reader = threading.Thread(target=lambda: answers.append(list(empty.blocks())))
    reader.start()
    empty.stop()
    reader.join()
    assert answers == [False, []]
