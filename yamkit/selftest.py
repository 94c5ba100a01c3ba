"""A check of an installation: signals of known classes, through each front end and backend.

The signals are arrays, so decoding and resampling are not checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from yamkit.pipeline.fit import fitting
from yamkit.tagger import Tagger

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from yamkit.models import ModelBundle
    from yamkit.types import Tag

__all__ = [
    "LARGEST_DIFFERENCE",
    "SelftestReport",
    "SignalResult",
    "run_selftest",
    "signals",
]

LARGEST_DIFFERENCE = 5e-4
"""Largest accepted difference of a score between two combinations: each may differ by 2e-4 from the
reference, and a float32 sine differs most."""

FIRST = 10
"""The expected class must be among this many classes with the highest scores."""


@dataclass(frozen=True)
class SignalResult:
    """One signal through one front end and backend.

    Attributes
    ----------
    frontend, backend, signal : str
    tags : tuple of Tag
        The ten highest.
    place : int
        Rank of the expected class, from 1; 0 if the model does not have the class.
    """

    frontend: str
    backend: str
    signal: str
    tags: tuple[Tag, ...]
    place: int

    @property
    def passed(self) -> bool:
        """Whether the expected class is among the ten highest, or the model does not have it."""
        return self.place <= FIRST


@dataclass(frozen=True)
class SelftestReport:
    """The results of a selftest.

    Attributes
    ----------
    results : tuple of SignalResult
    failures : tuple of str
        Combinations that could not run, and why.
    skipped : tuple of str
        Plugins that were skipped, and why.
    difference : float
        Largest difference of a patch score between two combinations.
    """

    results: tuple[SignalResult, ...]
    failures: tuple[str, ...]
    skipped: tuple[str, ...]
    difference: float

    @property
    def passed(self) -> bool:
        """Whether something ran and nothing failed."""
        fine = all(result.passed for result in self.results)
        return bool(self.results) and fine and not self.failures and self.close

    @property
    def close(self) -> bool:
        """Whether all combinations agree."""
        return self.difference <= LARGEST_DIFFERENCE


def signals(sample_rate: int) -> dict[str, NDArray[np.float32]]:
    """Return three seconds of each signal, by the name of its AudioSet class.

    Parameters
    ----------
    sample_rate : int
        In Hz.

    Returns
    -------
    dict of str to ndarray, float32 [3 * sample_rate]
    """
    samples = 3 * sample_rate
    noise = np.random.default_rng(0).normal(0, 0.2, samples)
    sine = 0.5 * np.sin(2 * np.pi * 440 * np.arange(samples) / sample_rate)
    return {
        "Silence": np.zeros(samples, np.float32),
        "White noise": noise.astype(np.float32),
        "Sine wave": sine.astype(np.float32),
    }


def run_selftest(model: ModelBundle) -> SelftestReport:
    """Run the signals through every front end and backend that fit the model."""
    results: list[SignalResult] = []
    failures: list[str] = []
    scores: list[NDArray[np.float32]] = []
    frontends, backends, skipped = fitting(model)
    for frontend in frontends:
        for backend in backends:
            try:
                with Tagger(model, frontend=frontend, backend=backend) as tagger:
                    found, values = _combination(tagger)
            except Exception as error:  # one broken plugin must not hide the results of others
                failures.append(f"{frontend} with {backend}: {' '.join(str(error).split())}")
                continue
            results += found
            scores.append(values)
    difference = float(np.ptp(np.stack(scores), axis=0).max()) if scores else 0.0
    return SelftestReport(tuple(results), tuple(failures), tuple(skipped), difference)


def _combination(tagger: Tagger) -> tuple[list[SignalResult], NDArray[np.float32]]:
    results, scores = [], []
    sample_rate = tagger.model.features.sample_rate_hz
    for name, samples in signals(sample_rate).items():
        clip = tagger.tag(samples, sample_rate)
        places = {tag.name: place for place, tag in enumerate(clip.top(None), start=1)}
        results.append(
            SignalResult(
                tagger.frontend, tagger.backend, name, clip.top(FIRST), places.get(name, 0)
            )
        )
        scores.append(clip.scores)
    return results, np.concatenate(scores)
