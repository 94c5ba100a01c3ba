from __future__ import annotations

import warnings

import pytest

from yamkit import _deprecation
from yamkit._deprecation import deprecated


@deprecated(since="0.1", instead="new()")
def old(number: int, *, by: int = 1) -> int:
    """Add."""
    return number + by


def test_a_deprecated_name_works_and_says_so_once(monkeypatch) -> None:
    monkeypatch.setattr(_deprecation, "_told", set())
    with pytest.warns(
        DeprecationWarning, match=r"\.old is deprecated since yamkit 0\.1: use new"
    ) as told:
        assert old(1, by=2) == 3
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert old(1) == 2
    assert old.__doc__ == "Add."
