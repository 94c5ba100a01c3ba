"""Records: items come back as they were, and nothing else is taken for one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.run.checks import DAMAGE
from yamkit.run.records import Record, from_record, to_record
from yamkit.types import ClipEnd, ClipFailure, ClipStart, Event, PatchTags, Tag, TagClass

CLASSES = tuple(TagClass(place, f"/m/{place}", f"class {place}") for place in range(4))

times = st.floats(0, 1e6)
spans = st.tuples(times, times).map(sorted)
a_tag = st.builds(
    lambda place, score: Tag(place, f"/m/{place}", f"class {place}", score),
    st.integers(0, 3),
    st.floats(0, 1, width=32),
)
tags = st.lists(a_tag, max_size=5).map(tuple)
arrays = st.none() | st.lists(st.floats(0, 1, width=16), max_size=4).map(
    lambda values: np.array(values, np.float16)
)
items = st.one_of(
    st.builds(ClipStart, st.text(), st.integers(1, 10**7), st.integers(1, 1024)),
    st.builds(lambda span, tag: Event(*span, tag), spans, a_tag),
    st.builds(lambda span, *rest: PatchTags(*span, *rest), spans, tags, arrays, arrays),
    st.builds(
        ClipEnd, times, st.integers(1, 10**9), tags, st.lists(st.text()).map(tuple), arrays, arrays
    ),
    st.builds(ClipFailure, st.text(), st.text(), st.text()),
)


@given(items)
def test_an_item_comes_back_as_it_was(item) -> None:
    found = from_record(to_record(item), CLASSES, "float16")
    assert found == item
    for name in ("scores", "embedding"):
        wanted = getattr(item, name, None)
        if wanted is None:
            assert getattr(found, name, None) is None
        else:
            np.testing.assert_array_equal(getattr(found, name), wanted)
            assert getattr(found, name).dtype == np.float16


@pytest.mark.parametrize(
    "record",
    [
        Record(""),
        Record("[]"),
        Record("{}"),
        Record('["song"]'),
        Record('["start", "a.wav"]'),
        Record('["patch", 0, 1, [[7, 0.5]]]'),
        Record('["patch", 0, 1, 3]'),
        Record('["event", 0, 1, 7, 0.5]'),
        Record('["event", 0, 1]'),
        Record('["end", 1, 1, [], []]', b"odd"),
        Record('["end", 1, 1, [], []]', b"\x00\x7e"),  # NaN
        Record('["end", 1, 1, [], []]', b"\x00\x45"),  # 5
        Record(b'["start", "a.wav", 16000, 1]'),
        Record('["start", "a.wav", NaN, 1]'),
        Record('["start", "a.wav", 16000.5, 1]'),
        Record('["start", "a.wav", 0, 1]'),
        Record('["start", 5, 16000, 1]'),
        Record('["start", "\\ud800.wav", 16000, 1]'),
        Record('["event", NaN, Infinity, 0, 0.5]'),
        Record('["event", 2, 1, 0, 0.5]'),
        Record('["event", -1, 1, 0, 0.5]'),
        Record('["event", 0, 1, 0, NaN]'),
        Record('["event", 0, 1, 0, 5.0]'),
        Record('["event", 0, 1, 0, "0.5"]'),
        Record('["event", 0, 1, -1, 0.5]'),
        Record('["event", 0, 1, true, 0.5]'),
        Record('["event", 0, 1, 1.0, 0.5]'),
        Record('["event", 0, 1' + 400 * "0" + ", 0, 0.5]"),
        Record('["event", 0, 1' + 5000 * "0" + ", 0, 0.5]"),
        Record('["end", 1, 1, [], "abc", 1]'),
        Record('["end", 1, 1, [], [1]]'),
        Record(100_000 * "[" + 100_000 * "]"),
    ],
)
def test_what_is_no_record(record: Record) -> None:
    with pytest.raises(DAMAGE):
        from_record(record, CLASSES, "float16")


@pytest.mark.parametrize(
    "item", [ClipFailure("\udcff.wav", "E", "\udcff"), ClipStart("\udcff", 1, 1)]
)
def test_what_is_no_unicode_comes_back_as_escapes(item) -> None:
    assert from_record(to_record(item), CLASSES, "float16").path.startswith("\\udcff")
