"""The events of a stream are those of the file, and gaps, gates and errors close them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from yamkit import Tagger
from yamkit.errors import BrokenPluginError, ParameterError
from yamkit.listening import Block, listen
from yamkit.models.bundle import ModelBundle
from yamkit.scores.choice import Choice
from yamkit.types import EventParameters

RATE = 8000
PARAMETERS = EventParameters()


@pytest.fixture(scope="module")
def tagger(tiny: ModelBundle):
    with Tagger(tiny, batch_size=1, threads=1) as opened:
        yield opened


def sound(seed: int, seconds: float) -> np.ndarray:
    """Noise whose loudness changes, so that scores rise and fall."""
    random = np.random.default_rng(seed)
    count = round(seconds * RATE)
    loudness = np.repeat(10 ** random.uniform(-4, 0, count // 2000 + 1), 2000)[:count]
    return (random.normal(0, 0.3, count) * loudness).astype(np.float32)


def as_blocks(samples: np.ndarray, cuts=(), start: int = 0):
    places = [0, *sorted({cut for cut in cuts if 0 < cut < len(samples)}), len(samples)]
    for first, last in itertools.pairwise(places):
        yield Block(start + first, samples[first:last], 0.0, 1000.0)


def heard(tagger: Tagger, blocks, parameters=PARAMETERS, gate=None):
    return list(listen(tagger, blocks, RATE, Choice(events=parameters), gate_dbfs=gate))


def events_of(found) -> list:
    events = [event for each in found for event in each.events]
    return sorted(events, key=lambda event: (event.onset_seconds, event.tag.index))


def places(events) -> list:
    return [(each.onset_seconds, each.offset_seconds, each.tag.index) for each in events]


def quantile(clip, share: float) -> float:
    return float(np.quantile(clip.scores, share))


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 3),
    seconds=st.floats(0.05, 6),
    cuts=st.lists(st.integers(1, 48000), max_size=40),
    share=st.floats(0.2, 0.9),
    median=st.sampled_from([1, 3, 5]),
    least=st.sampled_from([0.0, 0.2, 0.5]),
    gap=st.sampled_from([0.0, 0.12, 0.4]),
)
@pytest.mark.long(reason="tags many clips")
def test_a_stream_gives_the_events_of_the_file(
    tagger: Tagger, seed, seconds, cuts, share, median, least, gap
) -> None:
    samples = sound(seed, seconds)
    clip = tagger.tag(samples, RATE)
    enter = quantile(clip, share)
    wanted = EventParameters(
        enter,
        0.9 * enter,
        median_cells=median,
        min_duration_seconds=least,
        join_gap_seconds=gap,
    )
    # the thresholds lie a hair away from any score: no rounding decides
    near = np.concatenate([clip.scores, (clip.scores[1:] + clip.scores[:-1]) / 2])
    assume(min(abs(near - enter).min(), abs(near - 0.9 * enter).min()) > 1e-6)
    found = heard(tagger, as_blocks(samples, cuts), wanted)
    events = events_of(found)
    assert places(events) == places(clip.events(wanted))
    assert [each.tag.score for each in events] == pytest.approx(
        [each.tag.score for each in clip.events(wanted)], abs=1e-6
    )
    onsets = [(each.onset_seconds, each.tag.index) for one in found for each in one.onsets]
    assert sorted(onsets) == [(each[0], each[2]) for each in places(events)]
    assert [each.end for each in found if each.end] == ["ended"]


def test_an_event_is_known_with_the_patch_that_begins_with_it(tagger: Tagger) -> None:
    samples = np.concatenate([np.zeros(8000, np.float32), sound(1, 1.0), np.zeros(8000, "f4")])
    clip = tagger.tag(samples, RATE)
    parameters = EventParameters(quantile(clip, 0.8), quantile(clip, 0.8))
    features = tagger.pipeline.features
    window = features.patch_window_samples
    found = heard(tagger, as_blocks(samples, range(20, len(samples), 20)), parameters)
    onsets = [(each, one.block) for one in found for each in one.onsets if not one.end]
    assert onsets
    for onset, latest in onsets:
        assert latest.end_sample - round(onset.onset_seconds * RATE) <= window + 20


def test_a_gap_closes_events_and_hearing_begins_anew(tagger: Tagger) -> None:
    first, second = sound(1, 2.0), sound(2, 1.5)
    begins = 80_000
    blocks = [*as_blocks(first, [3000]), *as_blocks(second, [100], start=begins)]
    clips = [tagger.tag(part, RATE) for part in (first, second)]
    wanted = EventParameters(quantile(clips[0], 0.5), quantile(clips[0], 0.4))
    found = heard(tagger, blocks, wanted)
    ends = [(each.end, each.block.end_sample, each.resumes_sample) for each in found if each.end]
    assert ends == [("dropped", 16_000, begins), ("ended", begins + 12_000, None)]
    ahead = begins / RATE
    expected = [
        *places(clips[0].events(wanted)),
        *((on + ahead, off + ahead, index) for on, off, index in places(clips[1].events(wanted))),
    ]
    assert places(events_of(found)) == expected
    assert any(event.offset_seconds == 2.0 for event in events_of(found))


def test_the_gate_spares_the_network(tagger: Tagger, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = np.zeros(4 * RATE, np.float32)
    samples[2 * RATE : 2 * RATE + 4000] = 0.5 * np.sin(np.arange(4000))
    calls = []
    infer = tagger.pipeline.infer
    monkeypatch.setattr(tagger.pipeline, "infer", lambda each: calls.append(1) or infer(each))
    found = [each for each in heard(tagger, as_blocks(samples), gate=-40.0) if not each.end]
    hop = tagger.pipeline.features.patch_hop_samples
    window = tagger.pipeline.features.patch_window_samples
    loud = [n for n in range(len(found)) if n * hop + window > 16000 and n * hop < 20000]
    assert [n for n, each in enumerate(found) if not each.is_gated] == loud
    assert len(calls) == len(loud)
    assert not [each for each in heard(tagger, as_blocks(samples)) if each.is_gated]


def test_what_makes_no_sense(tagger: Tagger, tiny: ModelBundle) -> None:
    with pytest.raises(ParameterError, match="gate nan dB"):
        heard(tagger, as_blocks(sound(0, 1)), gate=float("nan"))
    with pytest.raises(ParameterError, match="gate 50.0 dB: must be 0 or less"):
        heard(tagger, as_blocks(sound(0, 1)), gate=50.0)
    with (
        Tagger(tiny) as wide,
        pytest.raises(ParameterError, match="batch size 16: must be 1 for streams"),
    ):
        heard(wide, as_blocks(sound(0, 1)))
    assert heard(tagger, []) == []


def test_a_plugin_that_fails_closes_what_is_open(tagger: Tagger, monkeypatch) -> None:
    """Loud enough to open an event; the backend fails after some patches."""
    infer, calls = tagger.pipeline.infer, []

    def failing(patches):
        calls.append(1)
        if len(calls) == 9:
            raise BrokenPluginError("backend 'b' failed: ValueError: a bug")
        return infer(patches)

    monkeypatch.setattr(tagger.pipeline, "infer", failing)
    choice = Choice(events=EventParameters(enter=0.01, leave=0.001))
    found: list = []
    stream = listen(tagger, as_blocks(sound(1, 5)), RATE, choice)
    with pytest.raises(BrokenPluginError, match="a bug"):
        found.extend(stream)
    opened = sum(len(each.onsets) for each in found)
    assert found[-1].end == "failed"
    assert opened > 0
    assert opened == sum(len(each.events) for each in found)
