"""How a check fails, or is skipped: what was found, and what the contract expects."""

from __future__ import annotations

import contextlib
import unittest
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NoReturn, TypeVar

from yamkit.registry import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["ContractFailure", "at_once", "expecting", "fail", "require", "skipping"]

_Input = TypeVar("_Input")
_Result = TypeVar("_Result")


class ContractFailure(AssertionError):  # noqa: N818  # what pytest calls a failure
    """A plugin does not keep its contract.

    Attributes
    ----------
    found, expected : str
    """

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(f"found {found}; expected {expected}")
        self.found, self.expected = found, expected


def require(kept: object, found: str, expected: str) -> None:
    """Raise a `ContractFailure` unless `kept` is true."""
    if not kept:
        raise ContractFailure(found, expected)


def fail(found: str, expected: str) -> NoReturn:
    """Raise a `ContractFailure`."""
    raise ContractFailure(found, expected)


@contextlib.contextmanager
def expecting(expected: str, when: str = "") -> Iterator[None]:
    """Raise a `ContractFailure` in place of an exception of the plugin."""
    try:
        yield
    except (unittest.SkipTest, ContractFailure):
        raise
    except Exception as error:
        raise ContractFailure(" ".join([describe(error), when]).strip(), expected) from None


@contextlib.contextmanager
def skipping(reason: str) -> Iterator[None]:
    """Skip a check after an exception that another check reports."""
    try:
        yield
    except unittest.SkipTest:
        raise
    except Exception as error:
        raise unittest.SkipTest(f"{reason}: {describe(error)}") from None


def at_once(function: Callable[[_Input], _Result], inputs: Sequence[_Input]) -> list[_Result]:
    """Call a function for each input, in as many threads as there are inputs."""
    with ThreadPoolExecutor(len(inputs)) as pool:
        return list(pool.map(function, inputs))
