"""Values that are no sound, or sound of another scale: in files, on pipes, in arrays."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.yamkit.audio.sounds import Pipe, four_events
from yamkit.audio import LARGEST_SAMPLE, array_source, open_audio, open_live, stream_source
from yamkit.audio._values import Values
from yamkit.errors import AudioValueError

RATE = 16_000


def sixteen_bits(dtype: str = "int16") -> np.ndarray:
    return np.round(four_events()[:, 0] * 2**15).astype("int16").astype(dtype)


def libsndfile(samples: np.ndarray, container: str, subtype: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format=container, subtype=subtype)
    return file.getvalue()


def ffmpeg(samples: np.ndarray, container: str, codec: str) -> bytes:
    """Write 32-bit integers with FFmpeg."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=RATE, layout="mono")
        form = "s32p" if codec == "wavpack" else "s32"
        stream.codec_context.format = form
        for start in range(0, len(samples), 4096):
            piece = np.ascontiguousarray(samples[None, start : start + 4096])
            frame = av.AudioFrame.from_ndarray(piece, form, "mono")
            frame.sample_rate, frame.pts = RATE, start
            frame.time_base = Fraction(1, RATE)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


WRITERS: dict[str, Callable[[np.ndarray], bytes]] = {
    **{
        name: lambda samples, name=name: libsndfile(samples, name, "PCM_32")
        for name in ("WAV", "WAVEX", "RF64", "AIFF", "AU", "CAF", "W64")
    },
    "Matroska": lambda samples: ffmpeg(samples, "matroska", "pcm_s32le"),
    "MOV": lambda samples: ffmpeg(samples, "mov", "pcm_s32be"),
    "WavPack": lambda samples: ffmpeg(samples, "wv", "wavpack"),
}


def warnings_of(source) -> tuple[str, ...]:
    with source:
        for _ in source.mono():
            pass
    return source.warnings


@pytest.mark.parametrize("way", [io.BytesIO, Pipe])
@pytest.mark.parametrize("kind", WRITERS)
def test_16_bit_values_in_32_bit_files_are_said(kind, way):
    samples = sixteen_bits("int32")
    (warning,) = warnings_of(open_audio(way(WRITERS[kind](samples))))
    peak = abs(samples).max()
    assert warning == (
        f"no sample is beyond {peak} of 2147483648, the full scale of 32-bit integers: they look "
        "like 16-bit integers that were not scaled; multiply them by 65536, such as with: ffmpeg "
        "-i IN.wav -af volume=65536 -c:a pcm_s32le OUT.wav"
    )
    scaled = WRITERS[kind](samples * 65536)
    assert warnings_of(open_audio(way(scaled))) == ()


def test_samples_without_a_header_are_looked_at_as_well():
    data = sixteen_bits("int32").astype("<i4").tobytes()
    (warning,) = warnings_of(open_live("s32le", RATE, 1, stream=io.BytesIO(data)))
    assert "16-bit integers that were not scaled" in warning
    data = sixteen_bits("float32").astype("<f4").tobytes()
    (warning,) = warnings_of(open_live("f32le", RATE, 1, stream=io.BytesIO(data)))
    assert "they look like 16-bit integers; divide them by 32768" in warning


def test_the_remedies_are_right():
    import av

    def filtered(samples: np.ndarray, form: str, volume: str, wanted: str) -> np.ndarray:
        graph = av.filter.Graph()
        source = graph.add_abuffer(sample_rate=RATE, format=form, layout="mono")
        chain = [
            source,
            graph.add("volume", volume),
            graph.add("aformat", f"sample_fmts={wanted}"),
            graph.add("abuffersink"),
        ]
        graph.link_nodes(*chain).configure()
        frame = av.AudioFrame.from_ndarray(samples[None], form, "mono")
        frame.sample_rate = RATE
        graph.push(frame)
        graph.push(None)
        return np.concatenate([graph.pull().to_ndarray()[0]])

    samples = sixteen_bits("int32")
    scaled = filtered(samples, "s32", "65536", "s32")
    np.testing.assert_array_equal(scaled, samples[: len(scaled)] * 65536)
    scaled = filtered(sixteen_bits("float32"), "flt", "1/32768", "flt")
    np.testing.assert_array_equal(scaled, samples[: len(scaled)] / np.float32(32768))


@pytest.mark.parametrize(
    ("array", "remedy"),
    [
        (sixteen_bits("int32"), "multiply them by 65536"),
        (sixteen_bits("int64"), "multiply them by 281474976710656"),
        (sixteen_bits("float32") / 2**31, "multiply them by 65536"),  # an int32 file, read
        ((sixteen_bits("float64") / 2**31).tolist(), "multiply them by 65536"),
        (np.stack([sixteen_bits("int32")] * 2, axis=1), "multiply them by 65536"),
        (sixteen_bits("float32"), "divide them by 32768"),
        (sixteen_bits("float64"), "divide them by 32768"),
        (sixteen_bits("float64") * 256, "divide them by 8388608"),
        (sixteen_bits("float64") * 65536, "divide them by 2147483648"),
    ],
)
def test_arrays_of_another_scale_are_said_with_the_remedy(array, remedy):
    for source in (
        array_source(array, RATE),
        stream_source([array[:1000], array[1000:]], RATE),
    ):
        (warning,) = warnings_of(source)
        assert "16-bit" in warning or "integers; divide" in warning
        assert warning.endswith(remedy)


def level(decibels: float) -> np.ndarray:
    """The example with its peak at a level of full scale."""
    samples = four_events()[:, 0].astype("f8")
    return samples * 10 ** (decibels / 20) / abs(samples).max()


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("decibels", [0, -20, -50, -70, -90, -95])
def test_intact_files_of_every_level_are_not_warned_of(subtype, decibels):
    data = libsndfile(level(decibels), "WAV", subtype)
    for way in (io.BytesIO, Pipe):
        assert warnings_of(open_audio(way(data))) == ()


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("decibels", [6, 12, 20, 29, -100, -120, -180, -300])
def test_floats_far_from_full_scale_are_not_warned_of(subtype, decibels):
    assert warnings_of(open_audio(io.BytesIO(libsndfile(level(decibels), "WAV", subtype)))) == ()


@pytest.mark.parametrize("decibels", [-50, -90, -100, -120, -135])
def test_faint_sound_of_24_bits_in_32_is_not_warned_of(decibels):
    samples = np.round(level(decibels) * 2**23).astype("int32") * 256
    for kind in ("WAV", "Matroska"):
        assert warnings_of(open_audio(io.BytesIO(WRITERS[kind](samples)))) == ()
    assert warnings_of(array_source(samples, RATE)) == ()


@pytest.mark.parametrize("dtype", ["int16", "int32", "int64", "float32"])
def test_silence_with_or_without_dither_is_not_warned_of(dtype):
    dither = np.random.default_rng(0).integers(-2, 3, 5000).astype(dtype)
    scale = 1 if dtype != "float32" else np.float32(2.0**-31)
    assert warnings_of(array_source(dither * scale, RATE)) == ()
    assert warnings_of(array_source(dither * 0, RATE)) == ()


@given(arrays.arrays("int32", st.integers(1, 300), elements=st.integers(-(2**15), 2**15)))
def test_what_is_said_of_32_bits_follows_its_rule(samples):
    is_faint = int(abs(samples).max()) >= 128 and bool((samples % 256).any())
    assert len(warnings_of(array_source(samples, RATE))) == is_faint
    louder = np.concatenate([samples, [2**15 + 2]]).astype("int32")
    assert warnings_of(array_source(louder, RATE)) == ()
    assert warnings_of(array_source(samples * 256, RATE)) == ()


@given(
    arrays.arrays("float32", (200, 2), elements=st.floats(width=32)),
    st.lists(st.integers(0, 200), max_size=4),
)
def test_no_value_stops_a_source_or_leaves_its_bounds(samples, cuts):
    source = stream_source(np.split(samples, sorted(cuts)), RATE)
    is_sound = abs(samples) <= LARGEST_SAMPLE
    if not is_sound.any():
        with pytest.raises(AudioValueError, match="the stream: contains only NaN"):
            list(source.blocks())
        return
    heard = np.concatenate(list(source.blocks()))
    np.testing.assert_array_equal(heard, np.where(is_sound, samples, 0))
    odd = [line for line in source.warnings if "counted as zero" in line]
    assert len(odd) == (not is_sound.all())
    assert np.isfinite(np.concatenate(list(stream_source([samples], RATE).mono()))).all()


@pytest.mark.parametrize("way", [io.BytesIO, Pipe])
@pytest.mark.parametrize("value", [3e38, -3e38, 1e10])
def test_a_value_that_no_scaling_explains_counts_as_zero(value, way):
    samples = four_events()[:, 0].copy()
    samples[8000:8002] = value
    source = open_audio(way(libsndfile(samples, "WAV", "FLOAT")))
    (warning,) = warnings_of(source)
    assert warning == (
        "2 samples are not finite or beyond 4294967296 and counted as zero: "
        f"first {value:g} at 0.5 s, channel 1"
    )


@pytest.mark.parametrize("value", [3e38, 2.0**62])
def test_sound_of_nothing_but_such_values_is_refused_by_name(value, tmp_path):
    reason = "contains only NaN, infinity and values beyond 4294967296, where full scale is 1"
    with pytest.raises(AudioValueError, match=f"^array: {reason}$"):
        warnings_of(array_source(np.full(9, value, np.float32), RATE))
    path = tmp_path / "huge.wav"
    soundfile.write(path, np.full(9, value), RATE, subtype="DOUBLE")
    with pytest.raises(AudioValueError, match=f"huge.wav: {reason}$"):
        warnings_of(open_audio(path))


def test_such_values_survive_a_change_of_form_midway():
    first = libsndfile(four_events()[:1000], "WAV", "FLOAT")
    loud = np.full((1000, 2), 3e38)
    source = open_audio(io.BytesIO(first + libsndfile(loud, "WAV", "FLOAT")))
    (warning,) = warnings_of(source)
    assert warning.startswith("1000 samples are not finite")


@pytest.mark.parametrize("is_bounded", [False, True])
def test_a_decoder_may_give_nothing(is_bounded):
    values = Values(16000, is_bounded=is_bounded, is_array=False)
    assert values.take(np.empty((0, 2), np.float32), 0).shape == (0, 2)
    assert values.usable == 0
