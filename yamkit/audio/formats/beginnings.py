"""Formats by the first bytes of a file: their names, and FFmpeg's demuxers."""

from __future__ import annotations

from yamkit.audio.formats.tags import id3_size

__all__ = ["claimed_format", "demuxer_of"]

_BEGINNINGS = (
    (8, b"WAVE", "a WAV", "wav"),
    (8, b"AVI ", "an AVI", "avi"),
    (8, b"AIFF", "an AIFF", "aiff"),
    (8, b"AIFC", "an AIFF", "aiff"),
    (0, b"OggS", "an Ogg", "ogg"),
    (0, b"fLaC", "a FLAC", "flac"),
    (4, b"ftyp", "an MP4", "mov"),
    (4, b"styp", "an MP4", "mov"),
    (4, b"moov", "an MP4", "mov"),
    (0, b".snd", "an AU", "au"),
    (0, b"caff", "a CAF", None),
    (0, b"riff\x2e\x91\xcf\x11", "a Wave64", "w64"),
    (0, b"\x1a\x45\xdf\xa3", "a Matroska or WebM", "matroska"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "an ASF", "asf"),
    (0, b"FLV\x01", "an FLV", "flv"),
    (0, b"#!AMR", "an AMR", "amr"),
    (0, b"wvpk", "a WavPack", "wv"),
    (0, b"MAC ", "an APE", None),
    (0, b"TTA1", "a TTA", None),
    (0, b"\x00\x00\x01\xba", "an MPEG", "mpeg"),
)
"""Place and bytes, the name of the format with its article, and the demuxer that reads it from
front to back; None if there is none.
"""


def claimed_format(head: bytes) -> str:
    """Return the name of the format of the first bytes, with its article; empty if unknown.

    Parameters
    ----------
    head : bytes
        Twelve, or fewer of a shorter file.
    """
    names = (name for place, magic, name, _ in _BEGINNINGS if head.startswith(magic, place))
    return next(names, "an MP3" if id3_size(head) else "")


def demuxer_of(head: bytes) -> str | None:
    """Return the demuxer of a stream that begins with these bytes; None if unknown.

    Parameters
    ----------
    head : bytes
        As for `claimed_format`.
    """
    demuxers = (each for place, magic, _, each in _BEGINNINGS if head.startswith(magic, place))
    return next(demuxers, None)
