"""The folder that keeps model bundles: what is installed, finding, installing, removing.

The models that come inside the package are found here, too; nobody can replace or remove those.

A model appears and disappears by one renaming, so nobody ever sees half of one. An exchange takes
two, the old one out and the new one in; whatever interrupts it, the old one is put back, by the
next installation or removal if need be.
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
from yamkit.models.bundle import MANIFEST_FILE, ModelBundle, load_bundle
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
"""The model of whoever names none, where it is installed."""

FALLBACK_MODEL = "yamnet-mini"
"""The model of whoever names none, where the other one is not installed: it is always there."""

_REPLACED = ".replaced"  # no name of a model begins with a dot


@dataclass(frozen=True)
class InstalledModel:
    """A folder that is found by name: a bundle, or the problem that keeps it from being one.

    Attributes
    ----------
    name : str
        Name of the folder.
    folder : Path
    bundle : ModelBundle or None
    problem : str or None
        One line; None for a sound bundle.
    is_built_in : bool
        Whether it comes inside the package.
    """

    name: str
    folder: Path
    bundle: ModelBundle | None
    problem: str | None
    is_built_in: bool


def installed() -> list[InstalledModel]:
    """List what lies in the store, broken bundles included, by name.

    A model with the name of one that comes inside the package is listed with that as its problem,
    as it is never found.

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
    """List the models that come inside the package, by name."""
    return [_inspect(folder, is_built_in=True) for folder in _built_in_folders()]


def find_model(name_or_folder: str | os.PathLike[str]) -> ModelBundle:
    """Load a model by name, or a bundle from any folder.

    Parameters
    ----------
    name_or_folder : str or path-like
        A path object, a string with a path separator and a string that begins with a dot are
        folders; any other string is the name of an installed model, or of one that comes inside
        the package.

    Raises
    ------
    UnknownModelError
        If no model has that name.
    BundleError
        If the bundle is not sound.
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
    """Load the model of whoever names none.

    It is the one that ``YAMKIT_MODEL`` names (a name or a folder); without that variable,
    `DEFAULT_MODEL` where it is installed, else `FALLBACK_MODEL`.

    Raises
    ------
    UnknownModelError
        If there is no model of the name in ``YAMKIT_MODEL``.
    BundleError
        If the bundle is not sound.
    StoreError
        If the store cannot be read.
    """
    if chosen := os.environ.get("YAMKIT_MODEL"):
        return find_model(chosen)
    names = {folder.name for folder in _folders()}
    return find_model(DEFAULT_MODEL if DEFAULT_MODEL in names else FALLBACK_MODEL)


def install(name: str, build: Callable[[Path], object], *, replace: bool = False) -> ModelBundle:
    """Install a model whole or not at all, whatever goes wrong.

    Parameters
    ----------
    name : str
        Lower-case letters, digits, ``.``, ``_`` and ``-``.
    build : callable
        Writes the bundle into the empty folder it is given. The folder above is scratch space of
        this installation, for files that begin with a dot, and goes when it ends.
    replace : bool
        Whether a model of that name may be replaced.

    Raises
    ------
    ParameterError
        If the name is not allowed.
    ModelExistsError
        If the name is taken and ``replace`` is false, or a model inside the package has it.
    BundleError
        If what was built is not a sound bundle of that name.
    StoreError
        If the store cannot be written.
    """
    final = models_folder() / check_name(name)
    if name in _built_in_names():
        raise ModelExistsError(
            f"{name!r} is the name of a model that comes with yamkit; choose another with --name"
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
    """Remove a model, sound or broken, and give the folder where it was.

    Raises
    ------
    UnknownModelError
        If no installed model has that name.
    StoreError
        If the store cannot be written, or the model comes inside the package.
    """
    _tidy_up()
    for folder in _folders():
        if folder.name == name:
            break
    else:
        if name in _built_in_names():
            raise StoreError(f"{name} comes with yamkit and cannot be removed")
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
    """Tell whether it is a folder; one that cannot be looked at is listed, and says why."""
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
    except Exception as error:  # damage that no check foresaw: the others are listed all the same
        problem = unforeseen(folder, error)
    return InstalledModel(folder.name, folder, None, problem, is_built_in)


def unforeseen(place: str | os.PathLike[str], error: Exception) -> str:
    """Describe in one line damage to a bundle that no check foresaw."""
    return f"{printable(place)}: damaged ({described(error):.200})"


def _hidden(folder: Path) -> InstalledModel:
    problem = (
        f"{printable(folder)}: never used, as {folder.name} comes with yamkit; remove it with: "
        f"yamkit models remove {folder.name}"
    )
    return InstalledModel(folder.name, folder, None, problem, is_built_in=False)


def _load(folder: Path) -> ModelBundle:
    bundle = load_bundle(folder)
    if bundle.name != folder.name:
        raise BundleError(
            f"{printable(folder)}: its model.toml says that its name is {bundle.name!r}"
        )
    return bundle


def _is_path(text: str) -> bool:
    return text.startswith(".") or any(mark and mark in text for mark in (os.sep, os.altsep))


def _unknown(name: str) -> str:
    names = sorted({*(folder.name for folder in _folders()), *_built_in_names()})
    message = f"no model {name!r} is installed"
    if close := difflib.get_close_matches(name, names, n=1):
        message += f", do you mean {close[0]!r}?"
    return (
        f"{message} (installed: {', '.join(map(printable, names))}); "
        f"`yamkit models pull {DEFAULT_MODEL}` downloads YAMNet, "
        f"`yamkit models import FILE.h5 --name {DEFAULT_MODEL}` takes a file"
    )


def _refuse_existing(final: Path) -> None:
    if os.path.lexists(final):
        raise ModelExistsError(
            f"a model {final.name!r} is installed in {printable(final)}; --replace replaces it"
        )


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """Make a hidden folder in the store, so that renaming out of it stays on one file system."""
    store = models_folder()
    with contextlib.ExitStack() as stack:
        try:
            store.mkdir(parents=True, exist_ok=True)
            scratch = stack.enter_context(working_folder(store))
        except OSError as error:
            raise StoreError(
                f"cannot write the models in {printable(store)}: {_reason(error)}; YAMKIT_HOME "
                "names another place"
            ) from None
        stack.callback(_clear, scratch)
        yield scratch


def _exchange(fresh: Path, final: Path) -> None:
    """Take the old model out and put the fresh one in; `_clear` puts the old one back."""
    replaced = fresh.parent / _REPLACED
    replaced.mkdir()
    if os.path.lexists(final):
        final.rename(replaced / final.name)
    fresh.rename(final)


def _clear(scratch: Path) -> None:
    """Put back a model that was taken out for another that never came, then remove the rest."""
    with contextlib.suppress(OSError):  # what cannot be put back is not removed either
        for old in _waiting(scratch):
            old.rename(scratch.parent / old.name)
        remove_tree(scratch)


def _waiting(scratch: Path) -> list[Path]:
    """List what an exchange took out and nothing came for.

    The fresh model is still in the scratch folder then. Where it is gone, the exchange was
    complete, and if its place is empty, the model was removed since.
    """
    return [
        old
        for old in _listed(scratch / _REPLACED)
        if os.path.lexists(scratch / old.name) and not os.path.lexists(scratch.parent / old.name)
    ]


def _tidy_up() -> None:
    """Clear what installations left that were killed, and put back what they had taken out."""
    for scratch in abandoned(models_folder()):
        _clear(scratch)


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _reason(error: OSError) -> str:
    return error.strerror or printable(str(error))
