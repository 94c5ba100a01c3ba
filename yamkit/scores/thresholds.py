"""Thresholds: the check of their range, and the enter and leave threshold of each class.

An event is entered at one threshold and left at another. A class with its own threshold is entered
there and left at that threshold times ``leave / enter`` of the other classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from yamkit.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from yamkit.types import EventParameters

__all__ = ["check_threshold", "check_threshold_pairs", "event_thresholds"]


def check_threshold(what: str, value: float) -> float:
    """Return `value` if it is a valid threshold.

    Parameters
    ----------
    what : str
        Its name in messages; may be empty.
    value : float

    Raises
    ------
    ParameterError
        If it is not in 0-1. For a number up to 100, which may be a percentage, the message suggests
        the fraction.
    """
    if 0 <= value <= 1:
        return value
    hint = f"; did you mean {value / 100:g}?" if 1 < value <= 100 else ""
    raise ParameterError(f"{what} {value:g}: must be between 0 and 1{hint}".lstrip())


def event_thresholds(
    parameters: EventParameters, own: Sequence[float | None]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the enter and leave thresholds of several columns.

    Parameters
    ----------
    parameters : EventParameters
    own : sequence of float or None
        Enter threshold of each of K columns; None for that of the parameters.

    Returns
    -------
    enter, leave : ndarray, float64 [K]
    """
    enter = [parameters.enter if level is None else level for level in own]
    leave = [parameters.leave if level is None else level * parameters.leave_ratio for level in own]
    return np.array(enter, np.float64), np.array(leave, np.float64)


def check_threshold_pairs(enter: NDArray[np.floating], leave: NDArray[np.floating]) -> None:
    """Check the thresholds of K columns.

    Raises
    ------
    ParameterError
        If a threshold is not finite, or a leave threshold exceeds its enter threshold.
    """
    wrong = np.flatnonzero(~(np.isfinite(enter) & np.isfinite(leave) & (leave <= enter)))
    if len(wrong):
        high, low = float(enter[wrong[0]]), float(leave[wrong[0]])
        if np.isfinite(high) and np.isfinite(low):
            raise ParameterError(f"leave threshold {low:g} exceeds enter threshold {high:g}")
        raise ParameterError(
            f"enter threshold {high:g}, leave threshold {low:g}: must be finite numbers"
        )
