"""Segments: the padding rule at its edges, and independence of the cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.pipeline.windows import patch_count, segments

YAMNET = (15600, 7680)


@pytest.mark.parametrize(
    ("samples", "patches"),
    [(0, 1), (1, 1), (15599, 1), (15600, 1), (15601, 2), (23280, 2), (23281, 3), (160000, 20)],
)
def test_the_published_padding_rule(samples: int, patches: int) -> None:
    assert patch_count(samples, *YAMNET) == patches


@pytest.mark.parametrize(
    ("samples", "patches"), [(1, 1), (10, 1), (20, 1), (21, 2), (30, 2), (40, 2), (41, 3)]
)
def test_a_hop_longer_than_the_window_gives_no_patch_of_padding_alone(
    samples: int, patches: int
) -> None:
    assert patch_count(samples, window=10, hop=20) == patches
    found = list(segments([np.ones(samples, np.float32)], 10, 20, batch_size=8))
    assert [segment.start_sample for segment in found] == [20 * i for i in range(patches)]
    assert all(segment.patches == 1 and segment.samples[0] == 1 for segment in found)


@given(st.integers(0, 10**9), st.integers(1, 10**6), st.integers(1, 10**6))
def test_the_rule_is_the_published_one_where_patches_touch(n: int, window: int, hop: int) -> None:
    hop = min(hop, window)
    assert patch_count(n, window, hop) == 1 + -(-(max(n, window) - window) // hop)


def cut(samples: np.ndarray, places: list[int]) -> list[np.ndarray]:
    return np.split(samples, sorted(place % (len(samples) + 1) for place in places))


@given(
    samples=st.integers(0, 400),
    window=st.integers(1, 40),
    hop=st.integers(1, 60),
    batch_size=st.integers(1, 5),
    places=st.lists(st.integers(0, 400), max_size=8),
)
def test_segments_hold_the_windows_of_the_padded_signal(
    samples: int, window: int, hop: int, batch_size: int, places: list[int]
) -> None:
    signal = np.arange(1, samples + 1, dtype=np.float32)
    found = []
    sizes = []
    for segment in segments(cut(signal, places), window, hop, batch_size):
        assert len(segment.samples) == window + (segment.patches - 1) * hop
        for patch in range(segment.patches):
            begin = patch * hop
            found.append((segment.start_sample + begin, segment.samples[begin : begin + window]))
        sizes.append(segment.patches)
    count = patch_count(samples, window, hop)
    full = batch_size if hop <= window else 1
    assert sizes[:-1] == [full] * (len(sizes) - 1)
    assert sum(sizes) == len(found) == count
    padded = np.concatenate([signal, np.zeros(window + count * hop, np.float32)])
    for number, (start, values) in enumerate(found):
        assert start == number * hop
        np.testing.assert_array_equal(values, padded[start : start + window])


def test_a_segment_comes_as_soon_as_its_samples_are_there() -> None:
    taken = []

    def blocks():
        for number in range(6):
            taken.append(number)
            yield np.zeros(10, np.float32)

    first = next(segments(blocks(), window=20, hop=10, batch_size=2))
    assert first.patches == 2
    assert taken == [0, 1, 2]
