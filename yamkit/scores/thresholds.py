"""A threshold is a score, and scores are 0 to 1: one check for all that are given by people."""

from __future__ import annotations

from yamkit.errors import ParameterError

__all__ = ["check_threshold"]


def check_threshold(what: str, value: float) -> float:
    """Give back a threshold that is one.

    Parameters
    ----------
    what : str
        What messages call it; may be empty.
    value : float

    Raises
    ------
    ParameterError
        If it is not 0 to 1. A number up to 100 was probably meant as a percentage.
    """
    if 0 <= value <= 1:
        return value
    hint = f"; did you mean {value / 100:g}?" if 1 < value <= 100 else ""
    raise ParameterError(f"{what} {value:g}: scores are 0 to 1{hint}".lstrip())
