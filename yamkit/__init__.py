"""yamkit: audio tagging with YAMNet, streaming, exact, and made of plugins.

>>> from yamkit import Tagger
>>> Tagger().tag("dog.wav").top(1)  # doctest: +SKIP

Importing this package imports nothing heavy; the names below load when they are used.

Messages are logged under ``yamkit``, and appear if the program configures `logging`.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yamkit.errors import YamkitError
    from yamkit.tagger import TaggedClip, Tagger
    from yamkit.types import Batch, Event, EventParameters, Tag, TagClass

__version__ = "0.1.0"

logging.getLogger(__name__).addHandler(logging.NullHandler())  # else Python prints warnings itself

__all__ = [
    "Batch",
    "Event",
    "EventParameters",
    "Tag",
    "TagClass",
    "TaggedClip",
    "Tagger",
    "YamkitError",
    "__version__",
]

_HOMES = {
    "Batch": "yamkit.types",
    "Event": "yamkit.types",
    "EventParameters": "yamkit.types",
    "Tag": "yamkit.types",
    "TagClass": "yamkit.types",
    "TaggedClip": "yamkit.tagger",
    "Tagger": "yamkit.tagger",
    "YamkitError": "yamkit.errors",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
