"""By which names of files yamkit takes them for sound, in small letters, with the dot."""

from __future__ import annotations

__all__ = ["AUDIO_SUFFIXES"]

_SUFFIXES = """
.3g2 .3gp .3gp2 .3gpp .8svx .aac .ac3 .adts .aif .aifc .aiff .aiffc .amr .ape .asf .au .avi .avr
.awb .bwf .caf .dts .dtshd .eac3 .ec3 .f4a .f4b .f4p .f4v .flac .flv .g722 .htk .iff .ircam .m2a
.m2t .m2ts .m4a .m4b .m4p .m4r .m4v .mk3d .mka .mkv .mov .mp1 .mp2 .mp3 .mp4 .mpa .mpeg .mpg .mpga
.mts .nist .oga .ogg .ogm .ogv .ogx .opus .paf .pvf .qt .rf64 .sds .sf .snd .sph .spx .svx .tak
.ts .tta .voc .vob .w64 .wav .wave .weba .webm .wma .wmv .wv .wve .xi
"""

AUDIO_SUFFIXES = frozenset(_SUFFIXES.split())
"""Suffixes of sound files, and of videos with sound; other files in a folder are passed over."""
