"""What a run was made with: model, plugins and parameters."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "LEAVE_RATIO",
    "EventParameters",
    "Parameters",
    "RunInfo",
    "RunModel",
]


LEAVE_RATIO = 1 / 3
"""What ``leave`` is of ``enter`` where nobody says."""


@dataclass(frozen=True)
class EventParameters:
    """How scores become events; see `yamkit.scores.detector`.

    Attributes
    ----------
    enter : float
        Score that one cell of an event at least reaches, of classes that have no threshold of
        their own.
    leave : float
        Score that all of its cells reach; `LEAVE_RATIO` of `enter` where None is given.
    cells : str
        How the patches that cover a cell become its score: ``mean`` or ``max``.
    score : str
        What the score of an event is of the scores of its cells: ``mean`` or ``max``.
    median_cells : int
        Length of the median filter; 1 for none.
    min_duration_seconds : float
        Shorter events are left out.
    join_gap_seconds : float
        Events of a class that are no farther apart are one.
    most_specific : bool
        A class has no event while one of the classes below it has; see `yamkit.scores.detector`.
    """

    enter: float = 0.3
    leave: float = None  # type: ignore[assignment]  # a number once `__post_init__` has run
    cells: str = "mean"
    score: str = "mean"
    median_cells: int = 1
    min_duration_seconds: float = 0.0
    join_gap_seconds: float = 0.0
    most_specific: bool = False

    def __post_init__(self) -> None:
        if self.leave is None:
            # nine digits: 0.1, not 0.09999999999999999
            object.__setattr__(self, "leave", float(f"{LEAVE_RATIO * self.enter:.9g}"))

    @property
    def leave_ratio(self) -> float:
        """``leave / enter``, which also holds for classes that have their own enter threshold."""
        return self.leave / self.enter if self.enter > 0 else LEAVE_RATIO


@dataclass(frozen=True)
class Parameters:
    """The choices behind the numbers of a run.

    Attributes
    ----------
    aggregate : str
        How patches become a clip score: ``mean``, ``max`` or ``sounding``.
    hop_seconds : float
        From one patch to the next.
    threshold : float or None
        Lowest score reported; None reports any.
    top : int or None
        Most tags reported for each clip or patch; None reports all.
    score_kind : str
        ``raw``: the network's own output; ``calibrated``: a calibration was applied, to those
        classes that it has.
    calibration : str
        SHA-256 of the calibration; empty where there is none.
    class_thresholds : str
        SHA-256 of the thresholds of single classes; empty where there are none.
    classes : tuple of int or None
        Indices of the classes that can be reported; None for all.
    roll_up : bool
        Whether a class has the highest score of its own and those below it in the ontology.
    events : EventParameters or None
        None where no events are found.
    channel : str or int
        ``mix``: the mean of all channels of the input is heard; else the number of the one that
        is, from 1.
    stream : int or None
        Number of the sound stream that is heard, of inputs that have several, from 1; None for the
        default one.
    """

    aggregate: str
    hop_seconds: float
    threshold: float | None
    top: int | None
    score_kind: str = "raw"
    calibration: str = ""
    class_thresholds: str = ""
    classes: tuple[int, ...] | None = None
    roll_up: bool = False
    events: EventParameters | None = None
    channel: str | int = "mix"
    stream: int | None = None


@dataclass(frozen=True)
class RunModel:
    """The model of a run, as outputs name it."""

    name: str
    version: str
    sha256: str
    source: str
    classes: int


@dataclass(frozen=True)
class RunInfo:
    """What a sink learns when it is opened.

    Attributes
    ----------
    yamkit : str
        Version of yamkit.
    model : RunModel
    backend, frontend, resampler : str
        Names of the plugins that made the numbers.
    parameters : Parameters
    per_patch : bool
        Whether `PatchTags` will come.
    embedding_size : int
        E of the model; 0 where it gives none.
    arrays : tuple of str
        Which of ``scores`` and ``embedding`` come with patches, or with clips where no patches
        come.
    shard : tuple of int
        Which part of the corpus, from 1, and of how many.
    provider : str
        Where the network ran.
    strict : bool
        Whether a clip with warnings is one that failed.
    label_scores : bool
        Whether formats whose labels are bare names write scores behind them.
    """

    yamkit: str
    model: RunModel
    backend: str
    frontend: str
    resampler: str
    parameters: Parameters
    per_patch: bool
    embedding_size: int = 0
    arrays: tuple[str, ...] = ()
    shard: tuple[int, int] = (1, 1)
    provider: str = "cpu"
    strict: bool = False
    label_scores: bool = False
