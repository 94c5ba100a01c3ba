"""By which names of files yamkit takes them for sound, in small letters, with the dot."""

from __future__ import annotations

__all__ = ["AUDIO_SUFFIXES", "AV_SUFFIXES"]

_SNDFILE_SUFFIXES = """
.8svx .aif .aifc .aiff .au .avr .bwf .caf .flac .htk .iff .ircam .mp1 .mp2 .mp3 .nist .oga .ogg
.opus .paf .pvf .rf64 .sds .sf .snd .sph .svx .voc .w64 .wav .wave .wve .xi
"""

_AV_SUFFIXES = """
.3g2 .3gp .aac .ac3 .amr .ape .asf .avi .dts .eac3 .flv .m2ts .m4a .m4b .m4v .mka .mkv .mov .mp4
.mpeg .mpg .mts .ogv .ts .tta .webm .wma .wmv .wv
"""

AV_SUFFIXES = frozenset(_AV_SUFFIXES.split())
"""Suffixes of formats that need PyAV."""

AUDIO_SUFFIXES = AV_SUFFIXES.union(_SNDFILE_SUFFIXES.split())
"""Suffixes of sound files; other files in a folder are passed over."""
