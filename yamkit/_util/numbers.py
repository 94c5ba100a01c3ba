"""Numbers from users: in text, read strictly, and as values of any type.

Python also accepts ``0_1``, ``nan`` and digits of any script in text.
"""

from __future__ import annotations

import math
import operator
import re

__all__ = ["integer_of", "real_number", "whole_number"]

_REAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


def real_number(text: str) -> float | None:
    """Return the finite number that a text is, which may have spaces around it; else None."""
    number = float(text) if _REAL.fullmatch(text.strip()) else math.inf
    return number if math.isfinite(number) else None


def whole_number(text: str) -> int | None:
    """Return the whole number of at most 18 digits that a text is; else None."""
    return int(text) if _WHOLE.fullmatch(text) else None


def integer_of(value: object) -> int | None:
    """Return the int that a value of an integer type is, NumPy's included; else None."""
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None
