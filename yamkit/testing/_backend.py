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
from yamkit.testing._golden import Golden, golden

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from yamkit.models import ModelBundle

__all__ = ["BackendContract"]

_ROUNDING = 1e-6
_SAME = 1e-5
_ROWS = 20  # more than engines take at a time


class BackendContract(PluginContract):
    """What every backend promises; see `yamkit.plugin.Backend`.

    Attributes
    ----------
    model : str or Path
        Name or folder of the model that is run; one that the backend does not run skips the checks.
    is_golden : bool
        Whether that model is `yamnet-mini`, in whatever form, so that the golden scores are its.
    tolerance, embedding_tolerance : float
        How far a score, and a number of an embedding, may lie from the golden one.
    """

    kind: ClassVar[str] = "backend"
    model: ClassVar[str | Path] = "yamnet-mini"
    is_golden: ClassVar[bool] = True
    tolerance: ClassVar[float] = 2e-4
    embedding_tolerance: ClassVar[float] = 5e-3

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
        patches = self._patches(_ROWS)
        alone = [self._predict(row[np.newaxis]) for row in patches]
        for order in (slice(None), slice(None, None, -1)):
            together = self._predict(patches[order])
            for found, wanted in zip(together, zip(*alone[order], strict=True), strict=True):
                strays = _share(found, np.concatenate(wanted))
                seen = f"a row that strays {strays:.2g} in a batch"
                require(strays <= _SAME, seen, f"at most {_SAME:g}")

    def test_input_unchanged(self) -> None:
        """The patches stay as they are."""
        patches = self._patches(3)
        kept = patches.copy()
        self.opened().predict(patches)
        require(np.array_equal(patches, kept), "patches that were changed", "the same patches")

    def test_repeatable(self) -> None:
        """The same patches give the same scores."""
        patches = self._patches(3)
        strays = max(map(_share, self._predict(patches), self._predict(patches)))
        require(strays <= _ROUNDING, f"results that stray {strays:.2g}", f"at most {_ROUNDING:g}")

    def test_threads(self) -> None:
        """Several threads may call at once."""
        *batches, last = [self._patches(2, seed) for seed in range(5)]
        wanted = [self._predict(batch) for batch in batches]
        self._predict(last)
        with promised("scores", "in another thread"):
            found = at_once(self._predict, batches)
        strays = max(max(map(_share, *pair)) for pair in zip(found, wanted, strict=True))
        require(
            strays <= _SAME, f"results that stray {strays:.2g} in threads", f"{_SAME:g} or less"
        )

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
        (scores, _), wanted = self._golden()
        strays = _largest(scores, wanted.scores)
        seen = f"scores that stray {strays:.2g} from the golden ones"
        require(strays <= self.tolerance, seen, f"at most {self.tolerance:g}")

    def test_golden_embeddings(self) -> None:
        """The golden embeddings of `yamnet-mini` come out, at the declared tolerance."""
        (_, embeddings), wanted = self._golden()
        if not embeddings.shape[1]:
            raise unittest.SkipTest("the model gives no embeddings")
        strays = _largest(embeddings, wanted.embeddings)
        seen = f"embeddings that stray {strays:.2g} from the golden ones"
        require(strays <= self.embedding_tolerance, seen, f"at most {self.embedding_tolerance:g}")

    def _golden(self) -> tuple[tuple[NDArray[Any], NDArray[Any]], Golden]:
        """Give what comes out for the golden inputs, a row at a time, and what should."""
        if not self.is_golden:
            raise unittest.SkipTest("the model is not yamnet-mini")
        wanted = golden()
        is_samples = self.bundle().features.kind == "waveform"
        inputs = wanted.windows if is_samples else wanted.patches
        scores, embeddings = zip(*(self._predict(row[np.newaxis]) for row in inputs), strict=True)
        return (np.concatenate(scores), np.concatenate(embeddings)), wanted


def _largest(found: NDArray[Any], wanted: NDArray[Any]) -> float:
    return float(np.abs(found.astype(float) - wanted).max(initial=0.0))


def _share(found: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Give the largest difference, of values above 1 as a share of the largest one."""
    return _largest(found, wanted) / max(1.0, float(np.abs(wanted).max(initial=0.0)))
