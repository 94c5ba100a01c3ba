"""Sound of plain MP4 files (M4A, MOV, 3GP), read by their sample tables.

FFmpeg's demuxer keeps 75 bytes of every packet, which are 120 MB for ten hours of AAC; here the
tables are read while decoding goes on.
"""

from __future__ import annotations

import contextlib
import math
import struct
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av

from yamkit.audio._source import Decoded
from yamkit.audio.formats.mp4 import mp4_sound
from yamkit.audio.formats.mp4_tables import UnclearError, durations, stretches
from yamkit.audio.readers.convert import in_first_layout
from yamkit.audio.readers.placing import Track, pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from yamkit.audio._notes import Notes
    from yamkit.audio.formats.mp4 import Mp4Sound
    from yamkit.audio.formats.window import Window

__all__ = ["open_mp4"]

_FORMAT = "mov,mp4,m4a,3gp,3g2,mj2"
"""FFmpeg's name of the container."""


def open_mp4(window: Window, notes: Notes) -> tuple[Decoded, Callable[[], None]] | None:
    """Open the sound of a plain MP4 file.

    Parameters
    ----------
    window : Window
    notes : Notes

    Returns
    -------
    tuple of Decoded and callable, or None
        The sound and the function that closes it; None if `open_container` should read the file.

    Raises
    ------
    DecodeError
        If nothing can be decoded.
    """
    window = window.part(0)
    try:
        sound = mp4_sound(window)
    except (UnclearError, struct.error, IndexError):
        window.check()
        return None
    window.check()
    codec: Any = av.CodecContext.create(sound.codec, "r")
    codec.extradata = sound.extradata
    tick = 1 / sound.ticks_per_second
    track = Track(
        codec,
        _readable(_packets(window, sound)),
        tick,
        start_seconds=sound.start_tick * tick,
        promised_seconds=(sound.start_tick + sound.duration) * tick,
        is_cut_before_start=True,
        end_seconds=math.inf if sound.end_tick is None else sound.end_tick * tick,
    )
    layout, blocks = in_first_layout(pieces(track, notes))
    decoded = Decoded(
        *layout,
        blocks,
        notes,
        reader="PyAV",
        container=_FORMAT,
        codec=sound.codec,
        streams=1,
        stream=1,
        seconds_promised=track.promised_seconds,
    )
    return decoded, lambda: None


def _readable(packets: Iterator[Any]) -> Iterator[Any]:
    """End where the tables can no longer be read, though they were readable when checked."""
    with contextlib.suppress(UnclearError):
        yield from packets


def _packets(window: Window, sound: Mp4Sound) -> Iterator[Any]:
    """Yield packets; one that the end of the file cuts is shorter."""
    time_base = Fraction(1, sound.ticks_per_second)
    lengths = durations(window, sound.tables.durations)
    tick = sound.first_tick
    for offset, sizes in stretches(window, sound.tables):
        window.seek(offset)
        data = memoryview(window.read(sum(sizes)))
        window.check()
        at = 0
        for size, duration in zip(sizes, lengths):  # noqa: B905 -- there are more durations
            if sound.end_tick is not None and tick >= sound.end_tick:
                return
            if at < len(data):
                packet = av.Packet(bytes(data[at : at + size]))
                packet.pts = packet.dts = tick
                packet.duration, packet.time_base = duration, time_base
                yield packet
            at += size
            tick += duration
