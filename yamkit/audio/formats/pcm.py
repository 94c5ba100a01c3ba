"""Encodings of uncompressed samples: integers, floats, mu-law and A-law (ITU-T G.711)."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ENCODINGS", "PcmFormat"]

ENCODINGS: dict[str, tuple[str, bool, int, str]] = {
    "u8": ("<", False, 1, ""),
    "s16le": ("<", False, 2, ""),
    "s16be": (">", False, 2, ""),
    "s24le": ("<", False, 3, ""),
    "s24be": (">", False, 3, ""),
    "s32le": ("<", False, 4, ""),
    "s32be": (">", False, 4, ""),
    "f32le": ("<", True, 4, ""),
    "f32be": (">", True, 4, ""),
    "f64le": ("<", True, 8, ""),
    "f64be": (">", True, 8, ""),
    "mulaw": ("<", False, 1, "mulaw"),
    "alaw": ("<", False, 1, "alaw"),
}
"""Encodings of samples without a header: byte order, whether floats, bytes of a value, law."""


@dataclass(frozen=True)
class PcmFormat:
    """The encoding of samples, and their rate and channels.

    Attributes
    ----------
    order : {"<", ">"}
        Byte order.
    is_float : bool
    channels : int
    sample_rate : int
        In Hz.
    width : int
        Bytes of one value.
    law : {"", "mulaw", "alaw"}
    """

    order: str
    is_float: bool
    channels: int
    sample_rate: int
    width: int
    law: str = ""

    @property
    def frame_size(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * self.width

    @property
    def codec(self) -> str:
        """FFmpeg's name of the encoding."""
        if self.law:
            return f"pcm_{self.law}"
        if self.width == 1:
            return "pcm_u8"
        kind = "f" if self.is_float else "s"
        return f"pcm_{kind}{8 * self.width}{'le' if self.order == '<' else 'be'}"
