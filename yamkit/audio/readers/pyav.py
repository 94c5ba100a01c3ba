"""Frames of FFmpeg's decoders as arrays of floats, many at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from yamkit.errors import DecodeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from yamkit.audio.readers.convert import Form, Piece

__all__ = ["Run", "piece_of"]


class _Kind(NamedTuple):
    """How FFmpeg keeps samples: the type of a value, its full scale, and what zero is."""

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

    Frames are kept as they are, and converted together: a frame is short, and what is done for each
    of them costs more than its samples.

    Attributes
    ----------
    samples : int
        In each channel.
    """

    def __init__(self) -> None:
        self._views: list[list[NDArray[Any]]] = []
        self._format = ""
        self._form: Form = (0, 0)
        self._kind = _KINDS["flt"]
        self.samples = 0

    def fits(self, frame: Any) -> bool:
        """Tell whether a frame may be added."""
        return (
            frame.format.name == self._format
            and (frame.sample_rate, frame.layout.nb_channels) == self._form
        )

    def begin(self, frame: Any) -> None:
        """Take frames like this one from now on; there must be none of another kind.

        Raises
        ------
        DecodeError
            If its samples are of an unknown kind.
        """
        self._format = frame.format.name
        self._form = (frame.sample_rate, frame.layout.nb_channels)
        kind = _KINDS.get(self._format.removesuffix("p"))
        if kind is None:
            raise DecodeError(f"samples of the unknown format {self._format}")
        self._kind = kind

    def add(self, frame: Any) -> None:
        """Add a frame."""
        count, dtype, planes = frame.samples, self._kind.dtype, self._form[1]
        if self._format[-1] != "p":
            count, planes = count * planes, 1
        # PyAV lists planes that are not there behind those of nine channels and more
        self._views.append([np.frombuffer(each, dtype, count) for each in frame.planes[:planes]])
        self.samples += frame.samples

    def take(self) -> Piece:
        """Give the samples, float32 [n, channels], and be empty again."""
        views, self._views, self.samples = self._views, [], 0
        if self._format[-1] == "p":
            length = sum(len(view[0]) for view in views)
            rows = np.empty((self._form[1], length), self._kind.dtype)
            for channel, row in enumerate(rows):
                np.concatenate([view[channel] for view in views], out=row)
            values = rows.T
        else:
            values = np.concatenate([view[0] for view in views]).reshape(-1, self._form[1])
        samples = values.astype(np.float32, copy=False)
        if self._kind.zero:
            samples = samples - np.float32(self._kind.zero)
        if self._kind.scale != 1:
            samples = samples * np.float32(self._kind.scale)
        return self._form, samples


def piece_of(frame: Any) -> Piece:
    """Give the samples of one frame, float32 [n, channels], and their form.

    Raises
    ------
    DecodeError
        If its samples are of an unknown kind.
    """
    run = Run()
    run.begin(frame)
    run.add(frame)
    return run.take()
