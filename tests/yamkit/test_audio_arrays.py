"""Arrays as sources, and the mix to one channel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.audio import array_source, check_sample_rate, float_blocks, mono
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
        (np.zeros(0), "holds no samples"),
        (np.zeros((0, 2)), "holds no samples"),
        (np.float32(1), r"shape \(\)"),
        (np.zeros((2, 2, 2)), r"shape \(2, 2, 2\)"),
        (np.zeros((2, 16000)), "transpose"),
        (np.zeros((2, 0)), "has 0 channels"),
        (np.zeros(3, np.uint8), "uint8"),
        (np.zeros(3, bool), "bool"),
        (np.zeros(3, complex), "complex128"),
        (np.array([None, None]), "object"),
        ([1, 2, 3], "no full range"),
        ([[1.0], [1.0, 2.0]], "no array"),
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


def test_float_blocks_take_all_kinds_and_skip_empty_ones():
    blocks = [np.zeros(3, np.int16), [], np.ones((2, 1)), np.zeros((0, 1))]
    assert [block.shape for block in float_blocks(blocks)] == [(3, 1), (2, 1)]


@given(
    channels=st.integers(1, 33),
    cuts=st.lists(st.integers(0, 40), max_size=6),
    seed=st.integers(0, 2**32 - 1),
)
def test_mono_is_the_mean_however_it_is_cut(channels, cuts, seed):
    array = np.random.default_rng(seed).standard_normal((40, channels)).astype(np.float32)
    blocks = np.split(array, sorted(cuts))
    result = np.concatenate(list(mono(blocks, 16000)))
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, np.mean(array, axis=1))


@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (-np.inf, "infinity")])
def test_the_first_bad_sample_is_named(value, word):
    array = np.zeros((40_000, 3), np.float32)
    array[39_999, 0] = array[24_000, 1] = value
    message = rf"{word} at sample 24000 \(1\.5 s\), channel 2"
    with pytest.raises(AudioValueError, match="^" + message):
        list(mono(np.split(array, 4), 16000))
    with pytest.raises(AudioValueError, match="^array: " + message):
        decoded(array)


def test_infinities_of_both_signs_in_one_sample_are_found():
    block = np.array([[0, 0], [np.inf, -np.inf]], np.float32)
    with pytest.raises(AudioValueError, match="infinity at sample 1"):
        list(mono([block], 8000))


def test_doubles_beyond_float32_are_infinite():
    with pytest.raises(AudioValueError, match="infinity at sample 1"):
        decoded(np.array([0.0, 1e300]))


def test_a_mean_survives_a_sum_beyond_float32():
    block = np.full((2, 2), 3e38, np.float32)
    (result,) = mono([block], 8000)
    np.testing.assert_array_equal(result, np.full(2, 3e38, np.float32))


def test_the_mean_of_many_channels_is_the_same_for_any_cut_and_order():
    block = np.random.default_rng(0).normal(0, 0.1, (500, 9)).astype(np.float32)
    whole = np.concatenate(list(mono([np.asfortranarray(block)], 8000)))
    rows = np.concatenate(list(mono(np.split(np.asfortranarray(block), 500), 8000)))
    np.testing.assert_array_equal(whole, rows)
    np.testing.assert_array_equal(whole, block.mean(axis=1))
