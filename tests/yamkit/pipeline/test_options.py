"""Options of a pipeline: numbers are checked, and are plain integers afterwards."""

from __future__ import annotations

import numpy as np
import pytest

from yamkit.errors import ParameterError
from yamkit.pipeline.options import PipelineOptions


@pytest.mark.parametrize("name", ["batch_size", "threads"])
def test_numbers(name: str) -> None:
    value = getattr(PipelineOptions(**{name: np.int64(7)}), name)
    assert (value, type(value)) == (7, int)
    for wrong in (0, -1, 10**9, 1.5, "two"):
        with pytest.raises(ParameterError, match=f"{name.replace('_', ' ')} {wrong!r}: "):
            PipelineOptions(**{name: wrong})


def test_threads_may_be_left_to_the_engine() -> None:
    assert PipelineOptions(threads=None).threads is None


def test_options_are_values() -> None:
    assert PipelineOptions() == PipelineOptions(backend=None, batch_size=16)
    assert len({PipelineOptions(), PipelineOptions(), PipelineOptions(threads=1)}) == 2
