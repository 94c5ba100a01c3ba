"""The contract of front ends: number of patches, the golden log-mel, no state."""

from __future__ import annotations

import contextlib
import unittest
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from yamkit.errors import IncompatibleError
from yamkit.models.store import find_model
from yamkit.pipeline.windows import patch_count, segments
from yamkit.testing._contract import PluginContract
from yamkit.testing._failures import at_once, expecting, fail, require
from yamkit.testing._golden import golden
from yamkit.types import FeatureSpec, WaveformSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FrontendContract"]


class FrontendContract(PluginContract):
    """The contract of every front end; see `yamkit.plugin.Frontend`.

    Attributes
    ----------
    features : FeatureSpec or None
        Features to compute; None for those of `yamnet-mini`, or windows of as many samples.
    tolerance : float
        Largest difference of a value from the golden log-mel.
    cut_tolerance : float
        Largest difference of a patch from the same patch in another segment.
    """

    kind: ClassVar[str] = "frontend"
    features: ClassVar[FeatureSpec | None] = None
    tolerance: ClassVar[float] = 1e-3
    cut_tolerance: ClassVar[float] = 1e-5

    @classmethod
    def _methods(cls) -> tuple[str, ...]:
        return ("patches",)

    @classmethod
    def spec(cls) -> FeatureSpec:
        """Return the features to compute."""
        if cls.features is not None:
            return cls.features
        spec = find_model("yamnet-mini").features
        if cls.info().produces == "waveform":
            window, hop = spec.patch_window_samples, spec.patch_hop_samples
            return WaveformSpec("waveform", spec.sample_rate_hz, window, hop)
        return replace(spec, kind=cls.info().produces)

    @classmethod
    def make(cls) -> Any:
        """Open the front end."""
        return cls.factory()(cls.spec())

    def _segment(self, patches: int, seed: int = 0) -> NDArray[np.float32]:
        spec = self.spec()
        length = spec.patch_window_samples + (patches - 1) * spec.patch_hop_samples
        return np.random.default_rng(seed).uniform(-0.5, 0.5, length).astype(np.float32)

    def _patches(self, samples: NDArray[np.float32], patches: int) -> NDArray[Any]:
        """Compute patches for a check of values; skip it if the shapes are wrong."""
        found = np.asarray(self.opened().patches(samples.copy()))
        if found.shape != (patches, *self.spec().patch_shape):
            raise unittest.SkipTest("the shapes are wrong")
        return found

    def test_count(self) -> None:
        """A recording of any length has as many patches as the padding rule says."""
        spec = self.spec()
        window, hop = spec.patch_window_samples, spec.patch_hop_samples
        edges = (1, window - 1, window, window + 1, window + hop, window + hop + 1, 4 * window)
        for samples in edges:
            found = 0
            block = np.zeros(samples, np.float32)
            for segment in segments([block], window, hop, batch_size=3):
                shape = np.shape(self.opened().patches(segment.samples))
                expected = (segment.patches, *spec.patch_shape)
                where = f"for {len(segment.samples)} samples"
                require(shape == expected, f"{shape} {where}", f"{expected}")
                found += shape[0]
            count = patch_count(samples, window, hop)
            require(found == count, f"{found} patches for {samples} samples", f"{count}")

    def test_float32(self) -> None:
        """Patches are float32."""
        kind = str(np.asarray(self.opened().patches(self._segment(2))).dtype)
        require(kind == "float32", kind, "float32")

    def test_silence(self) -> None:
        """Patches of silence are finite and equal."""
        silence = np.zeros_like(self._segment(3))
        patches = self._patches(silence, 3)
        odd = patches[~np.isfinite(patches)]
        require(not len(odd), f"{odd[:1]} in silence", "finite values")
        difference = float(np.ptp(patches, axis=0).max())
        found = f"patches of silence that differ by {difference:.2g}"
        require(difference <= self.cut_tolerance, found, f"at most {self.cut_tolerance:g}")

    def test_golden_log_mel(self) -> None:
        """Patches differ from the golden log-mel by the tolerance at most."""
        if self.spec() != find_model("yamnet-mini").features:
            raise unittest.SkipTest("its features are not yamnet-mini's")
        expected = golden()
        patches = np.concatenate([self._patches(window, 1) for window in expected.windows])
        difference = float(np.abs(patches - expected.patches).max())
        found = f"values that differ by {difference:.2g} from the golden ones"
        require(difference <= self.tolerance, found, f"at most {self.tolerance:g}")

    def test_any_cut(self) -> None:
        """A patch is the same in any segment."""
        spec = self.spec()
        window, hop = spec.patch_window_samples, spec.patch_hop_samples
        samples = self._segment(9)
        together = self._patches(samples, 9)
        for count in (1, 2, 4):
            for first in range(0, 9 - count + 1, count):
                part = samples[first * hop :][: window + (count - 1) * hop]
                patches = self._patches(part, count)
                difference = float(np.abs(patches - together[first : first + count]).max())
                found = f"patches that differ by {difference:.2g} in segments of {count}"
                require(difference <= self.cut_tolerance, found, f"at most {self.cut_tolerance:g}")

    def test_input_unchanged(self) -> None:
        """The samples are not changed."""
        samples = self._segment(2)
        kept = samples.copy()
        self.opened().patches(samples)
        require(np.array_equal(samples, kept), "changed samples", "unchanged ones")

    def test_threads(self) -> None:
        """Several threads may call it at once."""
        inputs = [self._segment(2, seed) for seed in range(4)]
        expected = [self._patches(samples, 2) for samples in inputs]
        with expecting("patches", "in another thread"):
            patches = at_once(lambda samples: self._patches(samples, 2), inputs)
        difference = float(np.abs(np.array(patches) - expected).max())
        found = f"patches that differ by {difference:.2g} in threads"
        require(difference <= self.cut_tolerance, found, f"at most {self.cut_tolerance:g}")

    def test_other_features(self) -> None:
        """Features of an unknown kind raise an `IncompatibleError`."""
        self.opened()
        expected = "an IncompatibleError for features of kind 'no-such-kind'"
        with expecting(expected), contextlib.suppress(IncompatibleError):
            self.factory()(replace(self.spec(), kind="no-such-kind"))
            fail("a front end", expected)
