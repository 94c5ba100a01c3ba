"""New plugins: distributions that install, run and pass their tests, to be filled in.

A template is a plugin named `mine` that works as it stands, below ``yamkit/data/templates``; a new
one is a copy with other names.
"""

from __future__ import annotations

import os
import re
import shutil
from importlib.resources import files
from pathlib import Path

from yamkit._util.replace import replaced
from yamkit._util.text import printable
from yamkit.errors import OutputError, ParameterError

__all__ = ["TEMPLATES", "new_plugin"]

TEMPLATES = ("backend", "frontend", "label-reader", "runner", "sink")
"""Kinds that there is a template of."""

_DISTRIBUTION = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PREFIX = "yamkit-"
_RENAMED = {"gitignore": ".gitignore"}  # a build of yamkit would take such a file for its own


def new_plugin(distribution: str, kind: str, parent: Path) -> Path:
    """Make a distribution with a plugin, whole or not at all.

    The plugin is named after the distribution, without ``yamkit-``.

    Parameters
    ----------
    distribution : str
        Lower-case letters, digits and ``-``, such as ``yamkit-mine``.
    kind : str
        One of `TEMPLATES`.
    parent : Path
        Folder to make it in.

    Returns
    -------
    Path
        The new folder, named after the distribution.

    Raises
    ------
    ParameterError
        If the name or the kind is not allowed.
    OutputError
        If the folder exists or cannot be written.
    """
    if kind not in TEMPLATES:
        raise ParameterError(f"kind {kind!r}: wanted one of {', '.join(TEMPLATES)}")
    name = distribution.removeprefix(_PREFIX)
    if not _DISTRIBUTION.fullmatch(distribution) or not _DISTRIBUTION.fullmatch(name):
        raise ParameterError(
            f"distribution {distribution!r}: wanted lower-case letters, digits and '-', such as "
            "yamkit-mine"
        )
    folder = parent / distribution
    if os.path.lexists(folder):
        raise OutputError(f"{printable(folder)}: exists; choose another name or --output")
    words = {
        "yamkit-mine": distribution,
        "yamkit_mine": distribution.replace("-", "_"),
        "mine": name,
        "Mine": "".join(part.title() for part in name.split("-")),
        "MineContract": "".join(part.title() for part in name.split("-")) + "Contract",
        "TestMine": "Test" + "".join(part.title() for part in name.split("-")),
    }
    try:
        with replaced(folder) as fresh:
            for part in ("common", kind):
                shutil.copytree(
                    Path(str(files("yamkit") / "data" / "templates" / part)),
                    fresh,
                    dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("__pycache__"),
                )
            _rename(fresh, words)
    except OSError as error:
        raise OutputError(f"{printable(folder)}: {error.strerror or error}") from None
    return folder


def _rename(folder: Path, words: dict[str, str]) -> None:
    """Put other words for those of the template, in files and in their names."""
    pattern = re.compile("|".join(rf"\b{word}\b" for word in sorted(words, key=len, reverse=True)))
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file():
            text = path.read_text("utf-8")
            path.write_text(pattern.sub(lambda match: words[match[0]], text), "utf-8")
        new = _RENAMED.get(path.name) or words.get(path.name)
        if new is not None:
            path.rename(path.with_name(new))
