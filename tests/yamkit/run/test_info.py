"""The description of a run: everything that results depend on is in its fingerprint."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from yamkit import Tagger
from yamkit.models.bundle import ModelBundle
from yamkit.run.info import fingerprint, run_info
from yamkit.scores.choice import Choice
from yamkit.scores.postprocessing import Postprocessing
from yamkit.types import EventParameters, Parameters, RunInfo, RunModel

RUN = RunInfo(
    "1",
    RunModel("net", "1", "0" * 64, "", 3),
    "b",
    "f",
    "r",
    Parameters("mean", 0.48, None, 5),
    per_patch=False,
)
OTHER = {
    "yamkit": "2",
    "model": replace(RUN.model, sha256="1" * 64),
    "backend": "c",
    "frontend": "g",
    "resampler": "s",
    "per_patch": True,
    "arrays": ("scores",),
    "shard": (1, 2),
    "provider": "cuda",
    "strict": True,
    "label_scores": True,
}
OTHER_PARAMETERS = {
    "aggregate": "max",
    "hop_seconds": 0.5,
    "threshold": 0.5,
    "top": 6,
    "score_kind": "calibrated",
    "calibration": "0" * 64,
    "class_thresholds": "0" * 64,
    "classes": (1,),
    "roll_up": True,
    "events": EventParameters(),
    "channel": 2,
    "stream": 2,
}


def test_every_field_of_a_run_is_in_its_fingerprint() -> None:
    known = {field.name for field in fields(RunInfo)} - {"parameters", "embedding_size"}
    assert known == OTHER.keys()  # the model determines the size of its embeddings
    assert {field.name for field in fields(Parameters)} == OTHER_PARAMETERS.keys()


@pytest.mark.parametrize("name", OTHER)
def test_another_run_has_another_fingerprint(name: str) -> None:
    assert fingerprint(replace(RUN, **{name: OTHER[name]})) != fingerprint(RUN)


@pytest.mark.parametrize("name", OTHER_PARAMETERS)
def test_other_parameters_have_another_fingerprint(name: str) -> None:
    parameters = replace(RUN.parameters, **{name: OTHER_PARAMETERS[name]})
    assert fingerprint(replace(RUN, parameters=parameters)) != fingerprint(RUN)


def test_every_field_of_a_choice_tells_runs_apart(tiny: ModelBundle) -> None:
    others = {
        "top": 6,
        "threshold": 0.5,
        "per_patch": True,
        "arrays": ("scores",),
        "events": EventParameters(),
        "classes": (1,),
        "postprocessing": Postprocessing(thresholds={1: 0.5}),
        "strict": True,
        "label_scores": True,
    }
    # the command line has no option for the type of arrays
    assert {field.name for field in fields(Choice)} - {"dtype"} == others.keys()
    with Tagger(tiny, backend="numpy") as tagger:
        usual = fingerprint(run_info(tagger, Choice()))
        for name, value in others.items():
            assert fingerprint(run_info(tagger, Choice(**{name: value}))) != usual, name


def test_a_run_is_described_as_its_tagger_and_choice_are(tiny: ModelBundle) -> None:
    choice = Choice(top=3, per_patch=True, arrays=("scores",), strict=True)
    with Tagger(tiny, backend="numpy", channel=1) as tagger:
        run = run_info(tagger, choice, (2, 3))
    assert (run.model.name, run.model.sha256) == (tiny.name, tiny.sha256)
    assert (run.backend, run.parameters.channel, run.parameters.top) == ("numpy", 1, 3)
    assert (run.per_patch, run.arrays, run.strict, run.shard) == (True, ("scores",), True, (2, 3))
