"""Sources of streams: a pipe that fails or stops, and what becomes of its warnings."""

from __future__ import annotations

import numpy as np
import pytest

from yamkit.audio import array_source
from yamkit.errors import AudioFileError
from yamkit.listening.sources import open_pipe_stream


def taken(stream) -> np.ndarray:
    return np.concatenate([block.samples for block in stream.buffer.blocks()])


def test_a_pipe_brings_every_sample_of_the_channel() -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, (30_000, 2)).astype(np.float32)
    with open_pipe_stream(array_source(samples, 8000), 2) as stream:
        assert stream.sample_rate == 8000
        np.testing.assert_array_equal(taken(stream), samples[:, 1])
        assert stream.warnings() == ()


class Broken:
    """A source that fails behind its first block."""

    sample_rate, warnings = 8000, ("odd",)

    def mono(self, channel: str):
        yield np.ones(100, np.float32)
        raise AudioFileError("the pipe broke")


def test_an_error_of_the_source_follows_its_samples() -> None:
    with open_pipe_stream(Broken(), "mix") as stream:  # type: ignore[arg-type]
        blocks = stream.buffer.blocks()
        assert len(next(blocks).samples) == 100
        with pytest.raises(AudioFileError, match="the pipe broke"):
            next(blocks)
        assert stream.warnings() == ("odd",)


def test_a_pipe_that_is_left_ends_its_buffer() -> None:
    with open_pipe_stream(array_source(np.zeros(100, np.float32), 8000), "mix") as stream:
        pass
    assert not stream.buffer.put(np.zeros(1, np.float32))
