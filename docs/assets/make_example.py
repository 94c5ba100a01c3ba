"""Makes `four-events.wav`, the example that README and tests tag: sea, bird, strings, dial tone.

Everything is computed, so no one has rights to the file::

    python docs/assets/make_example.py

`EVENTS` says what sounds when, and by which classes that may rightly be called.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Samples = NDArray[np.float64]

SAMPLE_RATE_HZ = 16000
FILE = Path(__file__).with_name("four-events.wav")
EVENT_SECONDS = 2.2
GAP_SECONDS = 0.2


def main() -> None:
    """Write the file."""
    soundfile.write(FILE, example(), SAMPLE_RATE_HZ, subtype="PCM_16")


def example() -> Samples:
    """Put one event after the other, float64 [n]."""
    random = np.random.default_rng(0)
    gap = np.zeros(round(GAP_SECONDS * SAMPLE_RATE_HZ))
    parts = []
    for make, _ in EVENTS:
        parts += [_faded(make(random)), gap]
    return np.concatenate(parts[:-1])


def event_seconds(number: int) -> tuple[float, float]:
    """Give onset and offset of an event."""
    onset = number * (EVENT_SECONDS + GAP_SECONDS)
    return onset, onset + EVENT_SECONDS


def sea(random: np.random.Generator) -> Samples:
    """Let noise that falls with frequency swell once: a wave on the shore."""
    time = _time(EVENT_SECONDS)
    spectrum = np.fft.rfft(random.standard_normal(len(time)))
    frequencies = np.fft.rfftfreq(len(time), 1 / SAMPLE_RATE_HZ)
    surf = np.fft.irfft(spectrum / (1 + (frequencies / 180) ** 1.2), len(time))
    swell = 0.25 + 0.75 * np.sin(np.pi * time / EVENT_SECONDS) ** 2
    return 0.6 * swell * surf / np.abs(surf).max()


def bird(random: np.random.Generator) -> Samples:  # noqa: ARG001
    """Whistle five notes a second that glide up and down."""
    song = np.zeros(len(_time(EVENT_SECONDS)))
    for note in range(int(EVENT_SECONDS * 5)):
        time = _time(0.11)
        pitch_hz = 4200 + 1400 * np.sin(2 * np.pi * time / 0.11 * (1 + note % 2))
        whistle = np.sin(2 * np.pi * np.cumsum(pitch_hz) / SAMPLE_RATE_HZ) * np.hanning(len(time))
        start = round((note * 0.2 + (0.03 if note % 3 else 0.0)) * SAMPLE_RATE_HZ)
        song[start : start + len(time)] += whistle[: len(song) - start]
    return 0.3 * song


def strings(random: np.random.Generator) -> Samples:
    """Pluck strings: a broken chord.

    K. Karplus, A. Strong, "Digital Synthesis of Plucked-String and Drum Timbres", 1983.
    """
    music = np.zeros(len(_time(EVENT_SECONDS)))
    for place, midi_note in enumerate((40, 47, 52, 56, 59, 64, 59, 56)):
        period = int(SAMPLE_RATE_HZ / (440 * 2 ** ((midi_note - 69) / 12)))
        start = round(place * 0.27 * SAMPLE_RATE_HZ)
        string = np.zeros(len(music) - start)
        string[:period] = random.uniform(-1, 1, period)[: len(string)]
        for n in range(period + 1, len(string)):
            string[n] = 0.996 * 0.5 * (string[n - period] + string[n - period - 1])
        music[start:] += string
    return 0.5 * music / np.abs(music).max()


def dial_tone(random: np.random.Generator) -> Samples:  # noqa: ARG001
    """Sound as the dial tone of North America does: 350 and 440 Hz."""
    time = _time(EVENT_SECONDS)
    return 0.2 * (np.sin(2 * np.pi * 350 * time) + np.sin(2 * np.pi * 440 * time))


EVENTS: tuple[tuple[Callable[[np.random.Generator], Samples], tuple[str, ...]], ...] = (
    (sea, ("Ocean", "Waves, surf", "Water")),
    (bird, ("Bird", "Bird vocalization, bird call, bird song", "Chirp, tweet")),
    (strings, ("Music", "Musical instrument", "Plucked string instrument")),
    (dial_tone, ("Dial tone", "Telephone", "Busy signal")),
)


def _time(seconds: float) -> Samples:
    return np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ


def _faded(samples: Samples) -> Samples:
    ramp = np.linspace(0, 1, round(0.02 * SAMPLE_RATE_HZ))
    samples = samples.copy()
    samples[: len(ramp)] *= ramp
    samples[-len(ramp) :] *= ramp[::-1]
    return samples


if __name__ == "__main__":
    main()
