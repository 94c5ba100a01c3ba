"""Frames of FFmpeg's decoders as arrays of floats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import av

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yamkit.audio._convert import Piece

__all__ = ["Floats"]


class Floats:
    """Turns frames of any sample format into floats of the same rate and channels."""

    def __init__(self) -> None:
        self._resampler: Any = None
        self._kind: tuple[str, str, int] | None = None

    def of(self, frame: Any) -> Iterator[Piece]:
        """Give the samples of a frame, float32 [n, channels], with their form."""
        if frame.format.name not in ("flt", "fltp"):
            kind = (frame.format.name, frame.layout.name, frame.sample_rate)
            if kind != self._kind:
                # the rate stays, so nothing is held back
                self._resampler = av.AudioResampler("fltp", frame.layout, frame.sample_rate)
                self._kind = kind
            for ready in self._resampler.resample(frame):
                yield _piece(ready)
        else:
            yield _piece(frame)


def _piece(frame: Any) -> Piece:
    channels = frame.layout.nb_channels
    array = frame.to_ndarray()
    samples = array.T if frame.format.is_planar else array.reshape(-1, channels)
    return (frame.sample_rate, channels), samples
