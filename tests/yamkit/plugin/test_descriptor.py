from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, fields

import pytest

from yamkit.plugin import PluginInfo
from yamkit.registry import KINDS

MORE = {"frontend": {"produces": "log-mel"}, "backend": {"networks": ()}, "sink": {"extension": ""}}


@pytest.mark.parametrize("kind", KINDS)
def test_a_descriptor_is_a_frozen_value(kind: str) -> None:
    descriptor = KINDS[kind][1]
    given = {"name": "mine", "summary": "", "factory": "a:B", "api": 1, **MORE.get(kind, {})}
    info = descriptor(**given)
    assert info == descriptor(**given) != descriptor(**{**given, "name": "other"})
    assert pickle.loads(pickle.dumps(info)) == info
    assert hash(info) == hash(descriptor(**given))
    assert [field.name for field in fields(PluginInfo)] == list(info.__dict__)[:7]
    with pytest.raises(FrozenInstanceError):
        info.name = "other"
    with pytest.raises(TypeError):
        descriptor("mine")


def test_descriptors_of_two_kinds_differ() -> None:
    given = {"name": "mine", "summary": "", "factory": "a:B", "api": 1}
    assert KINDS["runner"][1](**given) != KINDS["resampler"][1](**given)
