"""Both resamplers against resampy, an evaluation of the kernel by hand, and any cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from yamkit.errors import ParameterError
from yamkit.plugin import Resampler
from yamkit.resamplers._kernel import Ratio, kernel_table, kernel_values, phase_weights
from yamkit.resamplers._polyphase import Polyphase, _chunks, _Groups, _Tiles

RATES = [
    (44100, 16000),
    (48000, 16000),
    (22050, 16000),
    (8000, 16000),
    (11025, 16000),
    (96000, 16000),
    (192000, 16000),
    (44056, 16000),
    (11127, 16000),
    (16000, 44100),
    (44100, 22050),
    (768000, 16000),
    (767999, 16000),
    (1, 16000),
]


def make(name: str, from_hz: int, to_hz: int) -> Resampler:
    if name == "polyphase":
        return Polyphase(from_hz, to_hz)
    pytest.importorskip("resampy")
    from yamkit.resamplers._resampy import Resampy

    return Resampy(from_hz, to_hz)


def resample(resampler: Resampler, *blocks: np.ndarray) -> np.ndarray:
    parts = [resampler.process(block) for block in blocks]
    return np.concatenate([*parts, resampler.flush()])


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.2, samples).astype(np.float32)


@pytest.mark.parametrize("name", ["polyphase", "resampy"])
@pytest.mark.parametrize("rates", RATES, ids=str)
def test_equal_to_resampy(name: str, rates: tuple[int, int]) -> None:
    resampy = pytest.importorskip("resampy")
    samples = noise(min(rates[0], 60000) + 3)
    wanted = resampy.resample(samples, *rates, filter="kaiser_best")
    found = resample(make(name, *rates), *np.array_split(samples, 5))
    assert found.dtype == np.float32
    assert len(found) == len(samples) * rates[1] // rates[0]
    assert abs(len(found) - len(wanted)) <= 1  # resampy counts in floating point
    length = min(len(found), len(wanted))
    np.testing.assert_allclose(found[:length], wanted[:length], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["polyphase", "resampy"])
def test_equal_to_resampy_on_real_sound(shared: Path, name: str) -> None:
    import soundfile

    resampy = pytest.importorskip("resampy")
    samples, rate = soundfile.read(
        shared / "golden" / "trumpet-44k1-stereo.flac", dtype="float32", always_2d=True
    )
    samples = samples.mean(axis=1)
    wanted = resampy.resample(samples, rate, 16000, filter="kaiser_best")
    found = resample(make(name, rate, 16000), samples)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)


def test_the_table_is_resampys() -> None:
    resampy = pytest.importorskip("resampy")
    table, precision, _ = resampy.filters.get_filter("kaiser_best")
    assert precision == 2**13
    np.testing.assert_allclose(kernel_table(), table, rtol=0, atol=1e-14)


def test_a_part_of_the_table_equals_the_whole() -> None:
    index = np.array([[0, 1], [8191, 409600], [409601, 500000]])
    np.testing.assert_array_equal(kernel_values(index), kernel_table()[np.minimum(index, 409600)])


@pytest.mark.parametrize("rates", [(44100, 16000), (8000, 16000), (44056, 16000)], ids=str)
def test_equal_to_the_kernel_by_hand(rates: tuple[int, int]) -> None:
    """One output at a time, in float64, tap by tap, from the definition."""
    from_hz, to_hz = rates
    samples = noise(2000)
    found = resample(Polyphase(*rates), samples)
    table, precision = kernel_table(), 2**13
    scale = min(1.0, to_hz / from_hz)
    step = int(scale * precision)

    def wing(first: float, values: np.ndarray) -> float:
        place = first * precision
        offset = int(place)
        total = 0.0
        for tap, value in enumerate(values[: (len(table) - offset) // step]):
            here = table[offset + tap * step]
            there = table[min(offset + tap * step + 1, len(table) - 1)]
            total += (here + (place - offset) * (there - here)) * float(value)
        return total * scale

    for output in (0, 1, len(found) // 3, len(found) - 1):
        whole, phase = divmod(output * from_hz, to_hz)
        fraction = scale * phase / to_hz
        wanted = wing(fraction, samples[: whole + 1][::-1])
        wanted += wing(scale - fraction, samples[whole + 1 :])
        assert abs(found[output] - wanted) < 1e-6


@pytest.mark.parametrize("name", ["polyphase", "resampy"])
@settings(max_examples=30, deadline=None)
@given(
    rates=st.sampled_from(RATES[:12]),
    samples=st.integers(0, 9000),
    places=st.lists(st.integers(0, 9000), max_size=8),
)
def test_the_cut_does_not_matter_to_the_bit(
    name: str, rates: tuple[int, int], samples: int, places: list[int]
) -> None:
    signal = noise(samples)
    whole = resample(make(name, *rates), signal)
    parts = np.split(signal, sorted(place % (samples + 1) for place in places))
    cut = resample(make(name, *rates), *parts)
    assert len(whole) == samples * rates[1] // rates[0]
    np.testing.assert_array_equal(whole, cut)


@settings(max_examples=20, deadline=None)
@given(from_hz=st.integers(1, 768000), to_hz=st.integers(4000, 48000), samples=st.integers(1, 3000))
def test_any_pair_of_rates_equals_resampy(from_hz: int, to_hz: int, samples: int) -> None:
    resampy = pytest.importorskip("resampy")
    assume(from_hz != to_hz)  # the core calls no resampler then
    samples = min(samples, 1 + 30000 * from_hz // to_hz)
    signal = noise(samples)
    found = resample(Polyphase(from_hz, to_hz), signal)
    if samples * to_hz < 2 * from_hz:
        assert len(found) == samples * to_hz // from_hz
        return  # resampy refuses to give nothing
    wanted = resampy.resample(signal, from_hz, to_hz, filter="kaiser_best")
    length = min(len(found), len(wanted))
    assert abs(len(found) - len(wanted)) <= 1
    np.testing.assert_allclose(found[:length], wanted[:length], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["polyphase", "resampy"])
@pytest.mark.parametrize("rates", [(44100, 16000), (768000, 16000), (1, 16000), (2, 3)], ids=str)
@pytest.mark.parametrize("samples", [0, 1, 2])
def test_the_shortest_streams(name: str, rates: tuple[int, int], samples: int) -> None:
    found = resample(make(name, *rates), *np.full((samples, 1), 0.5, np.float32))
    assert len(found) == samples * rates[1] // rates[0]
    assert np.isfinite(found).all()


@pytest.mark.parametrize("name", ["polyphase", "resampy"])
@pytest.mark.parametrize("rates", [(0, 16000), (44100, 0), (-1, 1)], ids=str)
def test_rates_that_are_none(name: str, rates: tuple[int, int]) -> None:
    with pytest.raises(ParameterError, match="wanted 1 Hz or more"):
        make(name, *rates)


def test_positions_are_exact_after_ten_hours() -> None:
    ratio = Ratio.of(44100, 16000)
    first = 36000 * 16000 + 1
    whole, phase = ratio.positions(first, 3)
    for i in range(3):
        assert divmod((first + i) * 441, 160) == (whole[i], phase[i])


@pytest.mark.parametrize("rates", RATES, ids=str)
def test_memory_is_bounded(rates: tuple[int, int]) -> None:
    """No table over 16 MB, and a buffer of two chunks at the most, whatever the rates."""
    chunks = _chunks(Ratio.of(*rates))
    table = chunks._matrix if isinstance(chunks, _Groups) else chunks._table
    assert table is None or table.nbytes <= 16 * 2**20
    resampler = Polyphase(*rates)
    block = noise(20000)
    for _ in range(6):
        resampler.process(block)
    assert len(resampler._buffer) <= chunks.inputs(resampler._given) + 1


def test_large_numbers_take_tiles_with_and_without_a_table() -> None:
    with_table, without = _chunks(Ratio.of(44056, 16000)), _chunks(Ratio.of(767999, 16000))
    assert isinstance(with_table, _Tiles)
    assert isinstance(without, _Tiles)
    assert with_table._table is not None
    assert without._table is None
    np.testing.assert_allclose(
        with_table._table[7], phase_weights(Ratio.of(44056, 16000), np.array([7]))[0], atol=1e-7
    )
