"""Streams that are read once from front to back."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.audio.formats.incoming import LONGEST_HEADER, Incoming
from yamkit.errors import AudioFileError, DecodeError

STEPS = st.lists(
    st.tuples(st.sampled_from(["some", "exactly", "peek", "skip"]), st.integers(1, 30)), max_size=8
)


@given(data=st.binary(max_size=100), steps=STEPS)
def test_every_byte_comes_once_and_in_order(data: bytes, steps: list[tuple[str, int]]) -> None:
    incoming = Incoming(io.BytesIO(data))
    at = 0
    for name, size in steps:
        expected = data[at : at + size]
        result = getattr(incoming, name)(size)
        if name == "skip":
            assert result == len(expected)
        elif name == "some":
            assert expected.startswith(result)
            assert bool(result) == bool(expected)
            expected = result
        else:
            assert result == expected
        at += 0 if name == "peek" else len(expected)
        assert incoming.position == at
    incoming.give_back()
    assert incoming.exactly(len(data) + 1) == data


def test_only_the_first_megabytes_can_be_given_back() -> None:
    incoming = Incoming(io.BytesIO(bytes(3 * LONGEST_HEADER)))
    incoming.skip(3 * LONGEST_HEADER)
    with pytest.raises(DecodeError, match=f"first {3 * LONGEST_HEADER} bytes"):
        incoming.give_back()


@pytest.mark.parametrize(("piece", "word"), [(None, "non-blocking"), ("text", "str")])
def test_streams_that_are_not_binary_or_do_not_wait_are_refused(piece: object, word: str) -> None:
    class Odd:
        def read(self, size: int) -> object:
            return piece

    with pytest.raises(AudioFileError, match=word):
        Incoming(Odd()).exactly(1)
