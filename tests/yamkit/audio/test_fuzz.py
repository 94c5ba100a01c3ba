"""Any part of a sound file, and any with bytes changed: a result or one clear line."""

from __future__ import annotations

import functools
import io
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.yamkit.audio.faults import KINDS
from tests.yamkit.audio.sounds import ROOT, Pipe, check_warnings, four_events
from yamkit.audio import open_audio
from yamkit.errors import YamkitError

NAMES = sorted(KINDS)
SECONDS = 1.0
# A time stamp that was hit can tell of a gap of hours, which is silence to be read on and on.
MANY_BLOCKS = 400


@functools.cache
def small(name: str) -> bytes:
    kind = KINDS[name]
    return kind.encode(four_events(kind.rate)[2 * kind.rate : 3 * kind.rate])


@functools.cache
def _cases() -> tuple[tuple[str, bytes], ...]:
    shared = Path(os.environ.get("YAMKIT_SHARED") or ROOT.parent / "shared")
    paths = sorted((shared / "cases" / "audio").glob("*.*"))
    return tuple((path.name, path.read_bytes()) for path in paths if path.suffix != ".csv")


def survive(data: bytes, on_pipe: bool = False) -> None:
    """Decode what may be anything, and check that it ends as it should."""
    warnings: tuple[str, ...] = ()
    try:
        with open_audio(Pipe(data) if on_pipe else io.BytesIO(data)) as source:
            assert source.sample_rate > 0
            count = 0
            for number, block in enumerate(source.blocks()):
                assert block.dtype == np.float32
                assert block.ndim == 2
                assert block.shape[1] == source.channels
                assert len(block) > 0
                assert block.size <= max(1 << 16, source.channels)
                assert np.isfinite(block).all()
                count += len(block)
                assert source.samples == count
                if number == MANY_BLOCKS:
                    break
            warnings = source.warnings
    except YamkitError as error:
        message = str(error)
        assert message
        assert "\n" not in message
        assert len(message) < 500
        assert "Traceback" not in message
        assert "Errno" not in message
    check_warnings(warnings)


changes = st.lists(
    st.tuples(
        # Headers are where little does much.
        st.one_of(st.integers(0, 400), st.floats(0, 1, exclude_max=True)),
        st.one_of(st.binary(min_size=1, max_size=8), st.integers(1, 300).map(bytes)),
    ),
    min_size=1,
    max_size=4,
)


def _changed(data: bytes, changes: list[tuple[float, bytes]]) -> bytes:
    changed = bytearray(data)
    for place, values in changes:
        at = place if isinstance(place, int) else int(place * len(data))
        changed[at : at + len(values)] = values
    return bytes(changed)


@settings(max_examples=400)
@given(name=st.sampled_from(NAMES), fraction=st.floats(0, 1), on_pipe=st.booleans())
@pytest.mark.long(reason="writes and decodes many files")
def test_any_beginning_of_a_file(name, fraction, on_pipe):
    data = small(name)
    survive(data[: int(fraction * len(data))], on_pipe)


@settings(max_examples=600)
@given(name=st.sampled_from(NAMES), changes=changes, on_pipe=st.booleans())
@pytest.mark.long(reason="writes and decodes many files")
def test_any_file_with_bytes_changed(name, changes, on_pipe):
    survive(_changed(small(name), changes), on_pipe)


@settings(max_examples=200)
@given(
    names=st.lists(st.sampled_from(NAMES), min_size=2, max_size=3),
    fractions=st.tuples(st.floats(0, 0.9), st.floats(0.1, 1)),
    changes=st.one_of(st.just([]), changes),
)
@pytest.mark.long(reason="writes and decodes many files")
def test_pieces_of_several_files(names, fractions, changes):
    pieces = []
    for name in names:
        data = small(name)
        pieces.append(data[slice(*(int(fraction * len(data)) for fraction in fractions))])
    pieces[0] = small(names[0])[: len(pieces[0])]
    survive(_changed(b"".join(pieces), changes))


@settings(max_examples=150)
@given(
    number=st.integers(0, 10**6),
    fraction=st.floats(0, 1),
    changes=st.one_of(st.just([]), changes),
    on_pipe=st.booleans(),
)
@pytest.mark.long(reason="writes and decodes many files")
def test_any_part_and_change_of_the_files_that_went_wrong(
    shared, number, fraction, changes, on_pipe
):
    cases = _cases()
    _, data = cases[number % len(cases)]
    survive(_changed(data[: int(fraction * len(data))], changes), on_pipe)


@settings(max_examples=100)
@given(start=st.sampled_from(NAMES), rest=st.binary(max_size=2000), keep=st.integers(4, 60))
def test_a_beginning_and_then_anything(start, rest, keep):
    survive(small(start)[:keep] + rest)
