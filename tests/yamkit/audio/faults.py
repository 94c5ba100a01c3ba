"""Faults that sound files have, made in memory, and the kinds of files that have them.

A `Kind` is a container with a codec. Its facts are what a test may expect of it: how long a frame
is, how much of the sound a damaged byte can take with it, and whether anybody can tell.
"""

from __future__ import annotations

import functools
import io
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.yamkit.audio.sounds import Track, encode, four_events, mux, remux, seconds_of, write

Edit = Callable[[list[Any]], list[Any]]


@dataclass(frozen=True)
class Kind:
    """A container with a codec.

    Attributes
    ----------
    container : str
        A muxer of FFmpeg; in capitals, a format of libsndfile.
    codec : str
        An encoder of FFmpeg; with libsndfile, a subtype.
    rate : int
        In Hz.
    frame : int
        Samples of a frame: nothing smaller is lost, and no length is known better.
    recovery : float
        Seconds behind a damaged place from which on the sound is as it was: frames that lean on
        others, pages, clusters, packets of a transport stream.
    damage : int
        Bytes to overwrite.
    is_noticed : bool
        Whether the format lets anybody notice such a damage wherever it lies.
    is_lossless : bool
    has_count : bool
        Whether the file says how long it is, or where it ends.
    slack : float
        Seconds within which the place of what follows a fault is known: time stamps are rounded.
    options, codec_options : dict
        Of muxer and encoder.
    """

    container: str
    codec: str
    rate: int
    frame: int
    recovery: float = 0.3
    damage: int = 400
    is_noticed: bool = True
    is_lossless: bool = False
    has_count: bool = True
    slack: float = 0.0
    options: dict[str, str] = field(default_factory=dict)
    codec_options: dict[str, str] = field(default_factory=dict)

    @property
    def tolerance(self) -> float:
        """Largest difference of a score from that of the whole file."""
        return 1e-4 if self.is_lossless else 0.02

    @property
    def frame_seconds(self) -> float:
        return self.frame / self.rate

    def encode(
        self,
        samples: np.ndarray | None = None,
        edit: Edit | None = None,
        rate: int | None = None,
        **options: str,
    ) -> bytes:
        """Write a sound, the project's example unless another is given."""
        rate = rate or self.rate
        samples = four_events(rate) if samples is None else samples
        options = {**self.options, **options}
        if self.container.isupper():
            return write(self.container, self.codec, samples, rate)
        if self.codec == "vorbis":  # FFmpeg's own encoder is for two channels
            data = write("OGG", "VORBIS", samples, rate)
            return remux(data, self.container, edit, options)
        return encode(
            self.container, self.codec, samples, rate, edit, options, **self.codec_options
        )


_SLOW = {"b": "64000"}
_CLUSTERS = {"cluster_time_limit": "1000"}
_PAGES = {"page_duration": "200000"}
_MS = 0.001
_BLOCK = 2048 / 44_100  # Vorbis: how long a block is depends on the one before, which may be lost

KINDS = {
    "mp3": Kind("mp3", "libmp3lame", 44_100, 1152),
    "mp2": Kind("mp2", "mp2", 44_100, 1152, has_count=False, codec_options=_SLOW),
    # Frames have no numbers and are of all lengths: how many are lost is a guess, one more or less,
    # and 400 bytes may be one frame or ten.
    "aac": Kind(
        "adts", "aac", 44_100, 1024, damage=60,
        is_noticed=False, has_count=False, slack=1024 / 44_100,
    ),
    "ac3": Kind("ac3", "ac3", 44_100, 1536, has_count=False, codec_options={"b": "96000"}),
    "eac3": Kind("eac3", "eac3", 44_100, 1536, has_count=False, codec_options={"b": "96000"}),
    "flac": Kind("flac", "flac", 16_000, 1152, damage=64, is_lossless=True),
    "ogg-vorbis": Kind("ogg", "vorbis", 44_100, 2048, 0.6, options=_PAGES, slack=_BLOCK),
    "ogg-opus": Kind("ogg", "libopus", 48_000, 960, 0.6, options=_PAGES),
    "ogg-flac": Kind("ogg", "flac", 16_000, 1152, 0.6, 64, is_lossless=True, options=_PAGES),
    "m4a": Kind("ipod", "aac", 44_100, 1024),
    "m4a-alac": Kind("ipod", "alac", 16_000, 4096, 0.6, is_noticed=False, is_lossless=True),
    "mov-aac": Kind("mov", "aac", 44_100, 1024),
    "mp4-opus": Kind("mp4", "libopus", 48_000, 960, is_noticed=False),
    "mp4-flac": Kind("mp4", "flac", 16_000, 1152, damage=64, is_lossless=True),
    "mp4-mp3": Kind("mp4", "libmp3lame", 44_100, 1152),
    "mkv-aac": Kind("matroska", "aac", 44_100, 1024, 1.3, options=_CLUSTERS, slack=_MS),
    "mkv-mp3": Kind("matroska", "libmp3lame", 44_100, 1152, 1.3, options=_CLUSTERS, slack=_MS),
    "mkv-ac3": Kind("matroska", "ac3", 44_100, 1536, 1.3, options=_CLUSTERS, slack=_MS),
    "mkv-flac": Kind(
        "matroska", "flac", 16_000, 1152, 1.3, 64, is_lossless=True, options=_CLUSTERS
    ),
    "mkv-pcm": Kind(
        "matroska", "pcm_s16le", 16_000, 1024, 1.3, 64,
        is_noticed=False, is_lossless=True, options=_CLUSTERS,
    ),
    "webm-opus": Kind("webm", "libopus", 48_000, 960, 1.3, options=_CLUSTERS, slack=_MS),
    "webm-vorbis": Kind("webm", "vorbis", 44_100, 2048, 1.3, options=_CLUSTERS, slack=_BLOCK),
    "ts-aac": Kind("mpegts", "aac", 44_100, 1024, 0.5, has_count=False),
    "ts-mp2": Kind("mpegts", "mp2", 44_100, 1152, 0.5, has_count=False, codec_options=_SLOW),
    "ts-ac3": Kind(
        "mpegts", "ac3", 44_100, 1536, 0.5, has_count=False, codec_options={"b": "96000"}
    ),
    "mpeg-mp2": Kind("mpeg", "mp2", 44_100, 1152, 0.8, has_count=False, codec_options=_SLOW),
    "avi-mp3": Kind("avi", "libmp3lame", 44_100, 1152),
    "avi-aac": Kind("avi", "aac", 44_100, 1024),
    "avi-pcm": Kind(
        "avi", "pcm_s16le", 16_000, 1024, damage=64, is_noticed=False, is_lossless=True
    ),
    "wma": Kind(
        "asf", "wmav2", 44_100, 2048, 0.8, is_noticed=False, slack=_MS, codec_options=_SLOW
    ),
    "flv-aac": Kind("flv", "aac", 44_100, 1024, slack=_MS),
    "flv-mp3": Kind("flv", "libmp3lame", 44_100, 1152, slack=_MS),
    # Eight bytes within a frame of thirteen, whose first says how long it is.
    "amr": Kind("amr", "amrnb", 8000, 160, 1.0, 8, is_noticed=False, has_count=False),
    "3gp-amr": Kind("3gp", "amrnb", 8000, 160, 2.5, 300, is_noticed=False),
    "tta": Kind("tta", "tta", 16_000, 16_718, 1.2, is_lossless=True),
    "wv": Kind("wv", "wavpack", 16_000, 64_000, 4.2, is_lossless=True),
    "caf-alac": Kind("CAF", "ALAC_16", 16_000, 4096, 0.6, is_noticed=False, is_lossless=True),
    "caf": Kind("CAF", "PCM_16", 16_000, 1, 0.1, 64, is_noticed=False, is_lossless=True),
    "wav": Kind("WAV", "PCM_16", 16_000, 1, 0.1, 64, is_noticed=False, is_lossless=True),
    "wav-mp3": Kind("wav", "libmp3lame", 44_100, 1152),
    "wav-adpcm": Kind("wav", "adpcm_ima_wav", 16_000, 2041, 0.4, is_noticed=False),
    "aiff": Kind("AIFF", "PCM_16", 16_000, 1, 0.1, 64, is_noticed=False, is_lossless=True),
    "au": Kind("AU", "PCM_16", 16_000, 1, 0.1, 64, is_noticed=False, is_lossless=True),
    "w64": Kind("W64", "PCM_16", 16_000, 1, 0.1, 64, is_noticed=False, is_lossless=True),
    "rf64": Kind("RF64", "PCM_16", 16_000, 1, 0.1, 64, is_noticed=False, is_lossless=True),
}  # fmt: skip


@functools.cache
def whole(name: str) -> bytes:
    """Give the project's example as a file of a kind, with nothing wrong."""
    return KINDS[name].encode()


# What happens to bytes.


def cut(data: bytes, fraction: float) -> bytes:
    """Give the first part of a file."""
    return data[: round(len(data) * fraction)]


@functools.cache
def places(data: bytes) -> tuple[tuple[float, int, int], ...]:
    """Find the packets of a file: seconds from the first one, offset in the file, bytes."""
    import av

    found, offset, first = [], 0, None
    with av.open(io.BytesIO(data)) as container:
        for packet in container.demux(audio=0):
            at = data.find(bytes(packet)[:60], offset) if packet.size else -1
            if at >= 0 and packet.pts is not None:
                offset = at + packet.size
                first = seconds_of(packet) if first is None else first
                found.append((seconds_of(packet) - first, at, packet.size))
    return tuple(found)


def damaged(data: bytes, seconds: float, length: int, fill: int | None = 0) -> tuple[bytes, float]:
    """Overwrite bytes within the first packet at or behind a time; give that packet's time, too.

    `fill` is the byte to write; None writes noise.
    """
    found = places(data)
    time, offset, size = next((place for place in found if place[0] >= seconds), found[-1])
    at = offset + min(20, size // 2)
    length = min(length, len(data) - at)
    noise = bytes([fill]) * length if fill is not None else np.random.default_rng(at).bytes(length)
    return data[:at] + noise + data[at + length :], time


def index_first(mp4: bytes) -> bytes:
    """Move the index of an MP4 before its sound, so that its end can be cut."""
    boxes, at = {}, 0
    while at < len(mp4):
        size = int.from_bytes(mp4[at : at + 4], "big")
        boxes[mp4[at + 4 : at + 8]] = mp4[at : at + size]
        at += size
    index = bytearray(boxes[b"moov"])
    at = -1
    while (at := index.find(b"stco", at + 1)) >= 0:
        count = int.from_bytes(index[at + 8 : at + 12], "big")
        for place in range(at + 12, at + 12 + 4 * count, 4):
            offset = int.from_bytes(index[place : place + 4], "big") + len(index)
            index[place : place + 4] = offset.to_bytes(4, "big")
    del boxes[b"moov"]
    return boxes.pop(b"ftyp") + bytes(index) + b"".join(boxes.values())


# Tags.


def id3v2(size: int = 900) -> bytes:
    """Make a tag of a title and padding, `size` bytes behind its header."""
    title = b"TIT2" + struct.pack(">IH", 7, 0) + b"\0Title\0"
    return b"ID3\x03\0\0" + bytes([0, 0, size >> 7, size & 0x7F]) + title.ljust(size, b"\0")[:size]


ID3V1 = b"TAG" + b"Title".ljust(125, b"\0")
APE = b"APETAGEX" + struct.pack("<IIII8x", 2000, 32, 0, 0)


# Counts.


def patched(data: bytes, at: int, form: str, value: float) -> bytes:
    """Write a number over another."""
    number = struct.pack(form, value)
    return data[:at] + number + data[at + len(number) :]


def behind(data: bytes, mark: bytes, distance: int = 0) -> int:
    """Find where a mark ends, or a place so many bytes on."""
    return data.index(mark) + len(mark) + distance


def ogg_page(page: bytes) -> bytes:
    """Give an Ogg page with the checksum it should have."""
    page = page[:22] + bytes(4) + page[26:]
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1) ^ (0x04C11DB7 if value & 0x80000000 else 0)
        value &= 0xFFFFFFFF
    return page[:22] + struct.pack("<I", value) + page[26:]


# Times.


def without(start: float, end: float) -> Edit:
    """Leave out the packets of a time."""
    return lambda packets: [p for p in packets if not start <= seconds_of(p) < end]


def moved(seconds: float, start: float = float("-inf")) -> Edit:
    """Move the packets from a time on."""

    def edit(packets: list[Any]) -> list[Any]:
        for packet in packets:
            if seconds_of(packet) >= start:
                ticks = round(seconds / packet.time_base)
                packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
        return packets

    return edit


# WAV by hand.


def chunk(name: bytes, body: bytes, size: int | None = None, pad: bool = True) -> bytes:
    """Make a RIFF chunk; `size` is what it says it has."""
    length = struct.pack("<I", len(body) if size is None else size)
    return name + length + body + (b"\0" if pad and len(body) % 2 else b"")


def wav(*chunks: bytes, size: int | None = None) -> bytes:
    """Make a WAV of chunks."""
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def pcm_format(rate: int = 16_000, channels: int = 1, bits: int = 16, tag: int = 1) -> bytes:
    """Make the `fmt` chunk of plain samples."""
    width = bits // 8 * channels
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * width, width, bits))


def pcm(samples: np.ndarray) -> bytes:
    """Turn float samples into 16-bit ones."""
    return (samples * 32767).round().astype("<i2").tobytes()


def several(
    container: str, codec: str, rate: int, default: int | None = None, has_video: bool = False
) -> bytes:
    """Write three streams: a tone of 440 Hz, the example, a tone of 880 Hz.

    `default` is the number, from 1, of the one that is marked.
    """
    length = 4 * rate
    tone = [np.sin(2 * np.pi * hz * np.arange(length) / rate) / 4 for hz in (440, 880)]
    sounds = [tone[0][:, None], four_events(rate)[:length], tone[1][:, None]]
    tracks = [
        Track(codec, sound.astype(np.float32), rate, None, default and default == number)
        for number, sound in enumerate(sounds, 1)
    ]
    return mux(container, tracks, has_video=has_video)
