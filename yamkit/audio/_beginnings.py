"""What a file claims to be by its first bytes, for the messages about one that cannot be read."""

from __future__ import annotations

from yamkit.audio._tags import id3_size

__all__ = ["claimed_format"]

_BEGINNINGS = (
    (8, b"WAVE", "a WAV"),
    (8, b"AVI ", "an AVI"),
    (8, b"AIFF", "an AIFF"),
    (8, b"AIFC", "an AIFF"),
    (0, b"OggS", "an Ogg"),
    (0, b"fLaC", "a FLAC"),
    (4, b"ftyp", "an MP4"),
    (4, b"moov", "an MP4"),
    (0, b".snd", "an AU"),
    (0, b"caff", "a CAF"),
    (0, b"riff\x2e\x91\xcf\x11", "a Wave64"),
    (0, b"\x1a\x45\xdf\xa3", "a Matroska or WebM"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "an ASF"),
    (0, b"FLV\x01", "an FLV"),
    (0, b"#!AMR", "an AMR"),
    (0, b"wvpk", "a WavPack"),
    (0, b"MAC ", "an APE"),
    (0, b"TTA1", "a TTA"),
    (0, b"\x00\x00\x01\xba", "an MPEG"),
)


def claimed_format(head: bytes) -> str:
    """Name the format that the first bytes are of, with its article; empty where they tell none.

    Parameters
    ----------
    head : bytes
        Twelve, or fewer where there are not as many.
    """
    names = (name for place, magic, name in _BEGINNINGS if head.startswith(magic, place))
    return next(names, "an MP3" if id3_size(head) else "")
