"""Both resamplers against resampy, an evaluation of the kernel by hand, and any cut."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from yamkit.errors import ParameterError
from yamkit.plugin import Resampler
from yamkit.resamplers import yamkit_resamplers
from yamkit.resamplers._kernel import Ratio, kernel_values, phase_weights
from yamkit.resamplers._polyphase import LivePolyphase, Polyphase, _chunks, _Groups, _Tiles

TABLE_SIZE = 50 * 2**13 + 1
# Pairs at which resampy's floating-point positions fall short of whole samples.
ROUNDED = [(47999, 16000), (199200, 16000), (111, 72), (49, 1)]
RATES = [
    (44100, 16000),
    (48000, 16000),
    (22050, 16000),
    (8000, 16000),
    (11025, 16000),
    (32000, 16000),
    (96000, 16000),
    (192000, 16000),
    (44056, 16000),
    (11127, 16000),
    (16000, 44100),
    (44100, 22050),
    (768000, 16000),
    (767999, 16000),
    (1, 16000),
    *ROUNDED,
]


OURS = {"polyphase": Polyphase, "polyphase-live": LivePolyphase}
NAMES = ("polyphase", "polyphase-live", "resampy")


def with_rates(*rates: tuple[int, int]) -> pytest.MarkDecorator:
    """Every resampler with every pair of rates.

    `polyphase-live` gets fewer outputs from 1 Hz: the end of a stream costs it, in chunks of 160
    outputs, the square of their number.
    """
    pairs = itertools.product(NAMES, rates)
    live = {(1, 16000): (1, 2000)}
    return pytest.mark.parametrize(
        ("name", "rates"),
        [
            (name, live.get(pair, pair) if name == "polyphase-live" else pair)
            for name, pair in pairs
        ],
        ids=str,
    )


def make(name: str, from_hz: int, to_hz: int) -> Resampler:
    if name in OURS:
        return OURS[name](from_hz, to_hz)
    pytest.importorskip("resampy")
    from yamkit.resamplers._resampy import Resampy

    return Resampy(from_hz, to_hz)


def resample(resampler: Resampler, *blocks: np.ndarray) -> np.ndarray:
    parts = [resampler.process(block) for block in blocks]
    return np.concatenate([*parts, resampler.flush()])


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.2, samples).astype(np.float32)


@with_rates(*RATES)
@pytest.mark.long(reason="many streams, sample by sample")
def test_equal_to_resampy(name: str, rates: tuple[int, int]) -> None:
    resampy = pytest.importorskip("resampy")
    samples = noise(min(max(rates[0], 3000), 60000) + 3 if rates[0] > 1 else 4)
    wanted = resampy.resample(samples, *rates, filter="kaiser_best")
    found = resample(make(name, *rates), *np.array_split(samples, 5))
    assert found.dtype == np.float32
    assert len(found) == len(samples) * rates[1] // rates[0]
    assert abs(len(found) - len(wanted)) <= 1  # resampy counts in floating point
    length = min(len(found), len(wanted))
    # A chunk of its own is rounded at other places than the whole.
    tolerance = 1e-4 if name == "resampy" and rates in ROUNDED else 1e-6
    np.testing.assert_allclose(found[:length], wanted[:length], rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", NAMES)
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
    np.testing.assert_allclose(kernel_values(np.arange(len(table))), table, rtol=0, atol=1e-14)


def test_the_table_has_a_sinc_s_zeros_and_ends() -> None:
    """What its definition says of it, without resampy."""
    table = kernel_values(np.arange(TABLE_SIZE))
    assert table[0] == pytest.approx(0.9173473712608761)
    crossings = np.flatnonzero(np.diff(np.sign(table[:-1]))) / 2**13 * table[0]
    np.testing.assert_allclose(crossings, np.arange(1, len(crossings) + 1), atol=1e-3)
    assert len(crossings) == 45
    np.testing.assert_array_equal(kernel_values(np.array([TABLE_SIZE, 9**9])), table[-1])


@pytest.mark.parametrize("rates", [(44100, 16000), (8000, 16000), (767999, 16000)], ids=str)
def test_weights_are_the_same_for_few_phases_as_for_many(rates: tuple[int, int]) -> None:
    ratio = Ratio.of(*rates)
    phases = np.arange(ratio.step // 8) % ratio.up
    many = phase_weights(ratio, phases)
    few = np.concatenate([phase_weights(ratio, part) for part in np.array_split(phases, 2)])
    np.testing.assert_array_equal(many, few)


@pytest.mark.parametrize(
    "rates", [(44100, 16000), (8000, 16000), (44056, 16000), (47999, 16000)], ids=str
)
def test_equal_to_the_kernel_by_hand(rates: tuple[int, int]) -> None:
    """One output at a time, in float64, tap by tap, from the definition."""
    from_hz, to_hz = rates
    samples = noise(2000)
    found = resample(Polyphase(*rates), samples)
    table, precision = kernel_values(np.arange(TABLE_SIZE)), 2**13
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


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=30, deadline=None)
@given(
    rates=st.sampled_from([rates for rates in RATES if rates[0] > 1]),
    samples=st.integers(0, 9000) | st.integers(50000, 60000),
    places=st.lists(st.integers(0, 60000), max_size=8),
)
@pytest.mark.long(reason="many streams, sample by sample")
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
@pytest.mark.long(reason="many streams, sample by sample")
def test_any_pair_of_rates_equals_resampy(from_hz: int, to_hz: int, samples: int) -> None:
    resampy = pytest.importorskip("resampy")
    assume(from_hz != to_hz)  # the core calls no resampler then
    samples = min(samples, 1 + 30000 * from_hz // to_hz)
    signal = noise(samples)
    found = resample(Polyphase(from_hz, to_hz), signal)
    assert len(found) == samples * to_hz // from_hz
    if samples * to_hz < 2 * from_hz:
        return  # resampy refuses to give nothing
    wanted = resampy.resample(signal, from_hz, to_hz, filter="kaiser_best")
    length = min(len(found), len(wanted))
    assert abs(len(found) - len(wanted)) <= 1
    np.testing.assert_allclose(found[:length], wanted[:length], rtol=0, atol=1e-5)


@with_rates((44100, 16000), (768000, 16000), (1, 16000), (2, 3))
@pytest.mark.parametrize("samples", [0, 1, 2])
@pytest.mark.long(reason="many streams, sample by sample")
def test_the_shortest_streams(name: str, rates: tuple[int, int], samples: int) -> None:
    found = resample(make(name, *rates), *np.full((samples, 1), 0.5, np.float32))
    assert len(found) == samples * rates[1] // rates[0]
    assert np.isfinite(found).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rates", [(0, 16000), (44100, 0), (-1, 1)], ids=str)
def test_rates_that_are_none(name: str, rates: tuple[int, int]) -> None:
    with pytest.raises(ParameterError, match="at least 1 Hz"):
        make(name, *rates)


@pytest.mark.parametrize("name", NAMES)
def test_a_fall_the_table_is_too_coarse_for(name: str) -> None:
    make(name, 8192, 1)
    with pytest.raises(ParameterError, match="8193 to 1 Hz.*1/8192"):
        make(name, 8193, 1)


def test_the_outputs_that_resampy_rounds_down() -> None:
    ratio = Ratio.of(111, 72)  # 24 outputs for 37 samples
    outputs = np.arange(24, 24000, 24)
    short = ratio.short_outputs(1, 23999)
    assert 0 < len(short) <= len(outputs)
    increment = 1.0 / (72.0 / 111)
    wanted = [output for output in outputs.tolist() if int(output * increment) < output * 37 // 24]
    assert short.tolist() == wanted
    for common in (8000, 11025, 22050, 32000, 44100, 48000, 96000, 192000):
        assert not len(Ratio.of(common, 16000).short_outputs(0, 100000))


def test_positions_are_exact_after_ten_hours() -> None:
    ratio = Ratio.of(44100, 16000)
    first = 36000 * 16000 + 1
    whole, phase = ratio.positions(first, 3)
    for i in range(3):
        assert divmod((first + i) * 441, 160) == (whole[i], phase[i])


@pytest.mark.parametrize("rates", [*RATES, (10_000_000, 16000)], ids=str)
@pytest.mark.long(reason="many streams, sample by sample")
def test_memory_is_bounded(rates: tuple[int, int]) -> None:
    """Matrices of 16 MB, a buffer of one chunk, whatever the rates."""
    chunks = _chunks(Ratio.of(*rates), False)
    if isinstance(chunks, _Groups):
        assert chunks._matrices.nbytes <= 16 * 2**20
    assert chunks.inputs <= 2**20
    resampler = Polyphase(*rates)
    for _ in range(3):
        given = resampler.process(noise(chunks.inputs))
        assert len(given) >= chunks.outputs
        assert len(resampler._buffer) < chunks.inputs
        assert resampler._buffer.base is None  # else all that came lives on


def test_numbers_too_large_for_matrices_take_tiles() -> None:
    assert isinstance(_chunks(Ratio.of(44100, 16000), False), _Groups)
    assert isinstance(_chunks(Ratio.of(11127, 16000), False), _Groups)
    assert isinstance(_chunks(Ratio.of(47999, 16000), False), _Tiles)


@pytest.mark.parametrize("rates", [(44100, 16000), (16000, 44100), (17, 23), (47998, 16000)])
def test_both_ways_of_computing_agree(rates: tuple[int, int]) -> None:
    ratio = Ratio.of(*rates)
    chunks, tiles = _chunks(ratio, False), _Tiles(ratio, 4096)
    samples = noise(max(chunks.inputs, tiles.inputs))
    length = min(chunks.outputs, tiles.outputs)
    wanted = tiles.compute(0, samples[: tiles.inputs], length)
    for least in (1, length, chunks.outputs):
        found = chunks.compute(0, samples[: chunks.inputs], least)
        assert len(found) >= least
        compared = min(least, length)
        np.testing.assert_allclose(found[:compared], wanted[:compared], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("to_hz", [16000, 8000])
def test_the_first_chunk_comes_within_a_second_and_a_bit(name: str, to_hz: int) -> None:
    given = make(name, 44100, to_hz).process(noise(44100 * 5 // 4))
    assert len(given) >= to_hz // 2


@pytest.mark.parametrize("from_hz", [8000, 11025, 16001, 22050, 32000, 44056, 44100, 47999])
@pytest.mark.long(reason="many streams, sample by sample")
def test_live_samples_come_within_a_few_hundredths_of_a_second(from_hz: int) -> None:
    resampler = LivePolyphase(from_hz, 16000)
    received = given = 0
    for _ in range(100):
        received += from_hz // 200
        given += len(resampler.process(noise(from_hz // 200)))
        assert received / from_hz - given / 16000 < 0.05


def test_the_hook_describes_all_without_importing_them() -> None:
    assert [info.requires for info in yamkit_resamplers()] == [(), (), ("resampy", "numba")]
    code = (
        "import sys; from yamkit.resamplers import yamkit_resamplers;"
        "print(*(info.name for info in yamkit_resamplers()));"
        "print(*sorted({'numpy', 'numba', 'resampy', 'scipy'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == ["polyphase polyphase-live resampy", ""]


def test_polyphase_imports_neither_resampy_nor_scipy() -> None:
    code = (
        "import sys, numpy; from yamkit.resamplers._polyphase import Polyphase;"
        "Polyphase(44100, 16000).process(numpy.zeros(50000, 'f4'));"
        "print(*sorted({'numba', 'resampy', 'scipy'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not found.stdout.strip()
