"""Decoding through PyAV: MP4, Matroska and WebM, MPEG-TS, ASF, AVI, FLV, WavPack and others.

Loaded on use, since it loads PyAV. Playlists and scripts, which name other files and addresses, are
not opened, and a container cannot open another file.

This module corrects FFmpeg's demuxers; `placing` puts the samples at their places.
"""

from __future__ import annotations

import contextlib
import math
import re
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, BinaryIO

import av

from yamkit.audio._source import Decoded
from yamkit.audio.formats.headers import flv_seconds, is_broadcast, is_cut, matroska_seconds
from yamkit.audio.formats.window import find
from yamkit.audio.readers.convert import in_first_layout
from yamkit.audio.readers.placing import Track, pieces
from yamkit.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from yamkit.audio._notes import Notes
    from yamkit.audio.formats.incoming import Incoming
    from yamkit.audio.formats.window import Window

__all__ = ["open_arriving", "open_container"]

_CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dts,dtshd,eac3,flac,flv,g722,gsm,matroska,webm,mov,mp4,"
    "m4a,3gp,3g2,mj2,mp3,mpeg,mpegts,oma,ogg,shorten,tak,tta,voc,w64,wav,wv,xwma"
)
_FROM_ZERO = ("mov", "matroska")
"""Containers whose time stamps count from the beginning of the recording; in others they may begin
anywhere."""

_FROM_ZERO_OR_ANYWHERE = ("asf", "flv")
"""Containers that are recorded, and broadcast as well."""

_PYAV = int(av.__version__.partition(".")[0])
# accept titles in an unknown encoding; PyAV 19 has no such option
_LENIENT: dict[str, Any] = {"metadata_errors": "replace"} if _PYAV < 19 else {}

_CUTS_ENDS = av.library_versions["libavformat"] >= (63,)
"""Whether FFmpeg, from version 9 on, cuts the ends of MP4s: it takes the duration of a sound as its
end, wherever it begins."""

_LONGEST_BROADCAST_LATENESS_SECONDS = 60.0
"""A broadcast whose time stamps begin later began before it was recorded."""
_LONGEST_LOOK_MICROSECONDS = "100000"
"""Sound that FFmpeg analyses before it decodes a stream; its default is 5 s."""
_NO_OPTIONS: Mapping[str, str] = MappingProxyType({})
_MOST_TRIES = 1000
_MOST_FAILURES = 32
"""Most consecutive beginnings after which nothing is found."""


def open_container(
    window: Window, stream: int | None, notes: Notes
) -> tuple[Decoded, Callable[[], None]] | None:
    """Open a sound stream of a container.

    Parameters
    ----------
    window : Window
    stream : int or None
        Number of the sound stream, from 1; None for the default stream, else the first.
    notes : Notes

    Returns
    -------
    tuple of Decoded and callable, or None
        The sound and the function that closes it; None if the container is unknown.

    Raises
    ------
    DecodeError
        If there is no such sound stream, or it cannot be decoded.
    """
    window.seek(0)
    try:
        container = _open(window)
    except (av.FFmpegError, ValueError):
        window.check()
        return None

    def track(sound: Any) -> Track:
        return _track(
            container,
            sound,
            _packets(container, sound, window),
            promised_seconds=_promise(container, sound, window),
            end_seconds=_end(container, sound),
            is_cut=is_cut(window),
        )

    try:
        return _opened(container, track, stream, notes), container.close
    except BaseException:
        container.close()
        raise


def open_arriving(
    incoming: Incoming, demuxer: str, notes: Notes
) -> tuple[Decoded, Callable[[], None]]:
    """Open the sound of a container while it arrives; it may never end.

    Parameters
    ----------
    incoming : Incoming
        At its beginning.
    demuxer : str
        FFmpeg's name of the container. A guess could read megabytes before it fails.
    notes : Notes

    Returns
    -------
    tuple of Decoded and callable
        The sound and the function that closes it. Samples are yielded as soon as FFmpeg has decoded
        them.

    Raises
    ------
    DecodeError
        If nothing can be decoded.
    """
    options = {"analyzeduration": _LONGEST_LOOK_MICROSECONDS}
    if demuxer == "mpeg":  # its first packets may all be video, and no header lists the sound
        options = {}
    try:
        container = _open(SimpleNamespace(read=incoming.some), demuxer, options)
    except (av.FFmpegError, ValueError) as error:
        raise DecodeError("cannot be decoded while it arrives") from error

    def track(sound: Any) -> Track:
        return _track(container, sound, _demuxed(container, sound, lambda: None), is_arriving=True)

    try:
        return _opened(container, track, None, notes), container.close
    except BaseException:
        container.close()
        raise


def _opened(
    container: Any, track_of: Callable[[Any], Track], stream: int | None, notes: Notes
) -> Decoded:
    sounds = container.streams.audio
    if not sounds:
        raise DecodeError("contains no sound, only other streams")
    if stream is not None and not 1 <= stream <= len(sounds):
        raise DecodeError(f"no sound stream {stream}; it has {len(sounds)}")
    defaults = (n for n, each in enumerate(sounds, 1) if each.disposition & _DEFAULT)
    chosen = stream or next(defaults, 1)
    if stream is None and len(sounds) > 1:
        notes.add(
            f"{len(sounds)} sound streams; stream {chosen} is used; --stream N selects another"
        )
    sound = sounds[chosen - 1]
    codec = sound.codec_context
    if codec is None:
        raise DecodeError(f"the codec of sound stream {chosen} is unknown to FFmpeg")
    track = track_of(sound)
    layout, blocks = in_first_layout(pieces(track, notes), at_once=track.is_arriving)
    return Decoded(
        *layout,
        blocks,
        notes,
        reader="PyAV",
        container=container.format.name,
        codec=codec.name,
        streams=len(sounds),
        stream=chosen,
        seconds_promised=track.promised_seconds,
    )


def _open(file: Any, demuxer: str | None = None, options: Mapping[str, str] = _NO_OPTIONS) -> Any:
    return av.open(
        file,
        format=demuxer,
        io_open=_refuse,
        container_options={
            "format_whitelist": _CONTAINERS,
            "protocol_whitelist": "none",
            **options,
        },
        **_LENIENT,
    )


_DEFAULT = av.stream.Disposition.default


def _refuse(url: str, flags: int, options: dict[str, str]) -> BinaryIO:  # noqa: ARG001
    raise PermissionError("a container cannot open another file")


def _track(
    container: Any,
    sound: Any,
    packets: Iterator[Any],
    *,
    promised_seconds: float | None = None,
    end_seconds: float | None = None,
    is_cut: bool = False,
    is_arriving: bool = False,
) -> Track:
    name, codec = container.format.name, sound.codec_context
    if codec.name == "flac":
        codec.options = {"err_detect": "crccheck+explode"}
    jitter = _JITTER_SECONDS.get(codec.name, 0.0)
    if (name, codec.name) in _NO_CLOCK:
        jitter = math.inf
    tick = float(sound.time_base)
    return Track(
        # FFmpeg's default decoder of MP2 dithers, and takes twice as long
        av.CodecContext.create("mp2float", "r") if codec.name == "mp2" else codec,
        packets,
        tick,
        origin_seconds=_origin(container),
        start_seconds=None if sound.start_time is None else sound.start_time * tick,
        promised_seconds=promised_seconds,
        end_seconds=end_seconds,
        jitter_seconds=jitter,
        may_repeat=jitter > 0 or name in _DOUBTFUL,
        gaps_are_damage=name in _FRAMES_ALONE,
        is_cut=is_cut,
        is_arriving=is_arriving,
    )


def _packets(container: Any, sound: Any, window: Window) -> Iterator[Any]:
    """Yield packets; continue after damage as long as packets are found."""
    name = container.format.name
    chunks: dict[int, int] = {}
    if name == "avi":
        # FFmpeg counts the chunks that it finds; the index numbers them correctly
        chunks = {each.pos + 8: each.timestamp for each in sound.index_entries}
    end = 0
    for packet in _demuxed(container, sound, window.check):
        if chunks and packet.pos in chunks:
            packet.pts = packet.dts = chunks[packet.pos]
        if name == _MP4 and _CUTS_ENDS:
            _keep_end(packet)
        if name in _BEGINNINGS:
            end = max(end, (packet.pos or 0) + packet.size)
        yield packet
    beginning, failures = _BEGINNINGS.get(name), 0
    while beginning is not None and failures < _MOST_FAILURES:
        # FFmpeg stops at damage and at joined files
        at = find(window, beginning, end)
        if at is None:
            return
        end = at + 1
        failures += 1
        yield None
        with (
            contextlib.suppress(av.FFmpegError, ValueError, IndexError),
            contextlib.ExitStack() as stack,
        ):
            rest = stack.enter_context(_open(window.part(at)))
            for packet in _demuxed(rest, rest.streams.audio[0], window.check):
                failures = 0
                end = max(end, at + (packet.pos or 0) + packet.size)
                yield packet


def _demuxed(container: Any, sound: Any, check: Callable[[], object]) -> Iterator[Any]:
    for _ in range(_MOST_TRIES):
        got_some = False
        try:
            for packet in container.demux(sound):
                if packet.size:
                    got_some = True
                    yield packet
        # PyAV's IndexError: a stream appeared after the first packets
        except (av.FFmpegError, ValueError, IndexError):
            check()
            if got_some:
                continue
        check()
        return


def _keep_end(packet: Any) -> None:
    """Prevent the decoder from cutting the end of an MP4 packet; `_end` returns the end."""
    if packet.has_sidedata("skip_samples"):
        skipped = packet.get_sidedata("skip_samples")
        start, behind_end = bytes(skipped)[:4], skipped.buffer_size - 4
        skipped.update(start + bytes(behind_end))
        packet.set_sidedata(skipped)


def _end(container: Any, sound: Any) -> float | None:
    """Return where the sound of an MP4 ends; None for other containers, which are not cut here."""
    if container.format.name != _MP4:
        return None
    if sound.duration is None:
        return math.inf
    return float(((sound.start_time or 0) + sound.duration) * sound.time_base)


def _origin(container: Any) -> float:
    """Return the time stamp, in seconds, at which a recording begins."""
    name = container.format.name
    if name.startswith(_FROM_ZERO) or container.start_time is None:
        return 0.0
    start = float(container.start_time / av.time_base)
    if name in _FROM_ZERO_OR_ANYWHERE and 0 <= start < _LONGEST_BROADCAST_LATENESS_SECONDS:
        return 0.0
    return start


def _promise(container: Any, sound: Any, window: Window) -> float | None:
    """Return the stated duration of a sound in seconds; None if the container states none.

    FFmpeg does not distinguish a stated duration from its own guess, so some headers are read here.
    The duration of all streams is not that of the sound.
    """
    name = container.format.name
    stated = sound.metadata.get("DURATION", "")
    if name.startswith("matroska"):
        if (match := _TAG.fullmatch(stated)) is not None:
            hours, minutes, seconds = (float(part) for part in match.groups())
            return 3600 * hours + 60 * minutes + seconds
        return matroska_seconds(window) if len(container.streams) == 1 else None
    if name == "flv":
        return flv_seconds(window) if len(container.streams) == 1 else None
    is_stated = name in _STATES_DURATION or (name == "asf" and not is_broadcast(window))
    if not is_stated or sound.duration is None:
        return None
    start = 0 if name == "asf" else max(0, sound.start_time or 0)
    return float((start + sound.duration) * sound.time_base)


_TAG = re.compile(r"(\d+):(\d\d):(\d\d\.\d+)")
_MP4 = "mov,mp4,m4a,3gp,3g2,mj2"
_STATES_DURATION = {"ape", "caf", _MP4, "tak", "tta", "wv"}
_BEGINNINGS = {"wv": re.compile(rb"wvpk....[\x02-\x10]\x04", re.DOTALL)}
"""Beginnings of blocks that state their place."""
_FRAMES_ALONE = {"ac3", "dts", "dtshd", "eac3", "tta", "wv"}
"""Sound without a container: a gap is damage."""
_JITTER_SECONDS = {"vorbis": 0.05, "pcm_dvd": 0.04, "pcm_s16be": 0.04}
"""Jitter of the time stamps of intact streams, by codec."""
_DOUBTFUL = ("avi", "mpeg")
"""Containers in which intact packets may have equal time stamps."""
_NO_CLOCK = {("asf", "flac"), *(("avi", codec) for codec in ("eac3", "amrnb", "g722", "g726"))}
"""Containers and codecs with wrong time stamps in FFmpeg."""
