"""Sources of a stream, each read by a thread that puts its blocks into a `Buffer`."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yamkit.audio import open_microphone
from yamkit.errors import AudioFileError
from yamkit.listening.buffer import Buffer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from yamkit.audio import AudioSource

__all__ = ["LiveStream", "open_microphone_stream", "open_pipe_stream"]

_BUFFER_SECONDS = 10


@dataclass(frozen=True)
class LiveStream:
    """A source that is being read.

    Attributes
    ----------
    name : str
        Of the microphone; empty for a pipe.
    sample_rate : int
        In Hz.
    buffer : Buffer
        Holds the samples that are yet to be tagged.
    warnings : callable
        Returns what was wrong with the samples so far, a tuple of str.
    """

    name: str
    sample_rate: int
    buffer: Buffer
    warnings: Callable[[], tuple[str, ...]]


@contextlib.contextmanager
def open_pipe_stream(source: AudioSource, channel: str | int) -> Iterator[LiveStream]:
    """Read one channel of a source, which waits while the buffer is full.

    Parameters
    ----------
    source : AudioSource
        Such as `yamkit.audio.open_live` opens.
    channel : str or int
        ``mix`` or a number from 1.

    Yields
    ------
    LiveStream
    """
    buffer = Buffer(_BUFFER_SECONDS * source.sample_rate, can_wait=True)
    samples = source.mono(channel)

    def read() -> None:
        try:
            for block in samples:
                if not buffer.put(block):
                    return
            buffer.end()
        except Exception as error:
            buffer.end(error)

    # a daemon: nothing ends a read that waits for a pipe
    threading.Thread(target=read, name="yamkit-pipe", daemon=True).start()
    try:
        yield LiveStream("", source.sample_rate, buffer, lambda: source.warnings)
    finally:
        buffer.stop()


@contextlib.contextmanager
def open_microphone_stream(name: str, lost: Callable[[], object]) -> Iterator[LiveStream]:
    """Record a microphone; while the buffer is full, the oldest samples are dropped.

    Parameters
    ----------
    name : str
        Its number, its name or a part of it; empty for the default microphone.
    lost : callable
        Called, by another thread, when the system reports that it lost samples.

    Yields
    ------
    LiveStream

    Raises
    ------
    MissingRequirementError, AudioFileError
        As `yamkit.audio.open_microphone` does.
    """
    buffers: list[Buffer] = []

    def ended() -> None:
        buffers[0].end(
            AudioFileError("the microphone stopped; see: yamkit listen --list-microphones")
        )

    microphone, recording = open_microphone(
        name, lambda block: buffers[0].put(block[:, 0]), lost, ended
    )
    buffers.append(Buffer(_BUFFER_SECONDS * microphone.sample_rate, can_wait=False))
    with recording:
        yield LiveStream(microphone.name, microphone.sample_rate, buffers[0], tuple)
        buffers[0].stop()
