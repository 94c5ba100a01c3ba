"""Decoding through PyAV: AAC, M4A, Opus in MP4, WebM, the sound of video files.

Loaded on use, since it loads PyAV. Playlists and scripts, which name other files and addresses,
are not among the containers it may open, and a container may open nothing but itself.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, BinaryIO

import av
import numpy as np

from yamkit.audio._source import Decoded, block_samples
from yamkit.audio._window import Window
from yamkit.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

__all__ = ["open_av"]

_CONTAINERS = (
    "aac,ac3,amr,ape,asf,avi,caf,dts,eac3,flv,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mpeg,mpegts,"
    "ogg,tta,wv"
)

# Titles in a strange encoding are no reason to refuse the sound; PyAV 19 no longer asks.
_PYAV = int(av.__version__.partition(".")[0])
_LENIENT: dict[str, Any] = {"metadata_errors": "replace"} if _PYAV < 19 else {}


def open_av(file: BinaryIO, start: int) -> tuple[Decoded, Callable[[], None]] | None:
    """Open the first sound stream of a container.

    Parameters
    ----------
    file : seekable binary file
        To be kept open; its position is undefined from now on.
    start : int
        Where the container begins in it.

    Returns
    -------
    tuple of Decoded and callable, or None
        The sound and the function that closes it; None where the container is unknown.

    Raises
    ------
    DecodeError
        If there is no sound stream, or nothing of it can be decoded.
    """
    window = Window(file, start)
    try:
        container = av.open(
            window,
            io_open=_refuse,
            container_options={"format_whitelist": _CONTAINERS, "protocol_whitelist": "none"},
            **_LENIENT,
        )
    except (av.FFmpegError, ValueError):
        window.check()
        return None
    try:
        if not container.streams.audio:
            raise DecodeError("holds no sound, only other streams")
        frames = _frames(container, window)
        # The header may be wrong about rate and channels (AAC often is), the first frame is not.
        first = next(frames, None)
        if first is None:
            raise DecodeError("not a sample can be decoded")
        blocks = _blocks(first, frames)
        return Decoded(first.sample_rate, first.layout.nb_channels, blocks), container.close
    except BaseException:
        container.close()
        raise


def _refuse(url: str, flags: int, options: dict[str, str]) -> BinaryIO:  # noqa: ARG001
    raise PermissionError("a container may open nothing but itself")


def _frames(container: Any, window: Window) -> Iterator[Any]:
    try:
        for frame in container.decode(container.streams.audio[0]):
            window.check()
            if frame.samples:
                yield frame
        window.check()
    except (av.FFmpegError, ValueError) as error:
        window.check()
        reason = getattr(error, "strerror", None) or str(error)
        raise DecodeError(f"damaged: {reason}") from error


def _blocks(first: Any, frames: Iterator[Any]) -> Iterator[NDArray[np.float32]]:
    channels = first.layout.nb_channels
    wanted = block_samples(channels)
    decoded = 0
    waiting: list[NDArray[np.float32]] = []
    length = 0
    problem: Exception | None = None
    converted = _converted(first, frames)
    while True:
        try:
            piece = next(converted, None)
        except (DecodeError, av.FFmpegError, ValueError) as error:
            problem, piece = error, None
        if piece is not None:
            waiting.append(piece.reshape(-1, channels))
            length += len(waiting[-1])
        if waiting and (piece is None or length >= wanted):
            block = np.concatenate(waiting)
            waiting, length = [], 0
            for start in range(0, len(block), wanted):
                yield block[start : start + wanted]
            decoded += len(block)
        if piece is None:
            break
    if problem is not None:
        raise DecodeError(f"{problem}; {decoded} samples decoded")


def _converted(first: Any, frames: Iterator[Any]) -> Iterator[NDArray[np.float32]]:
    """Turn frames into interleaved float32 of the first one's layout and rate."""
    resampler: Any = None
    kind: tuple[str, str, int] | None = None
    for frame in itertools.chain([first], frames):
        here = (frame.format.name, frame.layout.name, frame.sample_rate)
        if here != kind:
            if resampler is not None:
                yield from _arrays(resampler, None)
            resampler = av.AudioResampler("flt", first.layout, first.sample_rate)
            kind = here
        yield from _arrays(resampler, frame)
    yield from _arrays(resampler, None)


def _arrays(resampler: Any, frame: Any) -> Iterator[NDArray[np.float32]]:
    return (ready.to_ndarray() for ready in resampler.resample(frame))
