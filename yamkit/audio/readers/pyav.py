"""Frames of FFmpeg's decoders as arrays of floats, many at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from yamkit.errors import DecodeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from yamkit.audio.readers.convert import Layout, Piece

__all__ = ["Run", "piece_of"]


class _Kind(NamedTuple):
    """FFmpeg's representation of samples: type of a value, full scale, value of zero."""

    dtype: str
    scale: float = 1.0
    zero: int = 0


_KINDS = {
    "u8": _Kind("u1", 2.0**-7, 128),
    "s16": _Kind("i2", 2.0**-15),
    "s32": _Kind("i4", 2.0**-31),
    "s64": _Kind("i8", 2.0**-63),
    "flt": _Kind("f4"),
    "dbl": _Kind("f8"),
}


class Run:
    """Consecutive frames of one sample format, rate and number of channels.

    Frames are collected and converted together: a frame is short, and work per frame costs more
    than work per sample.

    Attributes
    ----------
    samples : int
        Samples so far, in each channel.
    """

    def __init__(self) -> None:
        self._views: list[list[NDArray[Any]]] = []
        self._format = ""
        self._layout: Layout = (0, 0)
        self._kind = _KINDS["flt"]
        self.samples = 0

    def fits(self, frame: Any) -> bool:
        """Return whether a frame may be added."""
        return (
            frame.format.name == self._format
            and (frame.sample_rate, frame.layout.nb_channels) == self._layout
        )

    def begin(self, frame: Any) -> None:
        """Accept frames like this one from now on; the run must be empty.

        Raises
        ------
        DecodeError
            If the format of its samples is unknown.
        """
        self._format = frame.format.name
        self._layout = (frame.sample_rate, frame.layout.nb_channels)
        kind = _KINDS.get(self._format.removesuffix("p"))
        if kind is None:
            raise DecodeError(f"unknown sample format {self._format}")
        self._kind = kind

    def add(self, frame: Any) -> None:
        """Add a frame."""
        count, dtype, planes = frame.samples, self._kind.dtype, self._layout[1]
        if self._format[-1] != "p":
            count, planes = count * planes, 1
        # PyAV lists missing planes after those of nine and more channels
        self._views.append([np.frombuffer(each, dtype, count) for each in frame.planes[:planes]])
        self.samples += frame.samples

    def take(self) -> Piece:
        """Return the samples, float32 [n, channels], and empty the run."""
        views, self._views, self.samples = self._views, [], 0
        if self._format[-1] == "p":
            length = sum(len(view[0]) for view in views)
            rows = np.empty((self._layout[1], length), self._kind.dtype)
            for channel, row in enumerate(rows):
                np.concatenate([view[channel] for view in views], out=row)
            values = rows.T
        else:
            values = np.concatenate([view[0] for view in views]).reshape(-1, self._layout[1])
        samples = values.astype(np.float32, copy=False)
        if self._kind.zero:
            samples = samples - np.float32(self._kind.zero)
        if self._kind.scale != 1:
            samples = samples * np.float32(self._kind.scale)
        return self._layout, samples


def piece_of(frame: Any) -> Piece:
    """Return the samples of one frame, float32 [n, channels], and their format.

    Raises
    ------
    DecodeError
        If the format of its samples is unknown.
    """
    run = Run()
    run.begin(frame)
    run.add(frame)
    return run.take()
