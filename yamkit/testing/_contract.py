"""The contract of all kinds of plugin.

A check is a method ``test_...``. It finds the plugin by its entry points, not through the registry:
a fault that keeps the plugin from being used still fails only the check for it.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import importlib.util
import inspect
import subprocess
import sys
import unittest
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from yamkit.plugin import API_VERSION, PluginInfo
from yamkit.registry import GROUP, KINDS, describe, hooks_of, import_reference
from yamkit.testing._failures import ContractFailure, expecting, require, skipping

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["PluginContract", "checks_of"]

_LIGHT = """
import sys
import yamkit.plugin
before = set(sys.modules)
import importlib
importlib.import_module({module!r})
own = {module!r}.partition(".")[0]
known = {{own, "yamkit", *sys.stdlib_module_names}}
print(*sorted({{name.partition(".")[0] for name in set(sys.modules) - before}} - known))
"""


class PluginContract:
    """The contract of every plugin; the contracts of the kinds inherit it.

    Attributes
    ----------
    plugin : str
        Name of the installed plugin.
    kind : str
        Kind of the plugin, as ``yamkit plugins`` shows it.
    expected_failures : mapping of str to str
        Checks that are known to fail, by name without ``test_``, with the reason. It is a failure
        if one of them passes.
    """

    plugin: ClassVar[str] = ""
    kind: ClassVar[str] = ""
    expected_failures: ClassVar[Mapping[str, str]] = {}

    _held: ClassVar[Any] = None
    _offers: ClassVar[list[tuple[importlib.metadata.EntryPoint, PluginInfo]] | None] = None

    def __init_subclass__(cls) -> None:
        """Mark expected failures for pytest."""
        super().__init_subclass__()
        cls._held = cls._offers = None
        checks = dict(checks_of(cls))
        for name, reason in cls.expected_failures.items():
            if name not in checks:
                names = ", ".join(checks)
                raise TypeError(
                    f"expected_failures of {cls.__name__}: {name!r} must be one of {names}"
                )
            setattr(cls, f"test_{name}", _expecting_failure(checks[name], reason))
        for name in checks.keys() - cls.expected_failures.keys():
            if getattr(cls, f"test_{name}") is not checks[name]:  # a parent class expected it
                setattr(cls, f"test_{name}", checks[name])

    @classmethod
    def teardown_class(cls) -> None:
        """Close the implementation that the checks have shared."""
        with contextlib.suppress(Exception):  # a check has reported it
            cls._release()

    # --- what the checks use ---------------------------------------------------------------------

    @classmethod
    def found(cls) -> list[tuple[importlib.metadata.EntryPoint, PluginInfo]]:
        """Return the entry points that offer the plugin, with its descriptors."""
        if cls._offers is None:
            # output of a plugin's module must not mix with a result
            with contextlib.redirect_stdout(sys.stderr):
                cls._offers = _found(cls.kind, cls.plugin)
        return cls._offers

    @classmethod
    def info(cls) -> Any:
        """Return the plugin's descriptor; skip the check if there is none."""
        offers = cls.found()
        if not offers:
            raise unittest.SkipTest(f"no entry point offers the {cls.kind} {cls.plugin!r}")
        return offers[0][1]

    @classmethod
    def factory(cls) -> Callable[..., Any]:
        """Return the factory; skip the check if it, or a package that it requires, is missing."""
        info = cls.info()
        missing = [name for name in info.requires if importlib.util.find_spec(name) is None]
        if missing:
            hint = f": pip install '{info.install}'" if info.install else ""
            raise unittest.SkipTest(f"needs {', '.join(missing)}{hint}")
        try:
            return import_reference(info.factory)
        except (Exception, SystemExit):
            raise unittest.SkipTest("the factory cannot be imported") from None

    @classmethod
    def make(cls) -> Any:
        """Make an implementation, as the core does."""
        raise NotImplementedError

    @classmethod
    def opened(cls) -> Any:
        """Return an implementation that the checks share; skip the check if it cannot be made."""
        if cls._held is None:
            with skipping("the plugin does not open"):
                cls._held = cls.make()
        return cls._held

    @classmethod
    def _release(cls) -> None:
        held, cls._held = cls._held, None
        cls._discard(held)

    @classmethod
    def _discard(cls, made: Any) -> None:
        if hasattr(made, "close"):
            made.close()

    # --- the checks ------------------------------------------------------------------------------

    def test_one_entry_point(self) -> None:
        """One entry point of one distribution offers the name."""
        offers = self.found()
        who = ", ".join(_origin(point) for point, _ in offers) or "none"
        require(len(offers) == 1, f"{len(offers)} entry points ({who})", "one")

    def test_light_module(self) -> None:
        """The entry point's module imports only the plugin API and the standard library.

        yamkit imports it whenever it looks for plugins, even if this one is not used.
        """
        offers = self.found()
        if not offers:
            raise unittest.SkipTest(f"no entry point offers the {self.kind} {self.plugin!r}")
        code = _LIGHT.format(module=offers[0][0].module)
        path = [each for each in sys.path if each]
        done = subprocess.run(  # noqa: S603  # this Python, with the code above
            [sys.executable, "-c", f"import sys; sys.path[:] = {path!r}\n{code}"],
            capture_output=True,
            text=True,
            check=False,
        )
        line = (done.stderr.strip().splitlines() or [""])[-1]
        require(done.returncode == 0, f"an error in a new process: {line}", "an import")
        imports = done.stdout.strip()
        expected = "only yamkit.plugin and the standard library"
        require(not imports, f"imports of {imports}", expected)

    def test_api_number(self) -> None:
        """The plugin is written for the API number of this yamkit."""
        require(self.info().api == API_VERSION, f"api={self.info().api!r}", f"{API_VERSION}")

    def test_factory_resolves(self) -> None:
        """The factory of the descriptor can be imported, and is callable."""
        info = self.info()
        try:
            import_reference(info.factory)
        except (Exception, SystemExit) as error:
            raise ContractFailure(f"{info.factory!r}: {describe(error)}", "a callable") from None

    def test_opens(self) -> None:
        """The factory returns an object with the methods of its protocol."""
        with expecting(f"a {self.kind}"):
            made = self.make()
        missing = [name for name in self._methods() if not callable(getattr(made, name, None))]
        require(not missing, f"no method {', '.join(missing)}", ", ".join(self._methods()))
        self._discard(made)

    @classmethod
    def _methods(cls) -> tuple[str, ...]:
        raise NotImplementedError


def checks_of(contract: type[PluginContract]) -> list[tuple[str, Callable[..., None]]]:
    """Return the checks of a contract by name, those of all plugins first.

    Methods that expect to fail are returned without that expectation.
    """
    names: dict[str, None] = {}
    for base in reversed(contract.__mro__):
        names.update(dict.fromkeys(name for name in vars(base) if name.startswith("test_")))
    return [(name.removeprefix("test_"), inspect.unwrap(getattr(contract, name))) for name in names]


def _expecting_failure(method: Callable[..., None], reason: str) -> Callable[..., None]:
    @functools.wraps(method)
    def check(self: PluginContract) -> None:
        try:
            method(self)
        except unittest.SkipTest:
            raise
        except Exception:
            _expected_failure(reason)
        raise ContractFailure("a pass", f"the expected failure: {reason}")

    return check


def _expected_failure(reason: str) -> NoReturn:
    import pytest  # only pytest calls this, so it is installed

    pytest.xfail(reason)


def _found(kind: str, name: str) -> list[tuple[importlib.metadata.EntryPoint, PluginInfo]]:
    return [
        (point, info)
        for point in importlib.metadata.entry_points(group=GROUP)
        for info in _descriptors(point, KINDS[kind][0])
        if getattr(info, "name", None) == name
    ]


def _descriptors(point: importlib.metadata.EntryPoint, hook: str) -> list[PluginInfo]:
    """Return what a hook of an entry point yields; nothing if it is broken."""
    try:
        return [
            info
            for name, implementation in hooks_of(point.load())
            if name == hook
            for info in implementation()
        ]
    except (Exception, SystemExit):
        return []


def _origin(point: importlib.metadata.EntryPoint) -> str:
    return f"{point.dist.name if point.dist else 'unknown'}:{point.name}"
