"""What a clip reports: tags, events and the JSON form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from yamkit import EventParameters, TaggedClip, Tagger
from yamkit.errors import ParameterError
from yamkit.models.bundle import ModelBundle
from yamkit.scores.choice import Choice

RATE = 8000


@pytest.fixture(scope="module")
def tagger(tiny: ModelBundle):
    with Tagger(tiny, batch_size=4, backend="numpy") as tagger:
        yield tagger


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 0.1, 3 * RATE).astype(np.float32)


@pytest.fixture(scope="module")
def clip(tagger: Tagger, noise: np.ndarray) -> TaggedClip:
    return tagger.tag(noise, RATE)


def test_top_and_dict(tagger: Tagger, noise: np.ndarray) -> None:
    clip = tagger.tag(noise, RATE)
    best = clip.top(1)[0]
    assert best.index == int(clip.clip_scores.argmax())
    found = clip.to_dict(k=2)
    assert list(found) == [
        "path",
        "sample_rate",
        "channels",
        "timeline",
        "duration_seconds",
        "patches",
        "tags",
    ]
    assert repr(clip).startswith("<TaggedClip: 3.00 s, ")
    assert len(repr(clip)) < 100
    with pytest.raises(ParameterError, match="top -1: "):
        clip.top(-1)
    assert len(found["timeline"]) == found["patches"] == len(clip.scores)
    assert [len(found["tags"]), len(found["timeline"][0]["tags"])] == [2, 2]
    assert found["tags"][0]["name"] == best.name


def test_a_dict_of_chosen_classes_with_events(tagger: Tagger, noise: np.ndarray) -> None:
    clip = tagger.tag(noise, RATE)
    parameters = EventParameters(float(np.median(clip.scores)))
    found = clip.to_dict(k=None, timeline=False, classes=("Dog", "1"), events=parameters)
    assert list(found) == [
        "path",
        "sample_rate",
        "channels",
        "timeline",
        "events",
        "duration_seconds",
        "patches",
        "tags",
    ]
    assert found["timeline"] == []
    assert {tag["index"] for tag in found["tags"]} == {1, 2}
    assert [tag["score"] for tag in found["tags"]] == sorted(
        (float(f"{score:.7g}") for score in clip.clip_scores[1:3]), reverse=True
    )
    expected = clip.events(parameters, classes=("Dog", "1"))
    assert expected
    assert [
        (event["onset_seconds"], event["offset_seconds"], event["index"])
        for event in found["events"]
    ] == [(event.onset_seconds, event.offset_seconds, event.tag.index) for event in expected]
    assert len(clip.to_dict(classes=["Dog"])["timeline"][0]["tags"]) == 1
    assert "events" not in clip.to_dict()
    with pytest.raises(ParameterError, match="class 'Unicorn'"):
        clip.to_dict(classes=["Unicorn"])


def test_a_choice_names_its_classes_and_thresholds(
    tagger: Tagger, clip: TaggedClip, tmp_path: Path
) -> None:
    low, high = (float(np.quantile(clip.scores[:, 2], share)) for share in (0.2, 0.8))
    (tmp_path / "own.csv").write_text(f"name,threshold\nDog,{low}\n")
    own = Choice.of(
        tagger.model, events={"enter": high, "leave": high}, classes=tmp_path / "own.csv"
    )
    found = clip.events(own)
    assert found
    assert {event.tag.name for event in found} == {"Dog"}
    assert found == clip.events(EventParameters(low, low), classes="Dog")
    assert found != clip.events(EventParameters(high, high), classes="Dog")
    with pytest.raises(ParameterError, match="classes: "):
        clip.events(own, classes="Dog")
    with pytest.raises(ParameterError, match="events=True"):
        clip.events(Choice())
    with pytest.raises(ParameterError, match=r"EventParameters\(enter=0.3\)"):
        clip.events(0.3)


@pytest.mark.parametrize("classes", ["2", 2, np.int64(2), "Dog", ["Dog"], (2,), ["2", "Dog"]])
def test_one_class_in_every_way(clip: TaggedClip, classes) -> None:
    parameters = EventParameters(0.0)
    assert {event.tag.index for event in clip.events(parameters, classes=classes)} == {2}
    assert [tag.index for tag in clip.top(classes=classes)] == [2]
    found = clip.to_dict(classes=classes, events=parameters)
    assert {event["index"] for event in found["events"]} == {2}
    assert {tag["index"] for tag in found["tags"]} == {2}
