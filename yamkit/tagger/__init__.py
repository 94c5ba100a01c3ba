"""The Python API: a `Tagger` tags files, file objects, arrays and streams."""

from __future__ import annotations

from yamkit.tagger._clip import TaggedClip
from yamkit.tagger._options import TaggerOptions
from yamkit.tagger._tagger import Tagger

__all__ = ["TaggedClip", "Tagger", "TaggerOptions"]
