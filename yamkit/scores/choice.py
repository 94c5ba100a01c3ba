"""The choice of what is reported of a model's scores: tags, patches or events, of which classes.

`Choice.of` is the one place that derives it from options as users give them, on the command line
and in Python.
"""

from __future__ import annotations

import math
import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict, cast

import numpy as np

from yamkit._util.text import listed
from yamkit.errors import ParameterError
from yamkit.scores.aggregate import top_tags
from yamkit.scores.calibration import Calibration
from yamkit.scores.calibration_file import read_calibration
from yamkit.scores.class_lists import read_class_list, read_thresholds
from yamkit.scores.classes import choose_classes, class_finder
from yamkit.scores.classes import roll_up as class_groups
from yamkit.scores.event_parameters import check_parameters
from yamkit.scores.postprocessing import Postprocessing
from yamkit.scores.thresholds import check_threshold
from yamkit.types import EventParameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from yamkit.scores.detector import EventDetector
    from yamkit.scores.grid import Grid
    from yamkit.types import Tag, TagClass

    ClassWords = str | int | os.PathLike[str] | Iterable[str | int | os.PathLike[str]]

__all__ = ["Choice", "EventOptions", "ScoredModel"]


class EventOptions(TypedDict, total=False):
    """Those fields of `yamkit.types.EventParameters` that a user has given; None is not given."""

    enter: float | None
    leave: float | None
    cells: str | None
    score: str | None
    median_cells: int | None
    min_duration_seconds: float | None
    join_gap_seconds: float | None
    most_specific: bool | None


class ScoredModel(Protocol):
    """What `Choice.of` must know of a model; `yamkit.models.ModelBundle` has it."""

    @property
    def classes(self) -> Sequence[TagClass]:
        """The class map, C rows."""

    @property
    def sha256(self) -> str:
        """Hash of the model."""


@dataclass(frozen=True)
class Choice:
    """What is reported of the scores.

    Attributes
    ----------
    top : int or None
        Largest number of tags of a clip or patch; None for all.
    threshold : float or None
        Lowest score reported; None for any.
    per_patch : bool
        Whether patches are reported in addition to clips.
    arrays : tuple of str
        Which of ``scores`` and ``embedding`` are reported as arrays: of patches if these are
        reported, else of clips.
    dtype : str
        Type of the arrays.
    events : EventParameters or None
        With them, events are reported in addition to clips; not together with `per_patch`.
    classes : tuple of int or None
        Indices of the classes that can be reported, ascending; None for all.
    postprocessing : Postprocessing
        What happens to scores before they are reported, those of arrays included.
    strict : bool
        Whether a clip with warnings counts as failed.
    label_scores : bool
        Whether formats whose labels are only names add the scores to them.

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
            raise ParameterError(f"top {self.top}: must be 1 or more, or None for all")
        if self.threshold is not None:
            check_threshold("threshold", self.threshold)
        if self.events is not None:
            check_parameters(self.events)
            if self.per_patch:
                raise ParameterError(
                    "events cannot be combined with patches: use --events or --per-patch"
                )

    @classmethod
    def of(
        cls,
        model: ScoredModel,
        *,
        events: EventParameters | EventOptions | bool = False,
        threshold: float | str | os.PathLike[str] | None = None,
        classes: ClassWords = (),
        not_classes: ClassWords = (),
        roll_up: bool = False,
        calibration: Calibration | str | os.PathLike[str] | None = None,
        aggregate: str | None = None,
        **fields: Any,
    ) -> Choice:
        """Derive a choice from options as the command line has them.

        Parameters
        ----------
        model : ModelBundle
            Or another object with ``classes`` and ``sha256``.
        events : EventParameters, mapping or bool
            Fields of `EventParameters` that are given, the others are derived; True for none of
            them, False for no events. ``enter`` is `threshold` if that is a number, else 0.3. All
            fields of an `EventParameters` are given.
        threshold : float, path or None
            Lowest score reported; or a CSV file of thresholds by class, see `read_thresholds`.
        classes, not_classes : str, int, path, or iterable of them
            Classes to report (all if empty) and to leave out; see `find_classes`. A path object is
            a file, see `read_class_list`; its thresholds apply, too.
        roll_up : bool
            Whether a class has the highest score of itself and the classes below it.
        calibration : Calibration, path or None
            Its thresholds apply to events if neither `threshold` nor ``enter`` is given.
        aggregate : str, optional
            How patches become clip scores, which the calibration must fit.
        **fields
            Other fields of `Choice`.

        Raises
        ------
        ParameterError
            If a class is unknown, or a number out of its range.
        CalibrationError
            If a file cannot be read.
        IncompatibleError
            If the calibration was fitted to another model or aggregate.
        """
        if isinstance(events, EventParameters):
            events = cast("EventOptions", asdict(events))
        level, by_class = None, {}
        if isinstance(threshold, (str, os.PathLike)):
            by_class = read_thresholds(threshold, model.classes)
        elif threshold is not None:
            level = float(threshold)
        parameters = None if events is False else _event_parameters(events, level)
        calibrated: dict[int, float] = {}
        if calibration is not None:
            if not isinstance(calibration, Calibration):
                calibration = read_calibration(calibration)
            calibration.check(model.sha256, len(model.classes), aggregate)
            is_entered = not isinstance(events, bool) and events.get("enter") is not None
            if parameters is not None and threshold is None and not is_entered:
                calibrated = calibration.thresholds
        included, listed_thresholds = _find(classes, model.classes)
        excluded, _ = _find(not_classes, model.classes)
        own = {**calibrated, **listed_thresholds, **by_class}
        return cls(
            threshold=level,
            events=parameters,
            classes=choose_classes(model.classes, included, excluded),
            postprocessing=Postprocessing(
                calibration, class_groups(model.classes) if roll_up else None, own
            ),
            **fields,
        )

    def columns(self, count: int) -> NDArray[np.intp]:
        """Return the indices of the classes that can be reported, of `count` classes."""
        return np.arange(count) if self.classes is None else np.array(self.classes, np.intp)

    def tags(
        self, scores: NDArray[np.floating[Any]], classes: Sequence[TagClass]
    ) -> tuple[Tag, ...]:
        """Return the tags that are reported of postprocessed scores.

        Parameters
        ----------
        scores : ndarray, float [C]
            Scores of a clip or patch.
        classes : sequence of TagClass
            The model's.
        """
        chosen = None if self.classes is None else self.columns(len(classes))
        return top_tags(scores, classes, self.top, self._lowest(len(classes)), chosen)

    def detector(self, grid: Grid, classes: Sequence[TagClass]) -> EventDetector:
        """Return a new detector of the events of a clip; its columns are those of `columns`.

        Raises
        ------
        ParameterError
            If no events are reported.
        """
        if self.events is None:
            raise ParameterError("this Choice has no events: use Choice.of(model, events=True)")
        return self.postprocessing.detector(grid, self.events, classes, self.columns(len(classes)))

    def _lowest(self, count: int) -> float | NDArray[np.float64] | None:
        """Return the lowest score reported of each class; thresholds of classes enter events."""
        if not self.postprocessing.thresholds or self.events is not None:
            return self.threshold
        lowest = -math.inf if self.threshold is None else self.threshold
        return self.postprocessing.levels(count, lowest)


def _event_parameters(events: EventOptions | Literal[True], level: float | None) -> EventParameters:
    given: dict[str, Any] = {}
    if level is not None:
        given["enter"] = level
    if events is not True:
        given |= {name: value for name, value in events.items() if value is not None}
    return EventParameters(**given)


def _find(words: ClassWords, classes: Sequence[TagClass]) -> tuple[list[int], dict[int, float]]:
    """Return the indices of classes, and the thresholds that files give them."""
    find = class_finder(classes)
    found: list[int] = []
    thresholds: dict[int, float] = {}
    several: tuple[str | int | os.PathLike[str], ...] = listed(words)
    for word in several:
        if isinstance(word, os.PathLike):
            indices, own = read_class_list(word, classes)
            thresholds |= own
        else:
            indices = find(word)
        found += indices
    return found, thresholds
