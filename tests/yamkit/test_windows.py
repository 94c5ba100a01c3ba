"""Segments: the padding rule at its edges, and independence of the cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.windows import patch_count, segments

YAMNET = (15600, 7680)


@pytest.mark.parametrize(
    ("samples", "patches"),
    [(0, 1), (1, 1), (15599, 1), (15600, 1), (15601, 2), (23280, 2), (23281, 3), (160000, 20)],
)
def test_the_published_padding_rule(samples: int, patches: int) -> None:
    assert patch_count(samples, *YAMNET) == patches


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
    assert sizes[:-1] == [batch_size] * (len(sizes) - 1)
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
