"""``yamkit plugins new``: a distribution with the example of a kind, under other names.

The example is in the docstring of the kind's module, such as `yamkit.plugin.backend`: its code
blocks with a title are files. The files that all kinds share are in ``yamkit/data/new-plugin``.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import re
import shutil
from importlib.resources import files
from pathlib import Path

from yamkit._util.replace import replaced
from yamkit._util.text import printable
from yamkit.errors import OutputError, ParameterError
from yamkit.registry import KINDS

__all__ = ["new_plugin"]

_DISTRIBUTION = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PREFIX = "yamkit-"
_FILE = re.compile(r'```python title="([^"]+)"\n(.*?)^```$', re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"```console\n(.*?)\n```", re.DOTALL)
_RENAMED = {"gitignore": ".gitignore"}  # a build of yamkit would obey a file of that name


def new_plugin(distribution: str, kind: str, parent: Path) -> Path:
    """Make a distribution with a plugin, complete or not at all.

    The plugin is named after the distribution, without ``yamkit-``.

    Parameters
    ----------
    distribution : str
        Lower-case letters, digits and ``-``, such as ``yamkit-mine``.
    kind : str
        Kind of the plugin, with ``-`` or a space between words.
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
    kinds = sorted(each.replace(" ", "-") for each in KINDS)
    if kind.replace(" ", "-") not in kinds:
        raise ParameterError(f"kind {kind!r}: must be one of {', '.join(kinds)}")
    name = distribution.removeprefix(_PREFIX)
    if not _DISTRIBUTION.fullmatch(distribution) or not _DISTRIBUTION.fullmatch(name):
        raise ParameterError(
            f"distribution {distribution!r}: must be lower-case letters, digits and '-', such as "
            "yamkit-mine"
        )
    folder = parent / distribution
    if os.path.lexists(folder):
        raise OutputError(f"{printable(folder)}: exists; choose another name or --output")
    try:
        with replaced(folder) as fresh:
            _write_example(fresh, re.sub("[ -]", "_", kind))
            _rename(fresh, distribution, name)
    except OSError as error:
        raise OutputError(f"{printable(folder)}: {error.strerror or error}") from None
    return folder


def _write_example(folder: Path, module: str) -> None:
    """Write the example of a kind, which is named `mine`, and the files of all kinds."""
    source = inspect.getsource(importlib.import_module(f"yamkit.plugin.{module}"))
    example = ast.get_docstring(ast.parse(source)) or ""
    command = _COMMAND.search(example)
    assert command is not None
    shared = Path(str(files("yamkit") / "data" / "new-plugin"))
    shutil.copytree(shared, folder, dirs_exist_ok=True)
    readme = (folder / "README.md").read_text("utf-8")
    readme = readme.replace("SUMMARY", example.partition("\n")[0]).replace("COMMAND", command[1])
    (folder / "README.md").write_text(readme, "utf-8")
    for name, text in _FILE.findall(example):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")


def _rename(folder: Path, distribution: str, name: str) -> None:
    """Replace the names of the example, in files and in their paths."""
    title = "".join(part.title() for part in name.split("-"))
    names = {
        "yamkit-mine": distribution,
        "yamkit_mine": distribution.replace("-", "_"),
        "mine": name,
        "Mine": title,
        "MineContract": f"{title}Contract",
        "TestMine": f"Test{title}",
    }
    pattern = re.compile("|".join(rf"\b{word}\b" for word in sorted(names, key=len, reverse=True)))
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file():
            text = path.read_text("utf-8")
            path.write_text(pattern.sub(lambda match: names[match[0]], text), "utf-8")
        new = _RENAMED.get(path.name) or names.get(path.name)
        if new is not None:
            path.rename(path.with_name(new))
