"""The folder of installed model bundles: list, find, install, remove.

Built-in models are found here too; they cannot be replaced or removed.

One rename installs or removes a model, so no process sees half of one. A replacement takes two, the
old model out and the new one in; if it is interrupted, the old model is put back, by the next
installation or removal at the latest.
"""

from __future__ import annotations

import contextlib
import difflib
import os
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from yamkit._util.replace import abandoned, working_folder
from yamkit._util.text import described, printable
from yamkit._util.trees import remove_tree
from yamkit.errors import (
    BundleError,
    ModelExistsError,
    StoreError,
    UnknownModelError,
    YamkitError,
)
from yamkit.models.bundle import ModelBundle, load_bundle
from yamkit.models.bundle_files import MANIFEST_FILE
from yamkit.models.folders import cache_folder, models_folder
from yamkit.models.manifest import check_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "DEFAULT_MODEL",
    "FALLBACK_MODEL",
    "InstalledModel",
    "built_in",
    "cache_folder",
    "default_model",
    "find_model",
    "install",
    "installed",
    "models_folder",
    "remove_model",
    "unforeseen",
]

DEFAULT_MODEL = "yamnet"
"""The model that is used if none is named and this one is installed."""

FALLBACK_MODEL = "yamnet-mini"
"""The model that is used if none is named and `DEFAULT_MODEL` is not installed: a built-in one."""

_REPLACED = ".replaced"  # model names do not begin with a dot


@dataclass(frozen=True)
class InstalledModel:
    """A folder in the store: a bundle, or the reason why it is not one.

    Attributes
    ----------
    name : str
        Name of the folder.
    folder : Path
    bundle : ModelBundle or None
    problem : str or None
        One line; None for a valid bundle.
    is_built_in : bool
        Whether it is part of the package.
    """

    name: str
    folder: Path
    bundle: ModelBundle | None
    problem: str | None
    is_built_in: bool


def installed() -> list[InstalledModel]:
    """List the installed models by name, broken bundles included.

    A model with the name of a built-in one is never used; it is listed with that as its problem.

    Raises
    ------
    StoreError
        If the store cannot be read.
    """
    hidden = _built_in_names()
    return [
        _hidden(folder) if folder.name in hidden else _inspect(folder, is_built_in=False)
        for folder in _folders()
    ]


def built_in() -> list[InstalledModel]:
    """List the built-in models by name."""
    return [_inspect(folder, is_built_in=True) for folder in _built_in_folders()]


def find_model(name_or_folder: str | os.PathLike[str]) -> ModelBundle:
    """Load an installed model by name, or a bundle from any folder.

    Parameters
    ----------
    name_or_folder : str or path-like
        A path object, a string with a path separator and a string that begins with a dot are
        folders; any other string is the name of an installed or built-in model.

    Raises
    ------
    UnknownModelError
        If no model has that name.
    BundleError
        If the bundle is invalid.
    StoreError
        If the store cannot be read.
    """
    if not isinstance(name_or_folder, str) or _is_path(name_or_folder):
        return load_bundle(name_or_folder)
    for folders in (_built_in_folders, _folders):
        for folder in folders():
            if folder.name == name_or_folder:
                return _load(folder)
    raise UnknownModelError(_unknown(name_or_folder))


def default_model() -> ModelBundle:
    """Load the model that is used if none is named.

    ``YAMKIT_MODEL`` names it (a name or a folder); without that variable it is `DEFAULT_MODEL` if
    installed, else `FALLBACK_MODEL`.

    Raises
    ------
    UnknownModelError
        If no model has the name in ``YAMKIT_MODEL``.
    BundleError
        If the bundle is invalid.
    StoreError
        If the store cannot be read.
    """
    if chosen := os.environ.get("YAMKIT_MODEL"):
        return find_model(chosen)
    names = {folder.name for folder in _folders()}
    return find_model(DEFAULT_MODEL if DEFAULT_MODEL in names else FALLBACK_MODEL)


def install(name: str, build: Callable[[Path], object], *, replace: bool = False) -> ModelBundle:
    """Install a model whole or not at all.

    Parameters
    ----------
    name : str
        Lower-case letters, digits, ``.``, ``_`` and ``-``.
    build : callable
        Receives an empty folder and writes the bundle into it. The parent folder is scratch space
        of this installation, for files that begin with a dot; it is removed at the end.
    replace : bool
        Whether a model of that name may be replaced.

    Raises
    ------
    ParameterError
        If the name is not allowed.
    ModelExistsError
        If the name is taken and ``replace`` is false, or a built-in model has it.
    BundleError
        If the result is not a valid bundle of that name.
    StoreError
        If the store cannot be written.
    """
    final = models_folder() / check_name(name)
    if name in _built_in_names():
        raise ModelExistsError(
            f"model name {name!r}: taken by a built-in model; choose another with --name"
        )
    _tidy_up()
    if not replace:
        _refuse_existing(final)
    with _scratch() as scratch:
        fresh = scratch / name
        try:
            fresh.mkdir()
            build(fresh)
            _load(fresh)
            if replace:
                _exchange(fresh, final)
            else:
                _refuse_existing(final)
                fresh.rename(final)
        except YamkitError:
            raise
        except OSError as error:
            raise StoreError(
                f"cannot install {name} in {printable(final)}: {_reason(error)}"
            ) from None
    return load_bundle(final)


def remove_model(name: str) -> Path:
    """Remove a model, valid or broken, and return the folder where it was.

    Raises
    ------
    UnknownModelError
        If no installed model has that name.
    StoreError
        If the store cannot be written, or the model is built in.
    """
    _tidy_up()
    for folder in _folders():
        if folder.name == name:
            break
    else:
        if name in _built_in_names():
            raise StoreError(f"model {name!r} is built in and cannot be removed")
        raise UnknownModelError(_unknown(name))
    with _scratch() as scratch:
        try:
            folder.rename(scratch / name)
        except OSError as error:
            raise StoreError(f"cannot remove {printable(folder)}: {_reason(error)}") from None
    return folder


def _folders() -> list[Path]:
    store = models_folder()
    try:
        return sorted(
            folder for folder in store.iterdir() if folder.name[0] != "." and _is_folder(folder)
        )
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(
            f"cannot read the models in {printable(store)}: {_reason(error)}"
        ) from None


def _is_folder(path: Path) -> bool:
    """Return whether a path is a folder; one that cannot be examined is listed with the reason."""
    try:
        return path.is_dir()
    except OSError:
        return True


def _built_in_folders() -> list[Path]:
    folder = Path(str(files("yamkit") / "data" / "models"))
    return sorted(path for path in folder.iterdir() if (path / MANIFEST_FILE).is_file())


def _built_in_names() -> list[str]:
    return [folder.name for folder in _built_in_folders()]


def _inspect(folder: Path, *, is_built_in: bool) -> InstalledModel:
    try:
        return InstalledModel(folder.name, folder, _load(folder), None, is_built_in)
    except BundleError as error:
        problem = str(error)
    except Exception as error:  # unforeseen damage must not hide the other models
        problem = unforeseen(folder, error)
    return InstalledModel(folder.name, folder, None, problem, is_built_in)


def unforeseen(place: str | os.PathLike[str], error: Exception) -> str:
    """Return one line for a bundle that is damaged in a way that no check covers."""
    return f"{printable(place)}: damaged ({described(error):.200})"


def _hidden(folder: Path) -> InstalledModel:
    problem = (
        f"{printable(folder)}: never used, since {folder.name} is built in; remove it: "
        f"yamkit models remove {folder.name}"
    )
    return InstalledModel(folder.name, folder, None, problem, is_built_in=False)


def _load(folder: Path) -> ModelBundle:
    bundle = load_bundle(folder)
    if bundle.name != folder.name:
        raise BundleError(
            f"{printable(folder)}: name {bundle.name!r} in model.toml: must be the name of the "
            "folder"
        )
    return bundle


def _is_path(text: str) -> bool:
    return text.startswith(".") or any(mark and mark in text for mark in (os.sep, os.altsep))


def _unknown(name: str) -> str:
    names = sorted({*(folder.name for folder in _folders()), *_built_in_names()})
    message = f"model {name!r} is not installed"
    if close := difflib.get_close_matches(name, names, n=1):
        message += f"; did you mean {close[0]!r}?"
    return (
        f"{message} (installed: {', '.join(map(printable, names))}); "
        f"`yamkit models pull {DEFAULT_MODEL}` downloads YAMNet, "
        f"`yamkit models import FILE.h5 --name {DEFAULT_MODEL}` installs a file"
    )


def _refuse_existing(final: Path) -> None:
    if os.path.lexists(final):
        raise ModelExistsError(
            f"model {final.name!r} is already installed in {printable(final)}; --replace replaces "
            "it"
        )


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """Make a hidden folder in the store, so that a rename out of it stays on one file system."""
    store = models_folder()
    with contextlib.ExitStack() as stack:
        try:
            store.mkdir(parents=True, exist_ok=True)
            scratch = stack.enter_context(working_folder(store))
        except OSError as error:
            raise StoreError(
                f"cannot write the models in {printable(store)}: {_reason(error)}; YAMKIT_HOME "
                "sets another folder"
            ) from None
        stack.callback(_clear, scratch)
        yield scratch


def _exchange(fresh: Path, final: Path) -> None:
    """Move the old model out and the new one in; `_clear` puts the old one back after a failure."""
    replaced = fresh.parent / _REPLACED
    replaced.mkdir()
    if os.path.lexists(final):
        final.rename(replaced / final.name)
    fresh.rename(final)


def _clear(scratch: Path) -> None:
    """Put back a model whose replacement failed, then remove the scratch folder."""
    with contextlib.suppress(OSError):  # do not remove what cannot be put back
        for old in _waiting(scratch):
            old.rename(scratch.parent / old.name)
        remove_tree(scratch)


def _waiting(scratch: Path) -> list[Path]:
    """List the models that a replacement moved out, where the new model did not take their place.

    The new model is then still in the scratch folder. If it is not, the replacement was complete,
    and an empty place means that the model was removed later.
    """
    return [
        old
        for old in _listed(scratch / _REPLACED)
        if os.path.lexists(scratch / old.name) and not os.path.lexists(scratch.parent / old.name)
    ]


def _tidy_up() -> None:
    """Clear what killed installations left, and put back the models they had taken out."""
    for scratch in abandoned(models_folder()):
        _clear(scratch)


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _reason(error: OSError) -> str:
    return error.strerror or printable(str(error))
