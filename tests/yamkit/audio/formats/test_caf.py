"""The chunks of a CAF."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.audio.formats.caf import caf_chunks, has_broken_packets, second_caf
from yamkit.audio.formats.window import Window

HEAD = b"caff\0\1\0\0"
NAMES = st.sampled_from([b"desc", b"data", b"free", b"info"])


def caf(chunks: list[tuple[bytes, bytes]]) -> bytes:
    return HEAD + b"".join(struct.pack(">4sq", name, len(body)) + body for name, body in chunks)


def opened(data: bytes) -> Window:
    return Window(io.BytesIO(data), 0)


@given(chunks=st.lists(st.tuples(NAMES, st.binary(max_size=9)), max_size=5))
def test_chunks_are_listed_with_their_places(chunks: list[tuple[bytes, bytes]]) -> None:
    data = caf(chunks)
    found = [(name, data[at : at + size]) for name, at, size in caf_chunks(opened(data))]
    assert found == chunks


def test_a_chunk_to_the_end_of_the_file_is_the_last() -> None:
    data = HEAD + struct.pack(">4sq", b"data", -1) + caf([(b"desc", b"")])
    assert [chunk.size for chunk in caf_chunks(opened(data))] == [-1]
    assert second_caf(opened(data)) is None


@pytest.mark.parametrize("padding", [0, 1])
def test_a_joined_file_is_found(padding: int) -> None:
    first = caf([(b"desc", bytes(32)), (b"data", bytes(101))])
    data = first + bytes(padding) + caf([(b"desc", bytes(32))])
    assert second_caf(opened(data)) == len(first) + padding
    assert second_caf(opened(first)) is None


@pytest.mark.parametrize(
    ("numbers", "is_broken"), [(b"\x81\x82\x03" * 9, False), (b"\x81\x82\x83\x84\x85\x01", True)]
)
def test_numbers_that_are_too_long(numbers: bytes, is_broken: bool) -> None:
    table = bytes(24) + numbers
    assert has_broken_packets(opened(caf([(b"desc", bytes(32)), (b"pakt", table)]))) == is_broken
    assert not has_broken_packets(opened(caf([(b"data", table)])))
