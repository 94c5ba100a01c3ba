"""Windows of a file: parts, corrected bytes, and errors that are kept."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.audio.formats import window as windows
from yamkit.audio.formats.window import Window, find


@given(
    data=st.binary(max_size=60),
    start=st.integers(0, 70),
    end=st.none() | st.integers(0, 70),
    patches=st.lists(st.tuples(st.integers(0, 60), st.binary(max_size=5)), max_size=3),
    reads=st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)), max_size=5),
)
def test_a_window_shows_the_bytes_of_its_part_but_for_the_patches(
    data: bytes,
    start: int,
    end: int | None,
    patches: list[tuple[int, bytes]],
    reads: list[tuple[int, int]],
) -> None:
    expected = bytearray(data[start : len(data) if end is None else max(start, end)])
    for at, patch in patches:
        for place, byte in enumerate(patch, start=at):
            if place < len(expected):
                expected[place] = byte
    window = Window(io.BytesIO(data), start, end, patches)
    assert window.length == len(expected)
    for at, size in reads:
        assert window.read_at(at, size) == bytes(expected[at : at + size])
        assert window.tell() == at + len(expected[at : at + size])


def test_windows_on_a_file_are_independent() -> None:
    whole = Window(io.BytesIO(bytes(range(20))), 5)
    part = whole.part(5, 8)
    assert whole.read(2) == bytes([5, 6])
    assert part.read(9) == bytes([10, 11, 12])
    assert whole.read(2) == bytes([7, 8])


def test_an_error_is_kept_until_it_is_asked_for() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    window = Window(Broken(bytes(9)), 0)
    assert window.read(3) == b""
    assert window.read(3) == b""
    with pytest.raises(OSError, match="Input/output error"):
        window.check()
    window.check()


@given(junk=st.integers(0, 40), tail=st.integers(0, 9), start=st.integers(0, 50))
def test_find_sees_matches_across_its_reads(junk: int, tail: int, start: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "_AT_ONCE", 7)
        window = Window(io.BytesIO(bytes(junk) + b"mark" + bytes(tail)), 0)
        found = find(window, re.compile(b"mark"), start)
    assert found == (junk if start <= junk else None)
