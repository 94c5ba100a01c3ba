"""Where models and caches lie, and how a path reads in a message."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

from yamkit.errors import StoreError

__all__ = ["cache_folder", "models_folder", "printable"]


def models_folder() -> Path:
    """Give the folder of the models: ``$YAMKIT_HOME/models``, else the platform's place.

    Raises
    ------
    StoreError
        If ``YAMKIT_HOME`` begins with the name of nobody, ``~name``.
    """
    if home := _home():
        return home / "models"
    import platformdirs

    return Path(platformdirs.user_data_dir("yamkit", appauthor=False)) / "models"


def cache_folder() -> Path:
    """Give the folder of whatever can be built again: ``$YAMKIT_HOME/cache``, else the platform's.

    Nothing says that it exists or can be written.

    Raises
    ------
    StoreError
        If ``YAMKIT_HOME`` begins with the name of nobody, ``~name``.
    """
    if home := _home():
        return home / "cache"
    import platformdirs

    return Path(platformdirs.user_cache_dir("yamkit", appauthor=False))


def printable(text: str | os.PathLike[str]) -> str:
    r"""Give a path, or any text of a stranger, as valid Unicode on one line.

    Bytes that are no text become ``\xNN``; control characters become escapes, so that no name can
    break a line or drive a terminal.
    """
    return "".join(_escaped(character) for character in os.fspath(text))


def _home() -> Path | None:
    home = os.environ.get("YAMKIT_HOME")
    if not home:
        return None
    try:
        return Path(home).expanduser()
    except RuntimeError:
        raise StoreError(
            f"YAMKIT_HOME is {printable(home)}, and there is no such user; give it a whole path"
        ) from None


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python carries the bytes of a name that are no text
        return f"\\x{code - 0xDC00:02x}"
    if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
        return character.encode("unicode_escape").decode("ascii")
    return character
