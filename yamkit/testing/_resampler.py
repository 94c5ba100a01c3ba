"""What a resampler promises: the count, no shift in time, and nothing that depends on the cut."""

from __future__ import annotations

import unittest
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from yamkit.testing._contract import PluginContract, fail, require

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["ResamplerContract"]


class ResamplerContract(PluginContract):
    """What every resampler promises; see `yamkit.plugin.Resampler`.

    Attributes
    ----------
    rates : tuple of (int, int)
        From and to, in Hz.
    cut_tolerance : float
        How far a sample may lie from the same sample of a stream that was cut in another way.
    tone_tolerance : float
        How far a tone at an eighth of the lower rate may lie from the same tone at the other rate.
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
            raise unittest.SkipTest("the count is wrong")
        return found

    def test_count(self) -> None:
        """From n samples come ``n * to // from``."""
        for rates in self.rates:
            for samples in (0, 1, 2, 1000, rates[0]):
                found = len(self._resampled(np.zeros(samples, np.float32), rates))
                wanted = samples * rates[1] // rates[0]
                where = f"of {samples} from {rates[0]} to {rates[1]} Hz"
                require(found == wanted, f"{found} samples {where}", f"{wanted}")

    def test_float32(self) -> None:
        """Samples are float32."""
        resampler = self.opened() and self.make()
        for found in (resampler.process(np.zeros(5000, np.float32)), resampler.flush()):
            kind = str(np.asarray(found).dtype)
            require(kind == "float32", kind, "float32")

    def test_any_cut(self) -> None:
        """How a stream was cut does not matter, blocks without samples included."""
        for rates in self.rates:
            noise = _noise(rates[0] // 2)
            whole = self._resampled(noise, rates)
            for cuts in ([1], [0, 7, 7, 900, 901, 5000], range(0, len(noise), 441)):
                found = self._resampled(noise, rates, cuts)
                if len(found) != len(whole):
                    seen = f"{len(found)} samples of a stream in {len(list(cuts)) + 1} blocks"
                    fail(seen, f"{len(whole)}, as of one block")
                strays = float(np.abs(found - whole).max())
                seen = f"samples that stray {strays:.2g} where the stream is cut"
                require(strays <= self.cut_tolerance, seen, f"at most {self.cut_tolerance:g}")

    def test_silence(self) -> None:
        """Silence stays silence."""
        for rates in self.rates:
            loudest = float(np.abs(self._resampled(np.zeros(5000, np.float32), rates)).max())
            require(loudest == 0, f"{loudest:.2g} in silence", "0")

    def test_tone(self) -> None:
        """A tone keeps its level and its place in time."""
        for rates in self.rates:
            hz = min(rates) / 8
            found = self._same_length(_tone(hz, rates[0], rates[0]), rates)
            wanted = _tone(hz, rates[1], len(found))
            middle = slice(len(found) // 4, -len(found) // 4)  # beside the ends, where zeros begin
            strays = float(np.abs(found - wanted)[middle].max())
            seen = f"a tone that strays {strays:.2g} from {rates[0]} to {rates[1]} Hz"
            require(strays <= self.tone_tolerance, seen, f"at most {self.tone_tolerance:g}")

    def test_input_unchanged(self) -> None:
        """The samples stay as they are."""
        samples = _noise(5000)
        kept = samples.copy()
        resampler = self.opened() and self.make()
        resampler.process(samples)
        resampler.flush()
        require(np.array_equal(samples, kept), "samples that were changed", "the same samples")

    def test_streams_apart(self) -> None:
        """Two streams at once do not mix."""
        rates = self.rates[0]
        noise = _noise(20_000)
        wanted = self._resampled(noise, rates, [10_000])
        one, other = self.make(*rates), self.make(*rates)
        parts = []
        for block in np.split(noise, [10_000]):
            parts.append(one.process(block.copy()))
            other.process(-block)
        found = np.concatenate([*parts, one.flush()])
        strays = float("inf") if len(found) != len(wanted) else float(np.abs(found - wanted).max())
        seen = f"samples that stray {strays:.2g} beside another stream"
        require(strays <= self.cut_tolerance, seen, f"at most {self.cut_tolerance:g}")


def _noise(samples: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).uniform(-0.5, 0.5, samples).astype(np.float32)


def _tone(hz: float, rate: int, samples: int) -> NDArray[np.float32]:
    tone: NDArray[np.float32] = np.sin(2 * np.pi * hz * np.arange(samples) / rate)
    return tone.astype(np.float32)
