"""The contracts of import-linter name every package, so that a new one cannot escape them."""

from __future__ import annotations

import configparser
import importlib
import pkgutil
from importlib.metadata import entry_points
from pathlib import Path

import yamkit

ROOT = Path(__file__).resolve().parent.parent
PUBLIC = {"errors", "features", "networks", "plugin", "schema", "types"}
"""What plugins may import at run time; `yamkit.testing` is for their tests."""

CONTRACTS = configparser.ConfigParser()
CONTRACTS.read(ROOT / ".importlinter")


def names(contract: str, field: str) -> set[str]:
    return set(CONTRACTS[f"importlinter:contract:{contract}"][field].split())


def plugins() -> set[str]:
    """The modules of the built-in plugins, by their entry points."""
    own = [p for p in entry_points(group="yamkit") if p.dist and p.dist.name == "yamkit"]
    return {point.module for point in own}


def core() -> set[str]:
    modules = {f"yamkit.{module.name}" for module in pkgutil.iter_modules(yamkit.__path__)}
    return modules - plugins() - {"yamkit.__main__"}


def test_the_contracts_name_every_plugin() -> None:
    assert names("plugins", "source_modules") == plugins()
    assert names("core", "forbidden_modules") == plugins()
    assert names("independence", "modules") == plugins()


def test_the_core_is_every_other_package() -> None:
    assert names("core", "source_modules") == core()


def test_plugins_may_import_only_what_is_public() -> None:
    assert names("plugins", "forbidden_modules") == core() - {f"yamkit.{name}" for name in PUBLIC}
    page = (ROOT / "docs" / "reference" / "plugins" / "index.md").read_text()
    for name in PUBLIC:
        assert importlib.import_module(f"yamkit.{name}").__all__
        assert f"`yamkit.{name}`" in page
