"""Systems are named by what distinguishes them, in names that every file system accepts."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from yamkit import Tagger
from yamkit.evaluation.systems import file_names, system_names, system_of

SYSTEM = {"model": "m", "backend": "onnx", "aggregate": "mean", "channel": "mix"}


def test_a_name_has_only_what_differs() -> None:
    assert system_names([SYSTEM]) == ["m"]
    assert system_names([SYSTEM, {**SYSTEM, "backend": "numpy"}]) == ["onnx", "numpy"]
    second = {**SYSTEM, "model": "n", "channel": "2"}
    assert system_names([SYSTEM, second]) == ["m channel mix", "n channel 2"]
    assert system_names([SYSTEM, SYSTEM]) == ["m 1", "m 2"]


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_files_of_any_models_differ_on_every_file_system(models: list[str]) -> None:
    names = file_names("scores", [{"model": model} for model in models], ".npz")
    assert len({name.casefold() for name in names}) == len(models)
    assert all(re.fullmatch(r"scores(-[A-Za-z0-9._-]*)?\.npz", name) for name in names)
    assert all(len(name) < 120 for name in names)


def test_a_system_is_model_and_parameters(tiny) -> None:
    with Tagger(tiny, channel=2, threads=1) as tagger:
        system = system_of(tagger)
    assert list(system) == [
        "model",
        "model_sha256",
        "backend",
        "frontend",
        "resampler",
        "hop_seconds",
        "aggregate",
        "channel",
        "stream",
    ]
    assert (system["model"], system["channel"], system["stream"]) == (tiny.name, "2", "default")
