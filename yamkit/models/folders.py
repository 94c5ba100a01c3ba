"""Folders of models and caches."""

from __future__ import annotations

import os
from pathlib import Path

from yamkit._util.text import printable
from yamkit.errors import StoreError

__all__ = ["cache_folder", "models_folder"]


def models_folder() -> Path:
    """Return the folder of the models: ``$YAMKIT_HOME/models``, else the platform's.

    Raises
    ------
    StoreError
        If ``YAMKIT_HOME`` begins with ``~name`` and there is no such user.
    """
    if home := _home():
        return home / "models"
    import platformdirs

    return Path(platformdirs.user_data_dir("yamkit", appauthor=False)) / "models"


def cache_folder() -> Path:
    """Return the folder of caches: ``$YAMKIT_HOME/cache``, else the platform's.

    It may not exist or not be writable.

    Raises
    ------
    StoreError
        If ``YAMKIT_HOME`` begins with ``~name`` and there is no such user.
    """
    if home := _home():
        return home / "cache"
    import platformdirs

    return Path(platformdirs.user_cache_dir("yamkit", appauthor=False))


def _home() -> Path | None:
    home = os.environ.get("YAMKIT_HOME")
    if not home:
        return None
    try:
        return Path(home).expanduser()
    except RuntimeError:
        raise StoreError(
            f"YAMKIT_HOME {printable(home)}: no such user; set an absolute path"
        ) from None
