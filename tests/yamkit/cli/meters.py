"""Clocks and clips for tests of progress: no test waits for a clock."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

from yamkit.run.clips import Clip
from yamkit.types import ClipEnd, ClipFailure


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def reading(clip: Clip, seconds: float, promised: float | None) -> None:
    """Let a clip be open, and read as far as this."""
    decoded = SimpleNamespace(seconds_promised=promised)
    clip.audio = SimpleNamespace(samples=int(8000 * seconds), sample_rate=8000, decoded=decoded)


def ended(seconds: float, *warnings: str) -> ClipEnd:
    return ClipEnd(seconds, 1, (), warnings)


FAILED = ClipFailure("x.wav", "DecodeError", "x.wav: no")
