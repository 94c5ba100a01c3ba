"""The contract of backends: shapes, types, independent rows, and the golden scores."""

from __future__ import annotations

import contextlib
import unittest
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from yamkit.errors import IncompatibleError, ProviderWarning
from yamkit.models.store import find_model
from yamkit.plugin import BackendOptions
from yamkit.testing._contract import PluginContract
from yamkit.testing._failures import at_once, expecting, require
from yamkit.testing._golden import Golden, golden

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from yamkit.models import ModelBundle

__all__ = ["BackendContract"]

_ROUNDING = 1e-6
_SAME = 1e-5
_ROWS = 20  # more than an engine processes at once


class BackendContract(PluginContract):
    """The contract of every backend; see `yamkit.plugin.Backend`.

    Attributes
    ----------
    model : str or Path
        Name or folder of the model to run; the checks are skipped if the backend does not run it.
    is_golden : bool
        Whether that model is `yamnet-mini`, in any format, and so has the golden scores.
    tolerance, embedding_tolerance : float
        Largest difference of a score, and of a number of an embedding, from the golden one.
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
        """Return the model."""
        return find_model(cls.model)

    @classmethod
    def make(cls, options: BackendOptions | None = None) -> Any:
        """Open the backend, without a folder for its files."""
        factory, bundle = cls.factory(), cls.bundle()
        if bundle.network.kind not in cls.info().networks:
            kinds = ", ".join(cls.info().networks)
            raise unittest.SkipTest(f"runs {kinds}; choose such a model with --model")
        return factory(bundle, options or BackendOptions())

    def _patches(self, count: int, seed: int = 0, spread: float = 1.5) -> NDArray[np.float32]:
        shape = (count, *self.bundle().features.patch_shape)
        values = np.random.default_rng(seed).normal(-2, spread, shape)
        if len(shape) == 2:  # samples
            values = np.tanh(values)
        return values.astype(np.float32)

    def _predict(self, patches: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Score patches for a check of values; skip it if the shapes are wrong."""
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
        """Scores and embeddings are float32."""
        kinds = [str(np.asarray(each).dtype) for each in self.opened().predict(self._patches(2))]
        require(kinds == ["float32", "float32"], " and ".join(kinds), "float32 and float32")

    def test_range(self) -> None:
        """Scores are in 0-1."""
        scores, _ = self._predict(self._patches(3, spread=4.0))
        low, high = np.nanmin(scores), np.nanmax(scores)
        require(
            low >= -_ROUNDING and high <= 1 + _ROUNDING,
            f"scores from {low:g} to {high:g}",
            "0 to 1",
        )

    def test_finite(self) -> None:
        """Scores and embeddings of extreme patches are finite."""
        patches = self._patches(2)
        patches[0], patches[1] = 1e4, -1e4
        for name, values in zip(("scores", "embeddings"), self._predict(patches), strict=True):
            odd = values[~np.isfinite(values)]
            require(not len(odd), f"{name} with {odd[:1]}", "finite values")

    def test_empty_batch(self) -> None:
        """A batch without patches has results without rows."""
        shapes = tuple(np.shape(each) for each in self.opened().predict(self._patches(0)))
        require(shapes == self._shapes(0), f"{shapes}", f"{self._shapes(0)}")

    def test_rows_independent(self) -> None:
        """A patch has the same scores in any batch."""
        patches = self._patches(_ROWS)
        single = [self._predict(row[np.newaxis]) for row in patches]
        for order in (slice(None), slice(None, None, -1)):
            together = self._predict(patches[order])
            for batch, rows in zip(together, zip(*single[order], strict=True), strict=True):
                difference = _relative(batch, np.concatenate(rows))
                found = f"a row that differs by {difference:.2g} in a batch"
                require(difference <= _SAME, found, f"at most {_SAME:g}")

    def test_input_unchanged(self) -> None:
        """The patches are not changed."""
        patches = self._patches(3)
        kept = patches.copy()
        self.opened().predict(patches)
        require(np.array_equal(patches, kept), "changed patches", "unchanged ones")

    def test_repeatable(self) -> None:
        """The same patches have the same scores each time."""
        patches = self._patches(3)
        difference = max(map(_relative, self._predict(patches), self._predict(patches)))
        found = f"results that differ by {difference:.2g}"
        require(difference <= _ROUNDING, found, f"at most {_ROUNDING:g}")

    def test_threads(self) -> None:
        """Several threads may call it at once."""
        *batches, last = [self._patches(2, seed) for seed in range(5)]
        expected = [self._predict(batch) for batch in batches]
        self._predict(last)
        with expecting("scores", "in another thread"):
            results = at_once(self._predict, batches)
        pairs = zip(results, expected, strict=True)
        difference = max(max(map(_relative, *pair)) for pair in pairs)
        found = f"results that differ by {difference:.2g} in threads"
        require(difference <= _SAME, found, f"at most {_SAME:g}")

    def test_thread_count(self) -> None:
        """It opens with one thread, or raises an `IncompatibleError`."""
        self._try(BackendOptions(threads=1), "threads=1")

    def test_providers(self) -> None:
        """It opens with each provider; the CPU replaces a missing one, with a warning."""
        for provider in self.info().providers:
            self._try(BackendOptions(provider=provider), f"provider={provider!r}")

    def _try(self, options: BackendOptions, what: str) -> None:
        self.opened()  # that it does not open at all is reported by another check
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ProviderWarning)
            with (
                expecting("a backend, or an IncompatibleError", f"with {what}"),
                contextlib.suppress(IncompatibleError),
            ):
                self.make(options).close()

    def test_close_twice(self) -> None:
        """A second `close` does nothing."""
        backend = self.opened()
        self._release()
        with expecting("no exception", "at the second close"):
            backend.close()

    def test_golden_scores(self) -> None:
        """Scores of `yamnet-mini` differ from the golden ones by the tolerance at most."""
        (scores, _), expected = self._golden()
        difference = _largest(scores, expected.scores)
        found = f"scores that differ by {difference:.2g} from the golden ones"
        require(difference <= self.tolerance, found, f"at most {self.tolerance:g}")

    def test_golden_embeddings(self) -> None:
        """Embeddings of `yamnet-mini` differ from the golden ones by the tolerance at most."""
        (_, embeddings), expected = self._golden()
        if not embeddings.shape[1]:
            raise unittest.SkipTest("the model has no embeddings")
        difference = _largest(embeddings, expected.embeddings)
        found = f"embeddings that differ by {difference:.2g} from the golden ones"
        tolerance = self.embedding_tolerance
        require(difference <= tolerance, found, f"at most {tolerance:g}")

    def _golden(self) -> tuple[tuple[NDArray[Any], NDArray[Any]], Golden]:
        """Return the results for the golden inputs, scored one by one, and the golden data."""
        if not self.is_golden:
            raise unittest.SkipTest("the model is not yamnet-mini")
        data = golden()
        is_samples = self.bundle().features.kind == "waveform"
        inputs = data.windows if is_samples else data.patches
        scores, embeddings = zip(*(self._predict(row[np.newaxis]) for row in inputs), strict=True)
        return (np.concatenate(scores), np.concatenate(embeddings)), data


def _largest(values: NDArray[Any], expected: NDArray[Any]) -> float:
    return float(np.abs(values.astype(float) - expected).max(initial=0.0))


def _relative(values: NDArray[Any], expected: NDArray[Any]) -> float:
    """Return the largest difference, relative to the largest value if that exceeds 1."""
    return _largest(values, expected) / max(1.0, float(np.abs(expected).max(initial=0.0)))
