"""By which names of files yamkit takes them for sound, in small letters, with the dot."""

from __future__ import annotations

__all__ = ["AUDIO_SUFFIXES", "AV_SUFFIXES"]

_SUFFIXES = """
.3g2 .3gp .3gp2 .3gpp .8svx .aac .ac3 .adts .aif .aifc .aiff .aiffc .amr .ape .asf .au .avi
.avr .awb .bwf .caf .dts .eac3 .ec3 .f4a .f4b .f4p .f4v .flac .flv .htk .iff .ircam .m2a .m2t
.m2ts .m4a .m4b .m4p .m4r .m4v .mk3d .mka .mkv .mov .mp1 .mp2 .mp3 .mp4 .mpa .mpeg .mpg .mpga
.mts .nist .oga .ogg .ogm .ogv .ogx .opus .paf .pvf .qt .rf64 .sds .sf .snd .sph .spx .svx .ts
.tta .voc .vob .w64 .wav .wave .weba .webm .wma .wmv .wv .wve .xi
"""

AUDIO_SUFFIXES = frozenset(_SUFFIXES.split())
"""Suffixes of sound files, and of videos with sound; other files in a folder are passed over."""

_SNDFILE_SUFFIXES = """
.8svx .aif .aifc .aiff .aiffc .au .avr .bwf .caf .flac .htk .iff .ircam .m2a .mp1 .mp2 .mp3
.mpa .mpga .nist .oga .ogg .opus .paf .pvf .rf64 .sds .sf .snd .sph .svx .voc .w64 .wav .wave
.wve .xi
"""

AV_SUFFIXES = AUDIO_SUFFIXES.difference(_SNDFILE_SUFFIXES.split())
"""Suffixes of formats that need PyAV."""
