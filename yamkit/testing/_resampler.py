"""The contract of resamplers: number of samples, no shift in time, no effect of the cuts."""

from __future__ import annotations

import unittest
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from yamkit.testing._contract import PluginContract
from yamkit.testing._failures import fail, require

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["ResamplerContract"]


class ResamplerContract(PluginContract):
    """The contract of every resampler; see `yamkit.plugin.Resampler`.

    Attributes
    ----------
    rates : tuple of (int, int)
        Input rates and output rates, in Hz.
    cut_tolerance : float
        Largest difference of a sample from the same sample of a stream that is cut in another way.
    tone_tolerance : float
        Largest difference of a tone, at an eighth of the lower rate, from the same tone made at the
        output rate.
    """

    kind: ClassVar[str] = "resampler"
    rates: ClassVar[tuple[tuple[int, int], ...]] = (
        (44_100, 16_000),
        (48_000, 16_000),
        (8_000, 16_000),
        (22_050, 16_000),
    )
    cut_tolerance: ClassVar[float] = 1e-6
    tone_tolerance: ClassVar[float] = 0.01

    @classmethod
    def _methods(cls) -> tuple[str, ...]:
        return ("process", "flush")

    @classmethod
    def make(cls, from_hz: int = 44_100, to_hz: int = 16_000) -> Any:
        """Make a resampler for one stream."""
        return cls.factory()(from_hz, to_hz)

    def _resampled(
        self, samples: NDArray[np.float32], rates: tuple[int, int], cuts: Iterable[int] = ()
    ) -> NDArray[Any]:
        self.opened()
        resampler = self.make(*rates)
        parts = [resampler.process(block.copy()) for block in np.split(samples, list(cuts))]
        return np.concatenate([*parts, resampler.flush()])

    def _same_length(self, samples: NDArray[np.float32], rates: tuple[int, int]) -> NDArray[Any]:
        found = self._resampled(samples, rates)
        if len(found) != len(samples) * rates[1] // rates[0]:
            raise unittest.SkipTest("the number of samples is wrong")
        return found

    def test_count(self) -> None:
        """The result of n samples has ``n * to // from`` samples."""
        for rates in self.rates:
            for samples in (0, 1, 2, 1000, rates[0]):
                found = len(self._resampled(np.zeros(samples, np.float32), rates))
                expected = samples * rates[1] // rates[0]
                where = f"for {samples} from {rates[0]} to {rates[1]} Hz"
                require(found == expected, f"{found} samples {where}", f"{expected}")

    def test_float32(self) -> None:
        """Samples are float32."""
        resampler = self.opened() and self.make()
        for found in (resampler.process(np.zeros(5000, np.float32)), resampler.flush()):
            kind = str(np.asarray(found).dtype)
            require(kind == "float32", kind, "float32")

    def test_any_cut(self) -> None:
        """The result does not depend on how the stream is cut; blocks may be empty."""
        for rates in self.rates:
            noise = _noise(rates[0] // 2)
            whole = self._resampled(noise, rates)
            for cuts in ([1], [0, 7, 7, 900, 901, 5000], range(0, len(noise), 441)):
                samples = self._resampled(noise, rates, cuts)
                if len(samples) != len(whole):
                    found = f"{len(samples)} samples of a stream in {len(list(cuts)) + 1} blocks"
                    fail(found, f"{len(whole)}, as with one block")
                difference = float(np.abs(samples - whole).max())
                found = f"samples that differ by {difference:.2g} when the stream is cut"
                require(difference <= self.cut_tolerance, found, f"at most {self.cut_tolerance:g}")

    def test_silence(self) -> None:
        """The result of silence is silence."""
        for rates in self.rates:
            loudest = float(np.abs(self._resampled(np.zeros(5000, np.float32), rates)).max())
            require(loudest == 0, f"samples up to {loudest:.2g} in silence", "0")

    def test_tone(self) -> None:
        """A tone keeps its level and its position in time."""
        for rates in self.rates:
            hz = min(rates) / 8
            tone = self._same_length(_tone(hz, rates[0], rates[0]), rates)
            expected = _tone(hz, rates[1], len(tone))
            middle = slice(len(tone) // 4, -len(tone) // 4)  # away from the zeros at both ends
            difference = float(np.abs(tone - expected)[middle].max())
            found = f"a tone that differs by {difference:.2g} from {rates[0]} to {rates[1]} Hz"
            require(difference <= self.tone_tolerance, found, f"at most {self.tone_tolerance:g}")

    def test_input_unchanged(self) -> None:
        """The samples are not changed."""
        samples = _noise(5000)
        kept = samples.copy()
        resampler = self.opened() and self.make()
        resampler.process(samples)
        resampler.flush()
        require(np.array_equal(samples, kept), "changed samples", "unchanged ones")

    def test_streams_apart(self) -> None:
        """Two streams at the same time do not affect each other."""
        rates = self.rates[0]
        noise = _noise(20_000)
        expected = self._resampled(noise, rates, [10_000])
        one, other = self.make(*rates), self.make(*rates)
        parts = []
        for block in np.split(noise, [10_000]):
            parts.append(one.process(block.copy()))
            other.process(-block)
        samples = np.concatenate([*parts, one.flush()])
        is_same_length = len(samples) == len(expected)
        difference = float(np.abs(samples - expected).max()) if is_same_length else float("inf")
        found = f"samples that differ by {difference:.2g} when another stream is resampled too"
        require(difference <= self.cut_tolerance, found, f"at most {self.cut_tolerance:g}")


def _noise(samples: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).uniform(-0.5, 0.5, samples).astype(np.float32)


def _tone(hz: float, rate: int, samples: int) -> NDArray[np.float32]:
    tone: NDArray[np.float32] = np.sin(2 * np.pi * hz * np.arange(samples) / rate)
    return tone.astype(np.float32)
