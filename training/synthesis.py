"""Sounds made by formula, for classes that a folder of recordings lacks.

A sound is a source (noise, pulses, partials, frequency modulation), resonances, and an envelope
(swells, a rhythm, bursts, crackles); sometimes several such layers. Few sound natural, but the
teacher assigns classes to nearly all: motors, wings, bells, sirens, surf. Frequencies, rates and
times are drawn uniformly by octave.

J. O. Smith, "Physical Audio Signal Processing", 2010, on sources and resonators; J. Chowning, "The
Synthesis of Complex Audio Spectra by Means of Frequency Modulation", 1973.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Signal = NDArray[np.float64]

__all__ = ["Synthesiser"]

_LAYERS = (0.5, 0.35, 0.15)  # how often one, two, three
_LAYER_DB = 20.0
_RESONANCES_SHARE = 0.8
_COURSE_SHARE = 0.8
_SILENT = 1e-6


class Synthesiser:
    """Makes sounds of one length.

    Parameters
    ----------
    length : int
        In samples.
    rate : int
        In Hz.
    """

    def __init__(self, length: int, rate: int) -> None:
        self._length = length
        self._rate = rate
        self._time = np.arange(length) / rate
        self._frequencies = np.fft.rfftfreq(length, 1 / rate)
        self._highest = 0.49 * rate

    def sound(self, random: np.random.Generator) -> NDArray[np.float32]:
        """Make a sound.

        Returns
        -------
        ndarray, float32 [length]
            With its peak at 0.5, or silent.
        """
        sound = self._layer(random)
        for _ in range(int(random.choice(len(_LAYERS), p=_LAYERS))):
            sound = sound + self._layer(random) * 10 ** (-random.uniform(0, _LAYER_DB) / 20)
        peak = float(np.abs(sound).max())
        return np.asarray(sound * (0.5 / max(peak, _SILENT)), np.float32)

    def _layer(self, random: np.random.Generator) -> Signal:
        make = (self._noise, self._pulses, self._partials, self._modulated)
        layer = make[random.integers(len(make))](random)
        if random.random() < _RESONANCES_SHARE:
            layer = self._resonating(random, layer)
        if random.random() < _COURSE_SHARE:
            courses = (self._swells, self._rhythm, self._bursts, self._crackles)
            layer = layer * courses[random.integers(len(courses))](random)
        return layer / max(float(np.sqrt(np.mean(layer * layer))), _SILENT)

    # sources

    def _noise(self, random: np.random.Generator) -> Signal:
        """Make noise, from white to brown."""
        spectrum = np.fft.rfft(random.standard_normal(self._length))
        spectrum[0] = 0
        spectrum[1:] *= self._frequencies[1:] ** -random.uniform(0, 1)
        return np.fft.irfft(spectrum, self._length)

    def _pulses(self, random: np.random.Generator) -> Signal:
        """Make pulses that die away until the next one, rough or clean: motors, voices, insects."""
        phase = np.cumsum(self._pitch(random, 15, 900)) / self._rate
        pulses = np.exp(-(phase % 1) * _even(random, 1, 40))
        rough = random.choice([0, 0.05, 0.25]) * random.standard_normal(self._length)
        rough *= pulses if random.random() < 0.5 else 1
        return np.asarray(pulses - pulses.mean() + rough)

    def _partials(self, random: np.random.Generator) -> Signal:
        """Make up to eleven partials, in tune or not: strings, pipes, bells, glass."""
        pitch = self._pitch(random, 60, 5000)
        phase = 2 * np.pi * np.cumsum(pitch) / self._rate
        stretch, fall = random.choice([0, 0, 0.01, 0.1]), random.uniform(0, 1.5)
        sound = np.zeros(self._length)
        for number in range(1, int(random.integers(2, 13))):
            factor = number * (1 + stretch * random.random())
            audible = pitch * factor < self._highest
            if not audible.any():
                break
            level = random.random() / number**fall
            sound += level * audible * np.sin(phase * factor + random.uniform(0, 2 * np.pi))
        return sound

    def _modulated(self, random: np.random.Generator) -> Signal:
        """Make a sine whose phase another one moves: brass, bells, alarms, clangs."""
        phase = 2 * np.pi * np.cumsum(self._pitch(random, 60, 5000)) / self._rate
        ratio = random.choice([0.5, 1, 1.41, 2, 3.01])
        return np.asarray(np.sin(phase + _even(random, 0.1, 8) * np.sin(phase * ratio)))

    def _pitch(self, random: np.random.Generator, low: float, high: float) -> Signal:
        """Make the course of a frequency in Hz: steady, wavering, rising or falling."""
        octaves = random.choice([0, 0.02, 0.1, 0.5]) * self._wander(random, _even(random, 0.5, 12))
        if random.random() < 1 / 3:
            octaves = octaves + np.linspace(0, random.uniform(-1.5, 1.5), self._length)
        return np.asarray(np.clip(_even(random, low, high) * 2**octaves, 1, self._highest))

    # what a source comes through

    def _resonating(self, random: np.random.Generator, sound: Signal) -> Signal:
        gain = np.full(len(self._frequencies), 10 ** (-random.uniform(10, 50) / 20))
        for _ in range(int(random.integers(1, 5))):
            centre = _even(random, 60, 0.9 * self._highest)
            width = centre * _even(random, 0.05, 1)
            gain += random.uniform(0.2, 1) / (1 + ((self._frequencies - centre) / width) ** 2)
        return np.fft.irfft(np.fft.rfft(sound) * gain, self._length)

    # its course in time

    def _swells(self, random: np.random.Generator) -> Signal:
        """Make levels that wander, by up to some 12 dB around the middle."""
        decibels = random.uniform(0, 12) * self._wander(random, _even(random, 1, 20))
        return np.asarray(10 ** (decibels / 20))

    def _rhythm(self, random: np.random.Generator) -> Signal:
        """Make the same rise and fall again and again: rotors, engines, hooves, clocks."""
        rate = _even(random, 1.5, 60) * 2 ** (
            random.choice([0, 0.05, 0.3]) * self._wander(random, 8)
        )
        phase = (np.cumsum(rate) / self._rate + random.random()) % 1
        rise = random.uniform(0.02, 0.5)
        fall = np.exp(-np.maximum(phase - rise, 0) * _even(random, 1, 25))
        depth = random.uniform(0.3, 1)
        return np.asarray(1 - depth + depth * np.where(phase < rise, phase / rise, fall))

    def _bursts(self, random: np.random.Generator) -> Signal:
        """Make one to three of: a rise, and a fall that may be long."""
        course = np.zeros(self._length)
        for _ in range(int(random.integers(1, 4))):
            since = self._time - random.uniform(-0.1, 0.9) * self._time[-1]
            rise, fall = _even(random, 0.001, 0.2), _even(random, 0.01, 1)
            shape = np.where(
                since < rise, since / rise, np.exp(-np.maximum(since - rise, 0) / fall)
            )
            course = np.maximum(course, random.uniform(0.3, 1) * np.maximum(shape, 0))
        return course

    def _crackles(self, random: np.random.Generator) -> Signal:
        """Make clicks at random times that die away: fire, rain, rustling, coughs."""
        hits = np.zeros(self._length)
        count = max(1, int(random.poisson(_even(random, 2, 400) * self._time[-1])))
        hits[random.integers(0, self._length, count)] = random.exponential(1, count)
        decay = np.exp(-self._time / _even(random, 0.0005, 0.05))
        size = 2 * self._length  # no wrapping
        return np.fft.irfft(np.fft.rfft(hits, size) * np.fft.rfft(decay, size), size)[
            : self._length
        ]

    def _wander(self, random: np.random.Generator, rate: float) -> Signal:
        """Return a line through normal random numbers at a rate per second."""
        count = max(4, int(rate * self._time[-1]) + 3)
        return np.interp(
            np.linspace(0, count - 1, self._length), np.arange(count), random.standard_normal(count)
        )


def _even(random: np.random.Generator, low: float, high: float) -> float:
    """Draw a number, all octaves with equal probability."""
    return float(np.exp(random.uniform(np.log(low), np.log(high))))
