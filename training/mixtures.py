"""New sounds mixed from a few hours of recordings, which the teacher labels.

Every mixture depends only on the generator of random numbers. The teacher labels the mixture
itself, so no change to a sound makes its label wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.recipe import Mixtures
    from training.sounds import Sounds
    from yamkit.types import LogMelSpec

    Samples = NDArray[np.float32]

__all__ = ["Mixer", "balanced_weights"]

_QUIET = 1e-4
_FILTER_POINTS = 8
_FILTER_DB = 15.0
_REVERB_SECONDS = (0.1, 0.8)
_SHORTEST_GATE = 0.02


def balanced_weights(scores: NDArray[np.float32], balance: float) -> NDArray[np.float64]:
    """Return weights of patches that draw rare classes more often.

    The weight of a patch is the sum of its scores, each divided by the class's sum over all patches
    to the power of `balance`.

    Parameters
    ----------
    scores : ndarray, float32 [N, C]
    balance : float
        From 0, where the weight is the sum of the scores, to 1, where all classes have the same
        weight.

    Returns
    -------
    ndarray, float64 [N]
        Their sum is 1.
    """
    totals = scores.sum(axis=0, dtype=np.float64)
    # a class with a total below 1 counts as one patch, so that it is not drawn too often
    weights = scores @ (np.maximum(totals, 1.0) ** -balance)
    return np.asarray(weights / weights.sum())


class Mixer:
    """Makes mixtures of one window each.

    Parameters
    ----------
    sounds : Sounds
    clips, starts : ndarray, int [N]
        Patches to draw from: clip and first sample.
    weights : ndarray, float64 [N]
        Probability of each patch.
    features : LogMelSpec
        Features; a mixture has the length of a patch's window.
    settings : Mixtures
    """

    def __init__(
        self,
        sounds: Sounds,
        clips: NDArray[np.int64],
        starts: NDArray[np.int64],
        weights: NDArray[np.float64],
        features: LogMelSpec,
        settings: Mixtures,
    ) -> None:
        self.sounds = sounds
        self._clips = clips
        self._starts = starts
        self._cumulated = np.cumsum(weights)
        self._window = window = features.patch_window_samples
        self._rate = features.sample_rate_hz
        self._settings = settings
        self._length = 1 << (window - 1).bit_length() + 1  # no circular overlap in the window
        self._frequencies = np.fft.rfftfreq(self._length)
        with np.errstate(divide="ignore"):
            octaves = np.log2(self._frequencies * 2)
        self._octaves = np.maximum(octaves, -9.0)

    def mixture(self, random: np.random.Generator) -> Samples:
        """Make a mixture.

        Returns
        -------
        ndarray, float32 [window]
            Within -1 and 1.
        """
        settings = self._settings
        if random.random() < settings.synthetic_share:
            mixed = self._synthetic(random)
        else:
            count = 1 + int(random.choice(len(settings.sounds), p=settings.sounds))
            mixed = self._voice(random)
            for _ in range(count - 1):
                level = 10 ** (-random.uniform(0, settings.level_db) / 20)
                mixed = mixed + np.float32(level) * self._voice(random)
            mixed = self._coloured(random, mixed)
        peak = float(np.abs(mixed).max())
        if peak < _QUIET:
            return mixed
        gain = 10 ** (random.uniform(settings.gain_db[0], settings.gain_db[1]) / 20) / peak
        if random.random() < settings.clip_share:
            gain = random.uniform(1, 20) / peak
        return np.asarray(np.clip(mixed * gain, -1, 1), np.float32)

    def _voice(self, random: np.random.Generator) -> Samples:
        """Return a part of a clip around a patch, scaled to the same loudness as all others."""
        settings, window = self._settings, self._window
        drawn = min(int(np.searchsorted(self._cumulated, random.random())), len(self._clips) - 1)
        clip = self.sounds.clips[self._clips[drawn]]
        speed = 1.0
        if random.random() < settings.rate_share:
            speed = 2 ** random.uniform(-settings.rate_octaves, settings.rate_octaves)
        needed = int(window * speed) + 2
        # around the middle of the patch, so that beginnings and ends occur too
        middle = int(self._starts[drawn]) + window // 2 + int(window * random.uniform(-0.6, 0.6))
        first = middle - needed // 2
        low, high = max(first, 0), min(first + needed, clip.length)
        stretch = np.zeros(needed, np.float32)
        if low < high:
            stretch[low - first : high - first] = self.sounds.of(clip, low, high)
        if speed != 1.0:
            places = np.arange(window) * speed
            whole = places.astype(np.int64)
            share = (places - whole).astype(np.float32)
            stretch = stretch[whole] * (1 - share) + stretch[whole + 1] * share
        else:
            stretch = stretch[:window]
        if random.random() < settings.reverse_share:
            stretch = stretch[::-1]
        if random.random() < settings.gate_share:
            stretch = stretch * self._gate(random)
        power = float(np.sqrt(np.mean(stretch * stretch)))
        return np.asarray(stretch * (0.1 / max(power, _QUIET)), np.float32)

    def _gate(self, random: np.random.Generator) -> Samples:
        """Return a gate over a part of the window, perhaps repeated, with short ramps."""
        window = self._window
        length = int(window * _SHORTEST_GATE ** random.random())
        ramp = max(1, int(length * random.uniform(0.01, 0.5)))
        part = np.ones(length, np.float32)
        slope = np.linspace(0, 1, ramp, dtype=np.float32)
        part[:ramp] *= slope
        part[length - ramp :] *= slope[::-1]
        gate = np.zeros(window, np.float32)
        period = length * 2 if random.random() < 0.3 else window
        for start in range(int(random.integers(0, window - length + 1)), window, period):
            gate[start : start + length] = part[: window - start]
        return gate

    def _coloured(self, random: np.random.Generator, mixed: Samples) -> Samples:
        """Filter, reverberate and add noise, each by chance."""
        settings = self._settings
        filtered, reverberated, noisy = (
            random.random() < share
            for share in (settings.filter_share, settings.reverb_share, settings.noise_share)
        )
        if filtered or reverberated:
            spectrum = np.fft.rfft(mixed, self._length)
            if filtered:
                spectrum *= self._filter(random)
            if reverberated:
                spectrum *= np.fft.rfft(self._echoes(random), self._length)
            mixed = np.fft.irfft(spectrum, self._length)[: self._window].astype(np.float32)
        if noisy:
            power = float(np.sqrt(np.mean(mixed * mixed)))
            level = power * 10 ** (-random.uniform(settings.noise_db[0], settings.noise_db[1]) / 20)
            mixed = mixed + np.float32(level) * self._noise(random)
        return mixed

    def _filter(self, random: np.random.Generator) -> Samples:
        """Return a smooth random gain over frequency, often low-pass or high-pass."""
        points = np.linspace(-9, 0, _FILTER_POINTS)
        decibels = np.interp(
            self._octaves, points, random.normal(0, _FILTER_DB / 2, _FILTER_POINTS)
        )
        kind = random.random()
        if kind < 0.25:
            decibels -= np.maximum(0, self._octaves - random.uniform(-5, -0.5)) * 24
        elif kind < 0.5:
            decibels -= np.maximum(0, random.uniform(-7, -1) - self._octaves) * 24
        return np.asarray(10 ** (decibels / 20), np.float32)

    def _echoes(self, random: np.random.Generator) -> Samples:
        """Return the impulse response of a room: the direct sound, then decaying noise."""
        seconds = random.uniform(*_REVERB_SECONDS)
        length = min(int(seconds * self._rate), self._length - self._window)
        tail = random.standard_normal(length, np.float32)
        tail *= np.exp(np.linspace(0, -6.9, length, dtype=np.float32))
        tail *= np.float32(random.uniform(0.1, 1.0) / np.sqrt(length * 0.07))
        tail[0] = 1.0
        return tail

    def _noise(self, random: np.random.Generator) -> Samples:
        """Return noise of power 1, from white to brown."""
        white = random.standard_normal(self._window, np.float32)
        slope = random.uniform(0, 2)
        if slope < 0.3:
            return white
        spectrum = np.fft.rfft(white)
        spectrum[0] = 0
        spectrum[1:] *= np.arange(1, len(spectrum), dtype=np.float32) ** np.float32(-slope / 2)
        noise = np.fft.irfft(spectrum, self._window).astype(np.float32)
        return np.asarray(noise / np.sqrt(np.mean(noise * noise)), np.float32)

    def _synthetic(self, random: np.random.Generator) -> Samples:
        """Return a test signal: near silence, noise, clicks, a tone or a glide."""
        window = self._window
        kind = int(random.integers(0, 5))
        if kind == 0:
            level = 10 ** random.uniform(-8, -4.1)
            return np.asarray(level * random.standard_normal(window), np.float32)
        if kind == 1:
            return self._noise(random)
        if kind == 2:
            clicks = np.zeros(window, np.float32)
            clicks[:: max(8, int(self._rate / 2 ** random.uniform(0, 9)))] = 1
            return np.roll(clicks, int(random.integers(0, window)))
        start = 2 ** random.uniform(5, np.log2(self._rate / 2))
        end = start if kind == 3 else 2 ** random.uniform(5, np.log2(self._rate / 2))
        frequencies = np.geomspace(start, end, window)
        tone = np.sin(2 * np.pi * np.cumsum(frequencies) / self._rate + random.uniform(0, 6.3))
        shape = random.random()
        if shape < 0.2:
            tone = np.sign(tone)
        elif shape < 0.4:
            tone = np.arcsin(tone)
        return np.asarray(tone, np.float32)
