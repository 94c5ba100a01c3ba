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
"""Ratio of ``leave`` to ``enter`` if ``leave`` is not given."""


@dataclass(frozen=True)
class EventParameters:
    """How scores become events; see `yamkit.scores.detector`.

    Attributes
    ----------
    enter : float
        Enter threshold: at least one cell of an event reaches it. A class may have its own instead.
    leave : float
        Leave threshold: all cells of an event reach it. None means `LEAVE_RATIO` times `enter`.
    cells : str
        Score of a cell: the ``mean`` or ``max`` of the patches that cover it.
    score : str
        Score of an event: the ``mean`` or ``max`` of its cells.
    median_cells : int
        Length of the median filter; 1 for none.
    min_duration_seconds : float
        Shorter events are omitted.
    join_gap_seconds : float
        Events of a class with a gap of at most this length are joined.
    most_specific : bool
        Whether a class has no event while one of its subclasses has one; see
        `yamkit.scores.detector`.
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
    """The parameters of a run.

    Attributes
    ----------
    aggregate : str
        How scores of patches become a clip score: ``mean``, ``max`` or ``sounding``.
    hop_seconds : float
        Time from one patch to the next.
    threshold : float or None
        Lowest score reported; None reports all scores.
    top : int or None
        Largest number of tags reported for a clip or patch; None reports all.
    score_kind : str
        ``raw``: the output of the network; ``calibrated``: a calibration was applied to the classes
        that it covers.
    calibration : str
        SHA-256 of the calibration; empty if there is none.
    class_thresholds : str
        SHA-256 of the thresholds of single classes; empty if there are none.
    classes : tuple of int or None
        Indices of the classes that can be reported; None for all.
    roll_up : bool
        Whether the score of a class is the highest among the class and its subclasses.
    events : EventParameters or None
        None if the run finds no events.
    channel : str or int
        ``mix`` for the mean of all channels, or the number of a channel, from 1.
    stream : int or None
        Number of the audio stream in inputs with several, from 1; None for the default one.
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
    """The model of a run, as outputs state it."""

    name: str
    version: str
    sha256: str
    source: str
    classes: int


@dataclass(frozen=True)
class RunInfo:
    """Model, plugins and parameters of a run, as a sink receives them.

    Attributes
    ----------
    yamkit : str
        Version of yamkit.
    model : RunModel
    backend, frontend, resampler : str
        Names of the plugins of the run.
    parameters : Parameters
    per_patch : bool
        Whether there are `PatchTags`.
    embedding_size : int
        E of the model; 0 if it has no embeddings.
    arrays : tuple of str
        Which of ``scores`` and ``embedding`` are saved, with patches or, without them, with clips.
    shard : tuple of int
        Number of the part of the corpus, from 1, and the number of parts.
    provider : str
        Where the network ran.
    strict : bool
        Whether a clip with warnings counts as failed.
    label_scores : bool
        Whether formats whose labels are only names add scores to them.
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
