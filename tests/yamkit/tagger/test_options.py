"""The options of a tagger: checked, pickled, and given as keywords or as one value."""

from __future__ import annotations

import pickle
from dataclasses import fields, replace
from typing import get_type_hints

import numpy as np
import pytest

from yamkit import Tagger
from yamkit.errors import ParameterError
from yamkit.models.bundle import ModelBundle
from yamkit.tagger import TaggerOptions
from yamkit.tagger._options import TaggerKeywords


def test_the_keywords_are_the_fields() -> None:
    hints = get_type_hints(TaggerOptions)
    assert get_type_hints(TaggerKeywords) == {
        each.name: hints[each.name] for each in fields(TaggerOptions)
    }


@pytest.mark.parametrize(
    ("name", "values", "wrong"),
    [
        ("channel", ("mix", 1, np.int64(3)), (0, -1, True, 1.5, None, "left", "1")),
        ("stream", (None, 1, np.int64(3)), (0, -1, True, 1.5, "mix")),
    ],
)
def test_numbers_of_channels_and_streams(name: str, values: tuple, wrong: tuple) -> None:
    for value in values:
        found = getattr(TaggerOptions(**{name: value}), name)
        assert found == value
        assert not isinstance(found, np.integer)
    for value in wrong:
        with pytest.raises(ParameterError, match=f"{name} {value!r}: "):
            TaggerOptions(**{name: value})


def test_options_and_keywords(tiny: ModelBundle) -> None:
    options = TaggerOptions(batch_size=3, backend="numpy", aggregate="max", channel=2)
    with Tagger(tiny, options) as one, Tagger(tiny, options, batch_size=5) as other:
        assert one.options == replace(options, frontend="logmel")
        assert other.options == replace(one.options, batch_size=5)
        assert (one.backend, one.frontend) == ("numpy", "logmel")
        assert one.pipeline.batch_size == 3
        assert pickle.loads(pickle.dumps(one.options)) == one.options
    with pytest.raises(TypeError, match="bakend"):
        Tagger(tiny, bakend="numpy")
