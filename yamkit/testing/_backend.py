"""What a backend promises: shapes, types, rows by themselves, and the golden scores."""

from __future__ import annotations

import contextlib
import unittest
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from yamkit.errors import IncompatibleError, ProviderWarning
from yamkit.models.store import find_model
from yamkit.plugin import BackendOptions
from yamkit.testing._contract import PluginContract, at_once, promised, require
from yamkit.testing._golden import golden

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from yamkit.models import ModelBundle

__all__ = ["BackendContract"]

_ROUNDING = 1e-6


class BackendContract(PluginContract):
    """What every backend promises; see `yamkit.plugin.Backend`.

    Attributes
    ----------
    model : str or Path
        Name or folder of the model that is run; one that the backend does not run skips the checks.
    is_golden : bool
        Whether that model is `yamnet-mini`, in whatever form, so that the golden scores are its.
    tolerance : float
        How far a score may lie from the golden one.
    """

    kind: ClassVar[str] = "backend"
    model: ClassVar[str | Path] = "yamnet-mini"
    is_golden: ClassVar[bool] = True
    tolerance: ClassVar[float] = 2e-4

    @classmethod
    def _methods(cls) -> tuple[str, ...]:
        return ("predict", "close")

    @classmethod
    def bundle(cls) -> ModelBundle:
        """Load the model."""
        return find_model(cls.model)

    @classmethod
    def make(cls, options: BackendOptions | None = None) -> Any:
        """Open the backend, with files of its own nowhere."""
        factory, bundle = cls.factory(), cls.bundle()
        if bundle.network.kind not in cls.info().networks:
            kinds = ", ".join(cls.info().networks)
            raise unittest.SkipTest(f"runs {kinds}: give it such a model")
        return factory(bundle, options or BackendOptions())

    def _patches(self, count: int, seed: int = 0, spread: float = 1.5) -> NDArray[np.float32]:
        shape = (count, *self.bundle().features.patch_shape)
        values = np.random.default_rng(seed).normal(-2, spread, shape)
        if len(shape) == 2:  # samples
            values = np.tanh(values)
        return values.astype(np.float32)

    def _predict(self, patches: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Score, for checks of values: those of shapes say what is wrong with shapes."""
        scores, embeddings = map(np.asarray, self.opened().predict(patches.copy()))
        if (scores.shape, embeddings.shape) != self._shapes(len(patches)):
            raise unittest.SkipTest("the shapes are wrong")
        return scores, embeddings

    def _shapes(self, count: int) -> tuple[tuple[int, int], tuple[int, int]]:
        bundle = self.bundle()
        return (count, len(bundle.classes)), (count, bundle.network.embedding_size)

    def test_shapes(self) -> None:
        """Scores are [B, C], embeddings [B, E]."""
        for count in (1, 3):
            found = self.opened().predict(self._patches(count))
            shapes = tuple(np.shape(each) for each in found)
            require(shapes == self._shapes(count), f"{shapes}", f"{self._shapes(count)}")

    def test_float32(self) -> None:
        """Both are float32."""
        kinds = [str(np.asarray(each).dtype) for each in self.opened().predict(self._patches(2))]
        require(kinds == ["float32", "float32"], " and ".join(kinds), "float32 and float32")

    def test_range(self) -> None:
        """Scores lie in 0 to 1."""
        scores, _ = self._predict(self._patches(3, spread=4.0))
        low, high = np.nanmin(scores), np.nanmax(scores)
        require(low >= -_ROUNDING and high <= 1 + _ROUNDING, f"{low:g} to {high:g}", "0 to 1")

    def test_finite(self) -> None:
        """Extreme patches give finite scores and embeddings."""
        patches = self._patches(2)
        patches[0], patches[1] = 1e4, -1e4
        for name, values in zip(("scores", "embeddings"), self._predict(patches), strict=True):
            odd = values[~np.isfinite(values)]
            require(not len(odd), f"{name} with {odd[:1]}", "finite ones")

    def test_empty_batch(self) -> None:
        """No patches give no rows, and no exception."""
        shapes = tuple(np.shape(each) for each in self.opened().predict(self._patches(0)))
        require(shapes == self._shapes(0), f"{shapes}", f"{self._shapes(0)}")

    def test_rows_independent(self) -> None:
        """A patch has the same scores in any batch."""
        patches = self._patches(5)
        alone = np.concatenate([self._predict(row[np.newaxis])[0] for row in patches])
        for part in (patches, patches[::-1]):
            scores, _ = self._predict(part)
            wanted = alone if part is patches else alone[::-1]
            strays = _largest(scores, wanted)
            require(strays <= 1e-5, f"a row that strays {strays:.2g} in a batch", "at most 1e-05")

    def test_input_unchanged(self) -> None:
        """The patches stay as they are."""
        patches = self._patches(3)
        kept = patches.copy()
        self.opened().predict(patches)
        require(np.array_equal(patches, kept), "patches that were changed", "the same patches")

    def test_repeatable(self) -> None:
        """The same patches give the same scores."""
        patches = self._patches(3)
        strays = _largest(self._predict(patches)[0], self._predict(patches)[0])
        require(strays <= _ROUNDING, f"scores that stray {strays:.2g}", f"at most {_ROUNDING:g}")

    def test_threads(self) -> None:
        """Several threads may call at once."""
        *batches, last = [self._patches(2, seed) for seed in range(5)]
        wanted = [self._predict(batch)[0] for batch in batches]
        self._predict(last)
        with promised("scores", "in another thread"):
            found = at_once(self._predict, batches)
        strays = max(_largest(*pair) for pair in zip((s for s, _ in found), wanted, strict=True))
        require(strays <= 1e-5, f"scores that stray {strays:.2g} in threads", "at most 1e-05")

    def test_thread_count(self) -> None:
        """One thread is kept, or refused with an `IncompatibleError`."""
        self._try(BackendOptions(threads=1), "threads=1")

    def test_providers(self) -> None:
        """A provider that this machine does not have gives way to the CPU, with a warning."""
        for provider in self.info().providers:
            self._try(BackendOptions(provider=provider), f"provider={provider!r}")

    def _try(self, options: BackendOptions, what: str) -> None:
        self.opened()  # one that does not open at all is not this check's concern
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ProviderWarning)
            with (
                promised("a backend, or an IncompatibleError", f"with {what}"),
                contextlib.suppress(IncompatibleError),
            ):
                self.make(options).close()

    def test_close_twice(self) -> None:
        """Closing again does nothing."""
        backend = self.opened()
        self._release()
        with promised("nothing", "at the second close"):
            backend.close()

    def test_golden_scores(self) -> None:
        """The golden scores of `yamnet-mini` come out, at the declared tolerance."""
        if not self.is_golden:
            raise unittest.SkipTest("the model is not yamnet-mini")
        wanted = golden()
        is_samples = self.bundle().features.kind == "waveform"
        inputs = wanted.windows if is_samples else wanted.patches
        scores = np.concatenate([self._predict(row[np.newaxis])[0] for row in inputs])
        strays = _largest(scores, wanted.scores)
        seen = f"scores that stray {strays:.2g} from the golden ones"
        require(strays <= self.tolerance, seen, f"at most {self.tolerance:g}")


def _largest(found: NDArray[Any], wanted: NDArray[Any]) -> float:
    return float(np.abs(found.astype(float) - wanted).max(initial=0.0))
