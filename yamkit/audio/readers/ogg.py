"""Ogg: a chain of links, each read by libsndfile if it is whole, else page by page.

A file is scanned before it is decoded, so it is known where links begin, where pages are damaged or
missing, and how much time that is. PyAV reads streams other than Vorbis, Opus and FLAC, and links
of several streams, such as films.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from yamkit.audio._notes import Notes
from yamkit.audio._source import Decoded
from yamkit.audio.formats.ogg import links, pages
from yamkit.audio.readers.convert import MOST_SILENCE_SECONDS, converted, in_first_layout, silence
from yamkit.audio.readers.pyav import Run
from yamkit.audio.readers.sndfile import open_sndfile, plain_descriptor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from yamkit.audio.formats.ogg import Link, Page
    from yamkit.audio.formats.window import Window
    from yamkit.audio.readers.convert import Piece

__all__ = ["open_ogg"]

_JITTER_SECONDS = 0.005
"""Largest ignored difference between the place of a page and the end of the last one."""


def open_ogg(
    window: Window, file: BinaryIO | None, stream: int | None, notes: Notes
) -> tuple[Decoded, Callable[[], None]] | None:
    """Open an Ogg.

    Parameters
    ----------
    window : Window
        Begins with a page.
    file : binary file object or None
        The file that the window shows whole, if only this reader uses it.
    stream : int or None
        Number of the sound stream.
    notes : Notes

    Returns
    -------
    tuple of Decoded and callable, or None
        The sound and the function that closes it; None if it is not sound.

    Raises
    ------
    DecodeError
        If no link can be decoded.
    """
    found = links(window)
    if not found or not all(link.is_readable for link in found):
        from yamkit.audio.readers.containers import open_container

        return open_container(window, stream, notes)
    readers: list[str] = []
    layout, blocks = in_first_layout(_pieces(window, file, found, notes, readers))
    decoded = Decoded(
        *layout,
        blocks,
        notes,
        reader=readers[0],
        container="OGG",
        codec=", ".join(dict.fromkeys(link.codec for link in found)),
        seconds_promised=sum(link.seconds for link in found),
    )
    return decoded, lambda: None


def _pieces(
    window: Window, file: BinaryIO | None, found: list[Link], notes: Notes, readers: list[str]
) -> Iterator[Piece]:
    """Decode link after link; `readers` receives the reader of each when it is opened."""
    seconds = 0.0
    for link in found:
        part = window.part(link.start, link.end)
        opened = None
        if link.is_whole:
            is_all = len(found) == 1 and link.start == 0
            opened = open_sndfile(part, Notes(), plain_descriptor(file) if is_all else None)
        readers.append("PyAV" if opened is None else "libsndfile")
        if opened is not None:
            pieces = _whole(*opened)
        else:
            pieces = _Pages(part, link, notes, seconds).pieces()
        for layout, samples in pieces:
            seconds += len(samples) / layout[0]
            yield layout, samples
        if not link.is_ended:
            notes.breaks_off(seconds)
        if link.pages_behind:
            notes.unreadable(seconds, f"{link.pages_behind} Ogg pages without a whole header")


def _whole(decoded: Decoded, close: Callable[[], None]) -> Iterator[Piece]:
    """Yield a link without damage, except perhaps at its end."""
    try:
        for block in decoded.blocks:
            yield (decoded.sample_rate, decoded.channels), block
    finally:
        close()


class _Pages:
    """Decodes the pages of a link, and places samples where the pages state.

    Parameters
    ----------
    window : Window
        The part of the file with the link.
    link : Link
    notes : Notes
    start_seconds : float
        Where the link begins in the output.
    """

    def __init__(self, window: Window, link: Link, notes: Notes, start_seconds: float) -> None:
        self._window, self._link, self._notes = window, link, notes
        self._start_seconds = start_seconds
        self._rate = link.granule_rate_hz
        import av  # only needed after damage

        self._av = av
        self._codec: Any = av.CodecContext.create(link.codec, "r")
        self._codec.extradata = _extradata(link)
        self._begin = max(0, link.begin_granule or 0) + link.delay
        self._position = 0  # samples that were yielded
        self._is_damaged = False
        self._silence_left = MOST_SILENCE_SECONDS

    def pieces(self) -> Iterator[Piece]:
        """Decode all, at the rate at which libsndfile decodes such a link."""
        here, target = (
            (self._rate, self._link.channels),
            (self._link.sample_rate, self._link.channels),
        )
        for block in converted(self._arrays(), here, target):
            yield target, block

    def _arrays(self) -> Iterator[NDArray[np.float32]]:
        run = Run()
        headers = len(self._link.headers)
        for page in pages(self._window):
            if page.serial != self._link.serial:
                continue
            if page.follows_hole:
                self._codec.flush_buffers()
                self._is_damaged = True
            skipped = min(headers, len(page.packets))
            headers -= skipped
            for packet in page.packets[skipped:]:
                for frame in self._decode(packet):
                    if frame.layout.nb_channels != self._link.channels or (
                        run.samples and not run.fits(frame)
                    ):
                        self._is_damaged = True
                        continue
                    if not run.samples:
                        run.begin(frame)
                    run.add(frame)
            if page.granule >= 0 and run.samples:
                yield from self._place(run.take()[1], page)
        if run.samples:  # of the last page, which does not state its place
            yield run.take()[1]

    def _decode(self, packet: bytes) -> list[Any]:
        try:
            frames: list[Any] = self._codec.decode(self._av.Packet(packet)) if packet else []
        except (self._av.FFmpegError, ValueError):
            self._is_damaged = True
            return []
        return frames

    def _place(self, samples: NDArray[np.float32], page: Page) -> Iterator[NDArray[np.float32]]:
        """Yield the samples of a page at their place."""
        end = page.granule - self._begin
        start = end - len(samples)
        if page.is_last and not self._is_damaged and start < self._position:
            start = self._position  # surplus samples are padding at the end
        gap = start - self._position
        if gap > 0 and (self._is_damaged or gap > _JITTER_SECONDS * self._rate):
            yield from self._gap(gap)
        elif gap < 0 and self._position and -gap > _JITTER_SECONDS * self._rate:
            repeated = min(len(samples), -gap) / self._rate
            self._notes.repeated(self._seconds + gap / self._rate, repeated)
        elif gap >= 0 or self._position:
            start = self._position
        self._is_damaged = False
        kept = samples[max(0, self._position - start) :]
        if page.is_last:
            kept = kept[: max(0, end - self._position)]
        self._position += len(kept)
        if len(kept):
            yield kept

    def _gap(self, samples: int) -> Iterator[NDArray[np.float32]]:
        seconds = samples / self._rate
        if seconds > self._silence_left:
            self._notes.jumps_too_far(self._seconds, seconds)
            self._begin += samples
            return
        self._silence_left -= seconds
        if self._is_damaged:
            self._notes.undecodable(self._seconds, seconds)
        else:
            self._notes.missing(self._seconds, seconds)
        self._position += samples
        yield from silence(samples, self._link.channels)

    @property
    def _seconds(self) -> float:
        return self._start_seconds + self._position / self._rate


def _extradata(link: Link) -> bytes:
    """Return the headers in the layout that FFmpeg's decoders expect."""
    if link.codec == "flac":
        return link.headers[0][17:51]
    if link.codec == "opus":
        return link.headers[0]
    first, second, third = link.headers
    lengths = b"".join(
        b"\xff" * (len(each) // 255) + bytes([len(each) % 255]) for each in (first, second)
    )
    return b"\x02" + lengths + first + second + third
