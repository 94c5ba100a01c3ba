"""Runs the checks of a contract without pytest, for ``yamkit plugins check``."""

from __future__ import annotations

import unittest
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yamkit.registry import describe
from yamkit.testing._contract import checks_of
from yamkit.testing._failures import ContractFailure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yamkit.testing._contract import PluginContract

__all__ = ["Check", "run_contract"]


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes
    ----------
    name : str
        Name of the method, without ``test_``.
    state : {"pass", "fail", "expected", "skip"}
    note : str
        What was found and expected, or why the check was skipped or expected to fail.
    """

    name: str
    state: str
    note: str = ""


def run_contract(contract: type[PluginContract]) -> Iterator[Check]:
    """Run the checks of a contract, in their order.

    Yields
    ------
    Check
        As soon as it is done.
    """
    try:
        for name, method in checks_of(contract):
            reason = contract.expected_failures.get(name)
            try:
                method(contract())
            except unittest.SkipTest as skip:
                yield Check(name, "skip", str(skip))
            except (Exception, SystemExit) as error:
                is_failure = isinstance(error, ContractFailure)
                note = str(
                    error if is_failure else ContractFailure(describe(error), "no exception")
                )
                if reason is None:
                    yield Check(name, "fail", note)
                else:
                    yield Check(name, "expected", f"{reason} ({note})")
            else:
                if reason is None:
                    yield Check(name, "pass")
                else:
                    passed = ContractFailure("a pass", f"the expected failure: {reason}")
                    yield Check(name, "fail", str(passed))
    finally:
        contract.teardown_class()
