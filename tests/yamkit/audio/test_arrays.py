"""Arrays as sources, and the mix to one channel."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from yamkit.audio import (
    array_source,
    check_channels,
    check_sample_rate,
    one_channel,
    stream_source,
)
from yamkit.errors import AudioValueError, ParameterError


def decoded(array, sample_rate=16000):
    with array_source(array, sample_rate) as source:
        return np.concatenate(list(source.blocks()))


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", ">i2", "<i4"])
def test_signed_integers_are_divided_by_their_full_range(dtype):
    limits = np.iinfo(dtype)
    array = np.array([limits.min, 0, limits.max // 2 + 1], dtype)
    np.testing.assert_array_equal(decoded(array), np.float32([[-1], [0], [0.5]]))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f8"])
def test_floats_are_kept_even_beyond_full_scale(dtype):
    array = np.array([[0.5, -2.5], [1.0, 4.0]], dtype)
    result = decoded(array)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, array.astype(np.float32))


def test_lists_of_floats_are_taken():
    np.testing.assert_array_equal(decoded([0.5, 0.25]), [[0.5], [0.25]])


def test_a_source_says_what_it_is_and_counts():
    source = array_source(np.zeros((100_000, 2)), np.int32(48000))
    assert (source.name, source.sample_rate, source.channels) == ("array", 48000, 2)
    lengths = [len(block) for block in source.blocks()]
    assert lengths == [32768, 32768, 32768, 100_000 - 3 * 32768]
    assert source.samples == 100_000
    assert source.warnings == ()


def test_an_array_is_never_converted_whole():
    # A view of one value claims 8 TB, which no copy of it would find room for.
    huge = np.broadcast_to(np.float64(0.25), (1 << 40,))
    first = next(array_source(huge, 16000).blocks())
    assert first.shape == (65536, 1)
    assert first[0, 0] == 0.25


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros(0), "contains no samples"),
        (np.zeros((0, 2)), "contains no samples"),
        (np.float32(1), r"shape \(\)"),
        (np.zeros((2, 2, 2)), r"shape \(2, 2, 2\)"),
        (np.zeros((2, 16000)), "transpose it"),
        (np.zeros((2, 512)), r"shape \(2, 512\).* transpose it .* add channels=512"),
        (np.zeros((1, 512)), "add channels=512"),
        (np.zeros((2, 256), np.int16), "add channels=256"),
        (np.zeros((2, 1000)).tolist(), "add channels=1000"),
        (np.zeros((8, 9)), "add channels=9"),
        (np.zeros((2, 0)), "has 0 channels"),
        (np.zeros(3, np.uint8), "uint8"),
        (np.zeros(3, bool), "bool"),
        (np.zeros(3, complex), "complex128"),
        (np.array([None, None]), "object"),
        ([1, 2, 3], "no full scale"),
        ([[1.0], [1.0, 2.0]], "must be an array"),
    ],
)
def test_other_arrays_are_refused(array, reason):
    with pytest.raises(AudioValueError, match=reason):
        array_source(array, 16000)


@pytest.mark.parametrize("rate", [0, -1, 16000.5, float("nan"), True, "16000", 1 << 40])
def test_sample_rates_out_of_range_are_refused(rate):
    with pytest.raises(ParameterError, match="sample rate"):
        check_sample_rate(rate)


def test_a_missing_sample_rate_is_refused():
    with pytest.raises(ParameterError, match="add sample_rate=HZ"):
        array_source(np.zeros(3), None)


def test_integral_floats_are_sample_rates():
    assert check_sample_rate(44100.0) == 44100
    assert check_sample_rate(np.float32(8000)) == 8000


@given(rows=st.integers(1, 600), columns=st.integers(1, 600), stated=st.booleans())
@example(rows=1, columns=2, stated=False)
@example(rows=1, columns=8, stated=False)
@example(rows=2, columns=512, stated=True)
@example(rows=512, columns=512, stated=False)
def test_channels_first_is_asked_about(rows, columns, stated):
    array = np.zeros((rows, columns), np.float32)
    channels = columns if stated else None
    is_clear = stated or columns <= max(rows, 8)
    for open_source in (
        lambda: array_source(array, 8000, channels),
        lambda: stream_source([array], 8000, channels),
        lambda: stream_source([array[:0], array], 8000, channels),
    ):
        if is_clear:
            assert (source := open_source()).channels == columns
            assert sum(len(block) for block in source.blocks()) == rows
        else:
            with pytest.raises(
                AudioValueError, match=rf"\({rows}, {columns}\).*channels={columns}"
            ):
                open_source()


@given(
    columns=st.integers(1, 40),
    sizes=st.lists(st.integers(0, 60), min_size=1, max_size=8),
    stated=st.booleans(),
)
def test_a_stream_asks_about_its_first_block_alone(columns, sizes, stated):
    blocks = [np.zeros((size, columns), np.float32) for size in sizes]
    first = next((i for i, size in enumerate(sizes) if size), None)
    if first is None:
        with pytest.raises(AudioValueError, match="the stream contains no samples"):
            stream_source(blocks, 8000, columns if stated else None)
    elif stated or columns <= max(sizes[first], 8):
        source = stream_source(blocks, 8000, columns if stated else None)
        assert sum(len(block) for block in source.blocks()) == sum(sizes)
    else:
        with pytest.raises(AudioValueError, match=f"add channels={columns}"):
            stream_source(blocks, 8000)


@pytest.mark.parametrize(
    ("array", "channels", "reason"),
    [
        (np.zeros((2, 512)), 2, r"must be \[samples, 2\]; transpose it"),
        (np.zeros((512, 3)), 2, r"must be \[samples, 2\]$"),
        (np.zeros(512), 2, r"reshape\(-1, 2\)"),
    ],
)
def test_stated_channels_are_those_of_the_array(array, channels, reason):
    for open_source in (
        lambda: array_source(array, 8000, channels),
        lambda: stream_source([array], 8000, channels),
    ):
        with pytest.raises(AudioValueError, match=reason):
            open_source()


@pytest.mark.parametrize("channels", [0, -1, 1025, 2.0, True, "2"])
def test_numbers_of_channels_out_of_range_are_refused(channels):
    with pytest.raises(ParameterError, match=f"channels {channels!r}: must be a whole number"):
        check_channels(channels)


@pytest.mark.parametrize("dtype", ["int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("shape", [(5,), (5, 1), (0,)])
def test_blocks_of_one_channel_are_converted(dtype, shape):
    scale = 1 if dtype.startswith("float") else -np.iinfo(dtype).min
    block = one_channel(np.full(shape, scale // 4 if scale > 1 else 0.25, dtype))
    assert (block.dtype, block.shape) == (np.float32, shape[:1])
    assert (block == 0.25).all()


@pytest.mark.parametrize("shape", [(2, 512), (512, 2), (1, 512), (), (2, 2, 2)])
def test_blocks_of_several_channels_are_no_blocks_of_one(shape):
    with pytest.raises(AudioValueError, match=f"shape {re.escape(str(shape))}: must "):
        one_channel(np.zeros(shape, np.float32))


def mixed(blocks, rate=16_000, channels=None):
    source = stream_source(blocks, rate, channels)
    return np.concatenate(list(source.mono())), source


def test_streams_take_all_kinds_and_skip_empty_blocks():
    blocks = [np.zeros((3, 2), np.int16), np.ones((2, 2)), np.zeros((0, 2))]
    assert [block.shape for block in stream_source(blocks, 8000).blocks()] == [(3, 2), (2, 2)]
    assert [len(block) for block in stream_source([[], [0.5]], 8000).blocks()] == [1]


def test_streams_keep_their_number_of_channels():
    source = stream_source([np.zeros((3, 2)), np.zeros((3, 1))], 8000)
    with pytest.raises(AudioValueError, match="block of 1 channels after blocks of 2"):
        list(source.blocks())
    with pytest.raises(AudioValueError, match="the stream contains no samples"):
        stream_source([], 8000)


@given(
    channels=st.integers(1, 33),
    cuts=st.lists(st.integers(0, 40), max_size=6),
    seed=st.integers(0, 2**32 - 1),
)
def test_mono_is_the_mean_however_it_is_cut(channels, cuts, seed):
    array = np.random.default_rng(seed).standard_normal((40, channels)).astype(np.float32)
    result, source = mixed(np.split(array, sorted(cuts)), channels=channels)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, np.mean(array, axis=1))
    assert source.warnings == ()


def test_one_channel_is_taken_as_it_is():
    array = np.arange(12, dtype=np.float32).reshape(4, 3)
    np.testing.assert_array_equal(next(array_source(array, 8000).mono(2)), array[:, 1])
    for channel in (0, 4, True, "left"):
        with pytest.raises(ParameterError, match=f"has 3 channels; channel {channel}"):
            array_source(array, 8000).mono(channel)


@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (-np.inf, "infinity")])
def test_values_that_are_not_finite_count_as_zero_and_the_first_is_named(value, word):
    array = np.full((40_000, 3), 0.25, np.float32)
    array[39_999, 0] = array[24_000, 1] = value
    result, source = mixed(np.split(array, 4))
    assert [int(place) for place in np.flatnonzero(result != 0.25)] == [24_000, 39_999]
    wanted = f"2 samples are not finite and counted as zero: first {word} at 1.5 s, channel 2"
    assert source.warnings == (wanted,)
    source = array_source(array, 16_000)
    list(source.blocks())
    assert source.warnings == (wanted,)


def test_a_sound_of_nothing_else_is_refused():
    source = array_source(np.full(3, np.inf), 8000)
    with pytest.raises(AudioValueError, match="array: contains only NaN and infinity"):
        list(source.blocks())


def test_doubles_beyond_float32_are_infinite():
    source = array_source(np.array([0.0, 1e300]), 8000)
    assert not np.concatenate(list(source.blocks())).any()
    assert "1 sample is not finite" in source.warnings[0]


@pytest.mark.parametrize(("peak", "divisor"), [(30_000, 32768), (-8e6, 8388608), (2e9, 2147483648)])
def test_floats_in_the_range_of_integers_are_said(peak, divisor):
    array = np.zeros(8000, np.float32)
    array[4000:] = peak
    source = array_source(array, 8000)
    list(source.mono())
    (warning,) = source.warnings
    assert f"samples reach {abs(peak):g}, first at 0.5 s" in warning
    assert f"divide them by {divisor}" in warning


def test_floats_somewhat_beyond_full_scale_are_kept():
    source = array_source(np.full(8000, 8.0), 8000)
    assert next(source.mono())[0] == 8
    assert source.warnings == ()


@pytest.mark.parametrize("channels", [2, 4])
def test_channels_that_cancel_each_other_are_said_with_their_place(channels):
    noise = np.random.default_rng(0).normal(0, 0.1, 40_000).astype(np.float32)
    array = np.stack([noise] * channels, axis=1)
    array[16_000:32_000, ::2] *= -1
    result, source = mixed(np.split(array, 10), 8000)
    (warning,) = source.warnings
    assert warning.startswith("the channels cancel each other for 2 s, from 2 s on: ")
    assert "--channel 1" in warning
    assert not result[16_000:32_000].any()
    list((chosen := array_source(array, 8000)).mono(1))
    assert chosen.warnings == ()


@pytest.mark.parametrize(
    "array",
    [
        np.random.default_rng(0).normal(0, 0.1, (40_000, 2)),
        np.random.default_rng(0).normal(0, 0.1, (40_000, 64)),
        np.eye(1, 8).repeat(40_000, axis=0),  # one channel of eight sounds
        np.array([[1e-5, -1e-5]]).repeat(40_000, axis=0),  # noise that nobody would miss
        np.zeros((40_000, 2)),
    ],
)
def test_channels_without_anything_in_common_are_no_reason_for_a_warning(array):
    assert mixed([array], 8000)[1].warnings == ()


def test_the_mean_of_many_channels_is_the_same_for_any_cut_and_order():
    block = np.random.default_rng(0).normal(0, 0.1, (500, 9)).astype(np.float32)
    whole, _ = mixed([np.asfortranarray(block)])
    rows, _ = mixed(np.split(np.asfortranarray(block), 500), channels=9)
    np.testing.assert_array_equal(whole, rows)
    np.testing.assert_array_equal(whole, block.mean(axis=1))
