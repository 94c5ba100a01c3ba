"""What is reported of a model's scores."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from yamkit.errors import ParameterError
from yamkit.scores.event_parameters import check_parameters
from yamkit.scores.postprocessing import Postprocessing
from yamkit.scores.thresholds import check_threshold

if TYPE_CHECKING:
    from yamkit.types import EventParameters

__all__ = ["Choice"]


@dataclass(frozen=True)
class Choice:
    """What is reported of the scores.

    Attributes
    ----------
    top : int or None
        Most tags of a clip or patch; None for all.
    threshold : float or None
        Lowest score reported; None for any.
    per_patch : bool
        Whether patches are reported beside clips.
    arrays : tuple of str
        Whether ``scores`` and ``embedding`` are given whole: of patches where these are reported,
        else of clips.
    dtype : str
        Of the arrays.
    events : EventParameters or None
        Events are reported beside clips, in place of patches.
    classes : tuple of int or None
        Indices of the classes that can be reported; None for all.
    postprocessing : Postprocessing
        How scores are read, those of arrays as well.
    strict : bool
        A clip with warnings fails.
    label_scores : bool
        Formats whose labels are bare names write scores behind them.

    Raises
    ------
    ParameterError
        If a number is out of its range.
    """

    top: int | None = 5
    threshold: float | None = None
    per_patch: bool = False
    arrays: tuple[str, ...] = ()
    dtype: str = "float16"
    events: EventParameters | None = None
    classes: tuple[int, ...] | None = None
    postprocessing: Postprocessing = field(default_factory=Postprocessing)
    strict: bool = False
    label_scores: bool = False

    def __post_init__(self) -> None:
        if self.top is not None and self.top < 1:
            raise ParameterError(f"top {self.top}: wanted 1 or more")
        if self.threshold is not None:
            check_threshold("threshold", self.threshold)
        if self.events is not None:
            check_parameters(self.events)
            if self.per_patch:
                raise ParameterError("events and patches at once; wanted --events or --per-patch")
