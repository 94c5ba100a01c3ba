"""What all kinds of plugin promise, and how checks are found, run and told.

A check is a method ``test_...``. It finds the plugin by its entry points, not through the registry,
so that a fault which keeps the plugin from being used still fails one check, and no other.
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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar

from yamkit.plugin import API_VERSION, PluginInfo
from yamkit.registry import GROUP, KINDS, describe, hooks_of, import_entrance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = [
    "Check",
    "ContractFailure",
    "PluginContract",
    "at_once",
    "fail",
    "promised",
    "require",
    "run_contract",
    "skipping",
]

_Input = TypeVar("_Input")
_Result = TypeVar("_Result")

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


class ContractFailure(AssertionError):  # noqa: N818  # what pytest calls a failure
    """A promise that is not kept: what was seen, and what was wanted."""

    def __init__(self, seen: str, wanted: str) -> None:
        super().__init__(f"seen {seen}; wanted {wanted}")
        self.seen, self.wanted = seen, wanted


def require(kept: object, seen: str, wanted: str) -> None:
    """Fail unless a promise is kept."""
    if not kept:
        raise ContractFailure(seen, wanted)


def fail(seen: str, wanted: str) -> NoReturn:
    """Fail."""
    raise ContractFailure(seen, wanted)


@contextlib.contextmanager
def promised(wanted: str, when: str = "") -> Iterator[None]:
    """Turn whatever a plugin raises into what was seen."""
    try:
        yield
    except (unittest.SkipTest, ContractFailure):
        raise
    except Exception as error:
        raise ContractFailure(" ".join([describe(error), when]).strip(), wanted) from None


@contextlib.contextmanager
def skipping(reason: str) -> Iterator[None]:
    """Skip a check that needs something that another check is about."""
    try:
        yield
    except unittest.SkipTest:
        raise
    except Exception as error:
        raise unittest.SkipTest(f"{reason}: {describe(error)}") from None


def at_once(function: Callable[[_Input], _Result], inputs: Sequence[_Input]) -> list[_Result]:
    """Call a function in as many threads as there are inputs."""
    with ThreadPoolExecutor(len(inputs)) as pool:
        return list(pool.map(function, inputs))


@dataclass(frozen=True)
class Check:
    """What became of one check.

    Attributes
    ----------
    name : str
        Of the method, without ``test_``.
    state : {"pass", "fail", "expected", "skip"}
    note : str
        What was seen and wanted, or why it was skipped or expected to fail.
    """

    name: str
    state: str
    note: str = ""


class PluginContract:
    """What every plugin promises; the contracts of the kinds inherit it.

    Attributes
    ----------
    plugin : str
        Name of the installed plugin.
    kind : str
        Of the plugin, as ``yamkit plugins`` has it.
    expected_failures : mapping of str to str
        Why a check is known to fail, by its name without ``test_``. One that passes is a failure.
    """

    plugin: ClassVar[str] = ""
    kind: ClassVar[str] = ""
    expected_failures: ClassVar[Mapping[str, str]] = {}

    _held: ClassVar[Any] = None
    _offers: ClassVar[list[tuple[importlib.metadata.EntryPoint, PluginInfo]] | None] = None

    def __init_subclass__(cls) -> None:
        """Turn expected failures into what pytest calls so."""
        super().__init_subclass__()
        cls._held = cls._offers = None
        checks = dict(_methods(cls))
        for name, reason in cls.expected_failures.items():
            if name not in checks:
                names = ", ".join(checks)
                raise TypeError(f"{cls.__name__}: no check {name!r} to expect; there are: {names}")
            setattr(cls, f"test_{name}", _expecting(checks[name], reason))
        for name in checks.keys() - cls.expected_failures.keys():
            if getattr(cls, f"test_{name}") is not checks[name]:  # a parent expected it
                setattr(cls, f"test_{name}", checks[name])

    @classmethod
    def teardown_class(cls) -> None:
        """Close what the checks have used."""
        with contextlib.suppress(Exception):  # a check has said so
            cls._release()

    # --- what the checks use ---------------------------------------------------------------------

    @classmethod
    def found(cls) -> list[tuple[importlib.metadata.EntryPoint, PluginInfo]]:
        """Find the entry points that offer the plugin, and its descriptors."""
        if cls._offers is None:
            # what a stranger's module prints would stand in the middle of a result
            with contextlib.redirect_stdout(sys.stderr):
                cls._offers = _found(cls.kind, cls.plugin)
        return cls._offers

    @classmethod
    def info(cls) -> Any:
        """Give the plugin's descriptor; a check without one is skipped."""
        offers = cls.found()
        if not offers:
            raise unittest.SkipTest(f"no {cls.kind} {cls.plugin!r} is offered")
        return offers[0][1]

    @classmethod
    def factory(cls) -> Callable[..., Any]:
        """Give the factory; a check is skipped where it, or a package that it needs, is missing."""
        info = cls.info()
        missing = [name for name in info.requires if importlib.util.find_spec(name) is None]
        if missing:
            hint = f": pip install '{info.install}'" if info.install else ""
            raise unittest.SkipTest(f"needs {', '.join(missing)}{hint}")
        try:
            return import_entrance(info.factory)
        except (Exception, SystemExit):
            raise unittest.SkipTest("the factory does not resolve") from None

    @classmethod
    def make(cls) -> Any:
        """Make one implementation, as the core would."""
        raise NotImplementedError

    @classmethod
    def opened(cls) -> Any:
        """Give an implementation that the checks share; a check is skipped where there is none."""
        if cls._held is None:
            with skipping("it does not open"):
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
        """The entry point's module imports the plugin API and the standard library alone.

        yamkit imports it whenever it looks for plugins, whether this one is used or not.
        """
        offers = self.found()
        if not offers:
            raise unittest.SkipTest(f"no {self.kind} {self.plugin!r} is offered")
        code = _LIGHT.format(module=offers[0][0].module)
        path = [each for each in sys.path if each]
        done = subprocess.run(  # noqa: S603  # this Python, and code of ours
            [sys.executable, "-c", f"import sys; sys.path[:] = {path!r}\n{code}"],
            capture_output=True,
            text=True,
            check=False,
        )
        line = (done.stderr.strip().splitlines() or [""])[-1]
        require(done.returncode == 0, f"a fresh process that fails: {line}", "an import")
        wanted = "yamkit.plugin and the standard library alone"
        require(not done.stdout.strip(), f"imports of {done.stdout.strip()}", wanted)

    def test_api_number(self) -> None:
        """The plugin is written for the protocols of this yamkit."""
        require(self.info().api == API_VERSION, f"api={self.info().api!r}", f"{API_VERSION}")

    def test_factory_resolves(self) -> None:
        """What the descriptor names can be imported, and called."""
        info = self.info()
        try:
            import_entrance(info.factory)
        except (Exception, SystemExit) as error:
            raise ContractFailure(f"{info.factory!r}: {describe(error)}", "a callable") from None

    def test_opens(self) -> None:
        """The factory makes something that has the methods of its protocol."""
        with promised(f"a {self.kind}"):
            made = self.make()
        missing = [name for name in self._methods() if not callable(getattr(made, name, None))]
        require(not missing, f"no method {', '.join(missing)}", ", ".join(self._methods()))
        self._discard(made)

    @classmethod
    def _methods(cls) -> tuple[str, ...]:
        raise NotImplementedError


def run_contract(contract: type[PluginContract]) -> Iterator[Check]:
    """Run the checks of a contract, as they stand in it, without pytest.

    Yields
    ------
    Check
        As soon as it is done.
    """
    try:
        for name, method in _methods(contract):
            reason = contract.expected_failures.get(name)
            try:
                method(contract())
            except unittest.SkipTest as skip:
                yield Check(name, "skip", str(skip))
            except (Exception, SystemExit) as error:
                note = str(error) if isinstance(error, ContractFailure) else _raised(error)
                yield (
                    Check(name, "fail", note)
                    if reason is None
                    else Check(name, "expected", f"{reason} ({note})")
                )
            else:
                yield (
                    Check(name, "pass")
                    if reason is None
                    else Check(name, "fail", f"seen a pass; wanted the expected failure: {reason}")
                )
    finally:
        contract.teardown_class()


def _methods(contract: type[PluginContract]) -> list[tuple[str, Callable[..., None]]]:
    """List the checks of a contract, what all plugins promise first; none expects to fail."""
    names: dict[str, None] = {}
    for base in reversed(contract.__mro__):
        names.update(dict.fromkeys(name for name in vars(base) if name.startswith("test_")))
    return [(name.removeprefix("test_"), inspect.unwrap(getattr(contract, name))) for name in names]


def _expecting(method: Callable[..., None], reason: str) -> Callable[..., None]:
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
    import pytest  # it runs these, or nothing would call them

    pytest.xfail(reason)


def _found(kind: str, name: str) -> list[tuple[importlib.metadata.EntryPoint, PluginInfo]]:
    return [
        (point, info)
        for point in importlib.metadata.entry_points(group=GROUP)
        for info in _descriptors(point, KINDS[kind][0])
        if getattr(info, "name", None) == name
    ]


def _descriptors(point: importlib.metadata.EntryPoint, hook: str) -> list[PluginInfo]:
    """Ask a hook of one entry point; one that is broken offers nothing."""
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


def _raised(error: BaseException) -> str:
    return f"seen {describe(error)}; wanted no exception"
