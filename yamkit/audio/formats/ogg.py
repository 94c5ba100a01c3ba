"""Ogg pages, their packets, and the links of a chain, in spite of damage.

The layout of a page is that of RFC 3533, section 6. The first bytes of a packet state its duration:
of Vorbis by the mode (Vorbis I, 4.3), of Opus by the table of contents (RFC 6716, 3.1), of FLAC by
the header of the frame.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from yamkit.audio.formats.flac import LONGEST_HEADER, frame_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from yamkit.audio.formats.window import Window

__all__ = ["Link", "Page", "links", "pages"]

_MAGIC = b"OggS\0"
"""Beginning of a page, with the only version."""
_HEADER = 27
_LONGEST_PAGE = _HEADER + 255 + 255 * 255
_AT_ONCE = 1 << 18
_CONTINUED, _FIRST, _LAST = 1, 2, 4
_NO_GRANULE = -1
_OPUS_RATE_HZ = 48_000
# with reversed bits, the checksum of Ogg, which starts at the highest bit, is that of zlib
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class Page(NamedTuple):
    """A page with a correct checksum.

    Attributes
    ----------
    at, end : int
        Its place in the file.
    serial : int
        Number of its stream.
    granule : int
        Samples up to the end of the last packet that ends on it; -1 if none does.
    is_first, is_last : bool
        Whether it is the first or last page of its stream.
    follows_hole : bool
        Whether pages of its stream are missing before it.
    packets : list of bytes
        Complete packets that end on it.
    """

    at: int
    end: int
    serial: int
    granule: int
    is_first: bool
    is_last: bool
    follows_hole: bool
    packets: list[bytes]


@dataclass
class _Stream:
    number: int = -1
    begun: bytes | None = b""  # of a packet that continues; None if its beginning is lost


def pages(window: Window) -> Iterator[Page]:
    """Yield the pages with a correct checksum, in order."""
    streams: dict[int, _Stream] = {}
    for at, header, body in _sound_pages(window):
        _, flags, granule, serial, number = struct.unpack_from("<BBqII", header, 4)
        if flags & _FIRST or serial not in streams:
            streams[serial] = _Stream(number - 1)
        stream = streams[serial]
        is_hole = number != (stream.number + 1) & 0xFFFFFFFF
        stream.number = number
        if is_hole:
            stream.begun = None
        if not flags & _CONTINUED:
            stream.begun = b""
        elif stream.begun == b"":
            stream.begun = None
        yield Page(
            at,
            at + len(header) + len(body),
            serial,
            granule,
            bool(flags & _FIRST),
            bool(flags & _LAST),
            is_hole,
            _packets(stream, header[_HEADER:], body),
        )


def _packets(stream: _Stream, sizes: bytes, body: bytes) -> list[bytes]:
    found = []
    start = end = 0
    for size in sizes:
        end += size
        if size < 255:
            if stream.begun is not None:
                found.append(stream.begun + body[start:end])
            stream.begun, start = b"", end
    if end > start:
        stream.begun = None if stream.begun is None else stream.begun + body[start:end]
    return found


def _sound_pages(window: Window) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield place, header and body of pages with a correct checksum."""
    buffer, start, at = b"", 0, 0
    ends = False
    while True:
        if len(buffer) - at < _LONGEST_PAGE and not ends:
            buffer, start, at = buffer[at:], start + at, 0
            window.seek(start + len(buffer))
            data = window.read(_AT_ONCE)
            window.check()
            buffer += data
            ends = len(data) < _AT_ONCE
            continue
        at = buffer.find(_MAGIC, at)
        if at < 0:
            if ends:
                return
            at = max(0, len(buffer) - len(_MAGIC) + 1)
            continue
        if len(buffer) - at < _LONGEST_PAGE and not ends:
            continue
        page = buffer[at : at + _LONGEST_PAGE]
        count = page[26] if len(page) >= _HEADER else 0
        header = page[: _HEADER + count]
        size = len(header) + sum(header[_HEADER:])
        if count and len(page) >= size and _checksum(page[:size]) == page[22:26]:
            yield start + at, header, page[len(header) : size]
            at += size
        else:
            at += 1


def _checksum(page: bytes) -> bytes:
    blank = page[:22] + bytes(4) + page[26:]
    value = zlib.crc32(blank.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return value.to_bytes(4, "big").translate(_REVERSED)


# --- links ---


_HEADERS = {"vorbis": 3, "opus": 2, "flac": 1}
"""Number of packets without which a stream cannot be decoded."""


@dataclass
class Link:
    """One link of a chain: a stream of sound from its first page to its last.

    Attributes
    ----------
    start, end : int
        Its place in the file.
    serial : int
    headers : list of bytes
        Packets before the sound.
    is_only_stream : bool
        Whether there is no other stream between its pages.
    is_whole : bool
        Whether no page is damaged or missing, and times of pages are consecutive.
    is_ended : bool
        Whether its last page exists.
    pages_behind : int
        Number of pages without a header after this link.
    codec : str
        ``vorbis``, ``opus``, ``flac``, ``speex``, or empty.
    sample_rate, channels : int
    delay : int
        Samples before the sound.
    begin_granule, end_granule : int
        Samples before its first page of sound, and up to its end.
    """

    start: int
    serial: int
    headers: list[bytes] = field(default_factory=list)
    end: int = 0
    is_only_stream: bool = True
    is_whole: bool = True
    is_ended: bool = False
    pages_behind: int = 0
    codec: str = ""
    sample_rate: int = 0
    channels: int = 0
    delay: int = 0
    begin_granule: int | None = None
    end_granule: int = 0

    @property
    def is_readable(self) -> bool:
        """Whether its headers are complete, and it contains only sound."""
        needed = _HEADERS.get(self.codec, 0)
        is_stated = self.sample_rate > 0 and self.channels > 0
        return self.is_only_stream and 0 < needed <= len(self.headers) and is_stated

    @property
    def granule_rate_hz(self) -> int:
        """Granules per second."""
        return _OPUS_RATE_HZ if self.codec == "opus" else self.sample_rate

    @property
    def seconds(self) -> float:
        """Duration by its granules."""
        if self.begin_granule is None or not self.granule_rate_hz:
            return 0.0
        samples = self.end_granule - max(0, self.begin_granule) - self.delay
        return max(0, samples) / self.granule_rate_hz


def links(window: Window) -> list[Link]:
    """Scan a file; return the links that have a header."""
    found: list[Link] = []
    measure: Callable[[list[bytes]], int | None] = _unmeasured
    header_count = expected = 0
    for page in pages(window):
        link = found[-1] if found else None
        if page.is_first:
            if link is not None and not link.headers[1:] and link.begin_granule is None:
                link.is_only_stream = False
                continue
            link = Link(page.at, page.serial)
            found.append(link)
            header_count = _read_head(link, page.packets[0] if page.packets else b"")
        if link is None:
            continue
        if page.serial != link.serial:
            link.is_only_stream = link.is_only_stream and link.is_ended
            link.pages_behind += 1
            continue
        link.end = page.end
        link.is_ended = page.is_last
        link.is_whole = link.is_whole and not page.follows_hole
        packets = page.packets
        while packets and (header_count == 0 or len(link.headers) < header_count):
            if link.headers and not _is_header(link.codec, packets[0]):
                if header_count:
                    link.codec = ""  # its setup is lost
                header_count = len(link.headers)
                break
            link.headers.append(packets[0])
            packets = packets[1:]
            measure = _measure(link)
        if page.granule == _NO_GRANULE or not packets:
            continue
        samples = measure(packets)
        if link.begin_granule is None:
            link.begin_granule = page.granule - (samples or 0) if not page.is_last else 0
        elif samples is not None and not page.is_last:
            link.is_whole = link.is_whole and abs(page.granule - expected - samples) <= _ROUNDING
        expected = link.end_granule = page.granule
    return found


_ROUNDING = 64
"""Samples by which places of pages may differ from the durations of packets."""


def _read_head(link: Link, packet: bytes) -> int:
    """Read the first packet; return the number of headers, 0 if later packets decide."""
    if packet.startswith(b"\x01vorbis") and len(packet) >= 30:
        link.codec = "vorbis"
        link.channels, link.sample_rate = struct.unpack_from("<BI", packet, 11)
        return 3
    if packet.startswith(b"OpusHead") and len(packet) >= 19:
        link.codec = "opus"
        link.channels, link.delay, rate = struct.unpack_from("<BHI", packet, 9)
        # libopus decodes at these rates
        link.sample_rate = rate if rate in (8000, 12000, 16000, 24000) else _OPUS_RATE_HZ
        return 2
    if packet.startswith(b"\x7fFLAC") and len(packet) >= 51:
        link.codec = "flac"
        bits = int.from_bytes(packet[27:35], "big")
        link.sample_rate, link.channels = bits >> 44, (bits >> 41 & 7) + 1
        return 0
    if packet.startswith(b"Speex   ") and len(packet) >= 80:
        link.codec = "speex"
        link.sample_rate, link.channels = struct.unpack_from("<I8xI", packet, 36)
        return 2
    return 1


def _is_header(codec: str, packet: bytes) -> bool:
    """Return whether a packet after the first is a header."""
    if codec == "vorbis":
        return packet[:1] in (b"\x03", b"\x05") and packet[1:7] == b"vorbis"
    if codec == "flac":
        return packet[:1] != b"\xff"
    return codec != "opus" or packet.startswith(b"OpusTags")


def _unmeasured(packets: list[bytes]) -> int | None:  # noqa: ARG001
    return None


def _measure(link: Link) -> Callable[[list[bytes]], int | None]:
    """Return the function that counts the samples of packets."""
    if link.codec == "opus":
        return lambda packets: sum(map(_opus_samples, packets))
    if link.codec == "vorbis" and len(link.headers) == 3:
        return _VorbisMeasure(link.headers).samples
    if link.codec == "flac":
        return _flac_samples
    return _unmeasured


def _opus_samples(packet: bytes) -> int:
    if not packet:
        return 0
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:
        frame = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:
        frame = (480, 960)[config & 1]
    else:
        frame = (120, 240, 480, 960)[config & 3]
    count = (1, 2, 2, packet[1] & 63 if len(packet) > 1 else 0)[code]
    return frame * count


def _flac_samples(packets: list[bytes]) -> int | None:
    total = 0
    for packet in packets:
        header = frame_header(packet[:LONGEST_HEADER], 0)
        if header is None:
            return None
        total += header[1]
    return total


class _VorbisMeasure:
    """Durations of Vorbis packets: a quarter of the block size plus a quarter of the last one."""

    def __init__(self, headers: list[bytes]) -> None:
        sizes = headers[0][28]
        short_and_long = 1 << (sizes & 15), 1 << (sizes >> 4)
        modes = [short_and_long[is_long] for is_long in _vorbis_modes(headers[2])]
        mask = (1 << max(0, (len(modes) - 1).bit_length())) - 1
        numbers = [byte >> 1 & mask for byte in range(256)]
        # by the first byte of a packet; 0 if there is no such mode
        self._sizes = [modes[number] if number < len(modes) else 0 for number in numbers]
        self._last = 0

    def samples(self, packets: list[bytes]) -> int | None:
        """Count the samples of consecutive packets; None if unknown."""
        sizes, last, total = self._sizes, self._last, 0
        for packet in packets:
            size = sizes[packet[0]] if packet else 0
            if not size:
                return None
            if last:
                total += last + size
            last = size
        self._last = last
        return total // 4


def _vorbis_modes(setup: bytes) -> list[bool]:
    """Read which modes are long from the end of the setup header; empty if unclear.

    The modes are at its end: 6 bits for their number minus one, then for each a bit that is set if
    its block is long, 32 zeros and 8 more bits, then a set bit.
    """
    bits = int.from_bytes(setup, "little")
    at = bits.bit_length() - 1
    are_long: list[bool] = []
    found: list[bool] = []
    while at >= 47 and len(are_long) < 64:
        at -= 41
        if bits >> at + 1 & 0xFFFFFFFF:
            break
        are_long.insert(0, bool(bits >> at & 1))
        if (bits >> at - 6 & 63) + 1 == len(are_long):
            found = list(are_long)
    return found
