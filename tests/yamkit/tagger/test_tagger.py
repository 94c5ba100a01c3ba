"""The Python API, on a small network of random weights."""

from __future__ import annotations

import io
import multiprocessing
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import yamkit
from yamkit import EventParameters, Tagger
from yamkit.errors import (
    AudioError,
    AudioValueError,
    AudioWarning,
    DecodeError,
    IncompatibleError,
    ParameterError,
    UnknownModelError,
    UnknownPluginError,
)
from yamkit.models.bundle import ModelBundle

RATE = 8000


@pytest.fixture(scope="module")
def tagger(tiny: ModelBundle):
    with Tagger(tiny, batch_size=4, backend="numpy") as tagger:
        yield tagger


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 0.1, 3 * RATE).astype(np.float32)


def test_shapes_types_and_times(tagger: Tagger, tiny: ModelBundle, noise: np.ndarray) -> None:
    clip = tagger.tag(noise, RATE)
    window, hop = tiny.features.patch_window_samples, tiny.features.patch_hop_samples
    patches = 1 + -(-(len(noise) - window) // hop)
    assert clip.scores.shape == (patches, 6)
    assert clip.embeddings.shape == (patches, tiny.network.embedding_size)
    assert clip.scores.dtype == clip.embeddings.dtype == clip.clip_scores.dtype == np.float32
    np.testing.assert_allclose(clip.clip_scores, clip.scores.mean(0), rtol=1e-6)
    assert clip.times.dtype == np.float64
    np.testing.assert_array_equal(clip.times[:, 0], np.arange(patches) * hop / RATE)
    np.testing.assert_array_equal(
        clip.times[:, 1], np.minimum((np.arange(patches) * hop + window) / RATE, 3.0)
    )
    assert clip.duration_seconds == 3.0
    assert (clip.path, clip.sample_rate, clip.channels, clip.warnings) == (None, RATE, 1, ())
    assert clip.classes == tagger.classes == tiny.classes


def test_a_path_a_file_object_and_an_array_are_the_same(
    tagger: Tagger, noise: np.ndarray, tmp_path
) -> None:
    path = tmp_path / "noise.wav"
    soundfile.write(path, np.stack([noise, noise / 2], axis=1), 11025, subtype="FLOAT")
    read, _ = soundfile.read(path, dtype="float32")
    from_path = tagger.tag(path)
    assert from_path.path == str(path)
    for other in (
        tagger.tag(str(path)),
        tagger.tag(io.BytesIO(path.read_bytes())),
        tagger.tag(path.read_bytes()),
        tagger.tag(bytearray(path.read_bytes())),
        tagger.tag(memoryview(path.read_bytes())),
        tagger.tag(read, 11025),
        tagger.tag(read.astype(np.float64), np.int64(11025)),
    ):
        np.testing.assert_array_equal(other.scores, from_path.scores)
        assert other.channels == 2


@pytest.mark.parametrize("channel", ["mix", 1, np.int64(2)])
@pytest.mark.long(reason="tags many clips")
def test_a_channel_of_every_kind_of_source(
    tiny: ModelBundle, tagger: Tagger, noise: np.ndarray, tmp_path, channel
) -> None:
    samples = np.stack([noise / 10, noise[::-1]], axis=1)
    path = tmp_path / "noise.wav"
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    alone = samples.mean(axis=1) if channel == "mix" else samples[:, channel - 1]
    expected = tagger.tag(alone, RATE).scores
    with Tagger(tiny, batch_size=4, backend="numpy", channel=channel) as chosen:
        for source in (str(path), path, io.BytesIO(path.read_bytes())):
            np.testing.assert_allclose(chosen.tag(source).scores, expected, rtol=0, atol=1e-6)
        clip = chosen.tag(samples, RATE)
        assert clip.channels == 2
        np.testing.assert_allclose(clip.scores, expected, rtol=0, atol=1e-6)
        stream = chosen.stream(np.array_split(samples, 7), RATE)
        found = np.concatenate([batch.scores for batch in stream])
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_a_channel_that_a_source_lacks(tiny: ModelBundle, noise: np.ndarray, tmp_path) -> None:
    path = tmp_path / "noise.wav"
    soundfile.write(path, noise, RATE)
    pair = np.stack([noise, noise], axis=1)
    with Tagger(tiny, backend="numpy", channel=3) as tagger:
        with pytest.raises(ParameterError, match="array: .*2 channels; channel 3"):
            tagger.tag(pair, RATE)
        for source in (path, io.BytesIO(path.read_bytes())):
            with pytest.raises(ParameterError, match="1 channel; channel 3"):
                tagger.tag(source)
        with pytest.raises(ParameterError, match="2 channels; channel 3"):
            list(tagger.stream([pair], RATE))


def test_the_number_of_a_sound_stream_is_that_of_the_decoder(
    tiny: ModelBundle, noise: np.ndarray, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "noise.wav", noise, RATE)
    open_audio, seen = yamkit.tagger._tagger.open_audio, []

    def noted(source, *, stream):
        seen.append(stream)
        return open_audio(source)

    monkeypatch.setattr("yamkit.tagger._tagger.open_audio", noted)
    for number in (None, 2):
        with Tagger(tiny, backend="numpy", stream=number) as tagger:
            tagger.tag(tmp_path / "noise.wav")
            tagger.tag(io.BytesIO((tmp_path / "noise.wav").read_bytes()))
    assert seen == [None, None, 2, 2]


@pytest.mark.parametrize("shape", [(2, 512), (1, 512), (2, 256), (2, 1000)])
def test_channels_first_is_asked_about(tagger: Tagger, shape: tuple[int, int]) -> None:
    blocks = [np.full(shape, 0.1, np.float32)] * 3
    with pytest.raises(AudioValueError, match=f"channels={shape[1]}"):
        tagger.tag(blocks[0], RATE)
    with pytest.raises(AudioValueError, match=f"channels={shape[1]}"):
        next(tagger.stream(blocks, RATE))
    assert tagger.tag(blocks[0], RATE, channels=shape[1]).channels == shape[1]
    assert next(tagger.stream(blocks, RATE, channels=shape[1])).scores.shape == (1, 6)


@pytest.mark.parametrize("columns", [1, 2, 8])
def test_blocks_of_one_sample_are_heard(tagger: Tagger, noise: np.ndarray, columns: int) -> None:
    samples = np.repeat(noise[:50, None], columns, axis=1)
    (batch,) = tagger.stream(np.split(samples, 50), RATE)
    np.testing.assert_allclose(batch.scores, tagger.tag(samples, RATE).scores, rtol=0, atol=1e-6)


def test_integers_are_scaled_by_their_full_range(tagger: Tagger, noise: np.ndarray) -> None:
    whole = np.round(noise * 2**15).astype(np.int16)
    expected = tagger.tag(whole.astype(np.float32) / 2**15, RATE)
    np.testing.assert_array_equal(tagger.tag(whole, RATE).scores, expected.scores)
    wide = whole.astype(np.int32) * 2**16
    np.testing.assert_array_equal(tagger.tag(wide, RATE).scores, expected.scores)


def test_maximum_instead_of_mean(tiny: ModelBundle, noise: np.ndarray) -> None:
    with Tagger(tiny, aggregate="max", backend="numpy") as tagger:
        clip = tagger.tag(noise, RATE)
    np.testing.assert_array_equal(clip.clip_scores, clip.scores.max(0))


@settings(max_examples=25, deadline=None)
@given(
    samples=st.integers(1, 3 * RATE),
    places=st.lists(st.integers(0, 3 * RATE), max_size=10),
    rate=st.sampled_from([RATE, 11025, 44100, 8001, 4000]),
    channels=st.integers(1, 2),
)
@pytest.mark.long(reason="tags many clips")
def test_the_result_does_not_depend_on_the_cut(
    tagger: Tagger, noise: np.ndarray, samples: int, places: list[int], rate: int, channels: int
) -> None:
    signal = noise[:samples]
    if channels == 2:
        signal = np.stack([signal, signal[::-1]], axis=1)
    whole = tagger.tag(signal, rate)
    parts = np.split(signal, sorted(place % (samples + 1) for place in places))
    batches = list(tagger.stream(parts, rate))
    starts = np.concatenate([batch.start_samples for batch in batches])
    assert starts.dtype == np.int64
    np.testing.assert_array_equal(
        starts, np.arange(len(starts)) * tagger.model.features.patch_hop_samples
    )
    scores = np.concatenate([batch.scores for batch in batches])
    np.testing.assert_allclose(scores, whole.scores, rtol=0, atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(places=st.lists(st.integers(0, 3 * RATE), max_size=10), rate=st.sampled_from([RATE, 11025]))
@pytest.mark.long(reason="tags many clips")
def test_patches_are_identical_for_any_cut(
    tiny: ModelBundle, noise: np.ndarray, places: list[int], rate: int
) -> None:
    from yamkit.registry import registry

    seen: list[np.ndarray] = []
    with Tagger(tiny, backend="numpy") as tagger:
        inner = tagger.pipeline.backend

        class Spy:
            def predict(self, patches):
                seen.append(patches)
                return inner.predict(patches)

            def close(self):
                inner.close()

        tagger.pipeline.backend = Spy()
        list(tagger.stream([noise], rate))
        whole, seen = seen, []
        list(tagger.stream(np.split(noise, sorted(places)), rate))
    assert registry() is not None
    np.testing.assert_array_equal(np.concatenate(seen), np.concatenate(whole))


@pytest.mark.parametrize("hop_seconds", [0.01, 0.12, 0.5])
def test_another_hop_pads_by_itself(
    tiny: ModelBundle, noise: np.ndarray, hop_seconds: float
) -> None:
    with Tagger(tiny, hop_seconds=hop_seconds, backend="numpy") as tagger:
        assert tagger.hop_seconds == hop_seconds
        clip = tagger.tag(noise, RATE)
        hop = round(hop_seconds * RATE)
        window = tiny.features.patch_window_samples
        rule = 1 + -(-(len(noise) - window) // hop)
        assert len(clip.scores) == min(rule, -(-len(noise) // hop))
        alone = tagger.tag(noise[2 * hop : 2 * hop + window], RATE)
    np.testing.assert_allclose(clip.scores[2], alone.scores[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("samples", [1, 2])
@pytest.mark.parametrize("rate", [1, 4000, 8000, 44100, 768000])
def test_the_shortest_clips_give_one_patch(tagger: Tagger, samples: int, rate: int) -> None:
    clip = tagger.tag(np.full(samples, 0.5, np.float32), rate)
    assert clip.duration_seconds == samples / rate
    assert clip.times[0].tolist() == [0.0, min(clip.duration_seconds, 2040 / 8000)]
    assert len(clip.scores) == (1 if rate > 1 else len(clip.scores))
    assert np.isfinite(clip.scores).all()


@pytest.mark.parametrize("backend", ["numpy", "onnx"])
@pytest.mark.long(reason="tags many clips")
def test_many_threads_share_a_tagger(
    tiny: ModelBundle, noise: np.ndarray, tmp_path, backend: str
) -> None:
    path = tmp_path / "noise.wav"
    soundfile.write(path, noise, 11025)
    ends = [RATE + 700 * number for number in range(12)]

    def scores(end: int) -> tuple[np.ndarray, ...]:
        batches = list(tagger.stream([noise[:end]], RATE))
        return (
            tagger.tag(noise[:end], RATE).scores,
            np.concatenate([batch.scores for batch in batches]),
            tagger.tag(path).scores,
            tagger.tag(path.read_bytes()).embeddings,
        )

    with Tagger(tiny, backend=backend, batch_size=3) as tagger:
        expected = [scores(end) for end in ends]
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(scores, ends * 3))
    for number, one in enumerate(found):
        for array, same in zip(one, expected[number % len(ends)], strict=True):
            np.testing.assert_array_equal(array, same)


def test_a_tagger_pickles_as_its_settings(tiny: ModelBundle, noise: np.ndarray) -> None:
    settings = {"batch_size": 3, "backend": "numpy", "hop_seconds": 0.24, "aggregate": "max"}
    with Tagger(tiny, **settings) as tagger:
        data = pickle.dumps(tagger)
        assert len(data) < 2000
        again = pickle.loads(data)
        assert again is not tagger
        assert again is pickle.loads(data)
        assert again.options == tagger.options
        expected = tagger.tag(noise, RATE)
    assert pickle.loads(data) is again
    np.testing.assert_array_equal(again.tag(noise, RATE).scores, expected.scores)
    again.close()
    with pickle.loads(data) as third:
        np.testing.assert_array_equal(third.tag(noise, RATE).scores, expected.scores)
    with pytest.raises(ParameterError, match="closed"):
        pickle.dumps(tagger)


def test_a_tagger_is_not_opened_with_another_model(tiny: ModelBundle, tmp_path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny.folder, folder)
    with Tagger(folder, backend="numpy") as tagger:
        data = pickle.dumps(tagger)
    manifest = folder / "model.toml"
    manifest.write_text(manifest.read_text().replace('version = "1"', 'version = "2"'))
    with pytest.raises(IncompatibleError, match="install the same version"):
        pickle.loads(data)


@pytest.mark.long(reason="tags many clips")
def test_a_pool_of_processes_tags(tiny: ModelBundle, noise: np.ndarray, tmp_path) -> None:
    paths = [tmp_path / f"{number}.wav" for number in range(4)]
    for number, path in enumerate(paths):
        soundfile.write(path, noise[: RATE * (number + 1) // 2], RATE)
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    spawn = multiprocessing.get_context("spawn")
    with Tagger(tiny, backend="numpy") as tagger, ProcessPoolExecutor(1, spawn) as pool:
        for path, clip in zip(paths, pool.map(tagger.tag, paths), strict=True):
            np.testing.assert_array_equal(clip.scores, tagger.tag(path).scores)
            assert clip.path == str(path)
            assert clip.events(EventParameters(0.1)) == tagger.tag(path).events(
                EventParameters(0.1)
            )
        with pytest.raises(DecodeError, match="bad.wav: not a sound file"):
            pool.submit(tagger.tag, tmp_path / "bad.wav").result()


def test_what_happens_is_logged(tiny: ModelBundle, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="yamkit")
    with Tagger(tiny, backend="numpy") as tagger:
        tagger.tag(np.array([0.1, np.nan]), RATE)
    assert {record.name.partition(".")[0] for record in caplog.records} == {"yamkit"}
    lines = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert lines == [
        ("INFO", "model tiny, version 1: front end logmel, backend numpy"),
        (
            "WARNING",
            "array: 1 sample is not finite and counted as zero: first NaN at 0 s, channel 1",
        ),
        ("DEBUG", "array: 0.00 s, read by yamkit"),
    ]


@pytest.mark.long(reason="tags many clips")
def test_nothing_is_printed(tmp_path) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, RATE)
    samples[5] = np.inf
    soundfile.write(tmp_path / "odd.wav", samples, RATE, subtype="FLOAT")
    (tmp_path / "cut.mp3").write_bytes(b"ID3\4\0\0\0\0\0\0" + b"\xff\xfb\x90\0" + bytes(99))
    program = """
import yamkit, yamkit.errors
with yamkit.Tagger("yamnet-mini") as tagger:
    for source in ("odd.wav", open("odd.wav", "rb").read(), "cut.mp3", b"", "none.wav"):
        try:
            tagger.tag(source).to_dict(events=yamkit.EventParameters())
        except yamkit.errors.AudioError:
            pass
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")


def test_close_twice(tiny: ModelBundle) -> None:
    tagger = Tagger(tiny)
    stream = tagger.stream([np.zeros(8000)], RATE)
    tagger.close()
    tagger.close()
    with pytest.raises(ParameterError, match="this Tagger is closed"):
        tagger.tag(np.zeros(8000), RATE)
    with pytest.raises(ParameterError, match="this Tagger is closed"):
        next(stream)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"aggregate": "median"}, ParameterError, "aggregate 'median'"),
        ({"batch_size": 0}, ParameterError, "batch size 0: must be a whole number from 1 to"),
        ({"batch_size": 2.5}, ParameterError, "batch size 2.5: "),
        ({"threads": 0}, ParameterError, "threads 0: must be a whole number from 1 to 1024"),
        ({"threads": 100000}, ParameterError, "threads 100000: "),
        ({"threads": "two"}, ParameterError, "threads 'two': "),
        ({"hop_seconds": 1e18}, ParameterError, "hop 1e+18 s: "),
        ({"hop_seconds": 0.015}, ParameterError, "hop 0.015 s: must be a whole multiple of 0.01 s"),
        ({"hop_seconds": -0.1}, ParameterError, "hop -0.1 s"),
        ({"hop_seconds": float("nan")}, ParameterError, "hop nan s"),
        ({"hop_seconds": float("inf")}, ParameterError, "hop inf s"),
        ({"channel": 0}, ParameterError, "channel 0: must be 'mix' or a whole number from 1"),
        ({"channel": True}, ParameterError, "channel True: "),
        ({"channel": 1.5}, ParameterError, "channel 1.5: "),
        ({"channel": None}, ParameterError, "channel None: "),
        ({"channel": "left"}, ParameterError, "channel 'left': "),
        ({"stream": 0}, ParameterError, "stream 0: must be None or a whole number from 1"),
        ({"stream": "mix"}, ParameterError, "stream 'mix': "),
        ({"backend": "nope"}, UnknownPluginError, "no backend 'nope'; installed: "),
        ({"frontend": "nope"}, UnknownPluginError, "no frontend 'nope'"),
        ({"resampler": "nope"}, UnknownPluginError, "no resampler 'nope'"),
        ({"backend": "numpy", "provider": "cuda"}, IncompatibleError, "no provider 'cuda'"),
        ({"model": "nope"}, UnknownModelError, "nope"),
    ],
)
def test_arguments_out_of_range(tiny: ModelBundle, arguments, error, message: str) -> None:
    with pytest.raises(error) as caught:
        Tagger(**{"model": tiny, **arguments})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_a_model_it_is_the_one_inside_the_package() -> None:
    with Tagger() as tagger:
        assert tagger.model.name == "yamnet-mini"
        assert len(tagger.tag(np.zeros(16000), 16000).clip_scores) == 521


@pytest.mark.parametrize(
    ("source", "rate", "error", "message"),
    [
        (np.zeros(10, np.float32), None, ParameterError, "sample rate"),
        ("x.wav", 8000, ParameterError, "sample rate 8000: "),
        (np.zeros(0, np.float32), 8000, AudioError, "no samples"),
        (np.full(9, np.nan, np.float32), 8000, AudioValueError, "NaN"),
        (np.zeros(10, np.uint8), 8000, AudioError, "uint8"),
        (None, None, ParameterError, "source of type NoneType: "),
        (
            b"RIFF",
            8000,
            ParameterError,
            "sample rate 8000: .*numpy.frombuffer",
        ),
        (b"RIFF", None, DecodeError, "<bytes>: "),
        (bytearray(), None, DecodeError, "<bytearray>: is empty"),
        (3, 8000, ParameterError, "source of type int: "),
    ],
)
def test_sources_that_cannot_be_tagged(
    tagger: Tagger, source, rate: int | None, error, message: str
) -> None:
    with pytest.raises(error, match=message):
        tagger.tag(source, rate)


def test_a_file_states_its_channels(tagger: Tagger) -> None:
    with pytest.raises(ParameterError, match="channels 2: "):
        tagger.tag("x.wav", channels=2)


def test_a_rate_of_1_hz_is_resampled_piece_by_piece(tiny: ModelBundle, monkeypatch) -> None:
    from yamkit.pipeline import compose as pipeline

    longest = 0

    class Repeat:
        def __init__(self, from_hz: int, to_hz: int) -> None:
            self.times = to_hz // from_hz

        def process(self, block):
            nonlocal longest
            longest = max(longest, len(block) * self.times)
            return np.repeat(block, self.times)

        def flush(self):
            return np.empty(0, np.float32)

    with Tagger(tiny, backend="numpy") as tagger:
        monkeypatch.setattr(tagger.pipeline, "_resampler", Repeat)
        batches = list(tagger.stream([np.zeros(40, np.float32)], 1))
    assert longest <= pipeline._MOST_RESAMPLED
    assert sum(len(batch.scores) for batch in batches) == 1 + -(-(40 * RATE - 2040) // 960)


@pytest.mark.parametrize("blocks", [np.zeros(10), "x.wav", io.BytesIO()])
def test_streams_are_made_of_blocks(tagger: Tagger, blocks) -> None:
    with pytest.raises(ParameterError, match="use tag"):
        tagger.stream(blocks, RATE)


def test_an_empty_stream(tagger: Tagger) -> None:
    with pytest.raises(AudioValueError, match="no samples"):
        list(tagger.stream([], RATE))


def test_the_package_names_its_api() -> None:
    assert set(yamkit.__all__) <= set(dir(yamkit))
    for name in yamkit.__all__:
        assert getattr(yamkit, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = yamkit.nothing


def test_a_stream_with_nan_is_tagged_with_a_warning(tagger: Tagger) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    blocks = np.split(noise, 4)
    expected = np.concatenate([batch.scores for batch in tagger.stream(blocks, 8000)])
    noise[12_000] = np.nan
    with pytest.warns(AudioWarning, match="the stream: 1 sample is not finite .* at 1.5 s"):
        batches = list(tagger.stream(np.split(noise, 4), 8000))
    scores = np.concatenate([batch.scores for batch in batches])
    assert scores.shape == expected.shape
    assert np.isfinite(scores).all()
    clip = tagger.tag(noise, 8000)
    np.testing.assert_allclose(clip.scores, scores, atol=1e-6)
    assert clip.warnings == (
        "1 sample is not finite and counted as zero: first NaN at 1.5 s, channel 1",
    )
