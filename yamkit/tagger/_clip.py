"""What a model says about one clip, and how it is reported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yamkit import schema
from yamkit.errors import ParameterError
from yamkit.scores.choice import Choice
from yamkit.scores.classes import choose_classes
from yamkit.scores.events import find_events
from yamkit.scores.postprocessing import Postprocessing
from yamkit.types import ClipEnd, ClipStart, EventParameters, PatchTags

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from yamkit.scores.grid import Grid
    from yamkit.types import Event, Tag, TagClass

__all__ = ["TaggedClip"]


@dataclass(frozen=True, eq=False, repr=False)
class TaggedClip:
    """What a model says about one clip.

    Attributes
    ----------
    path : str or None
        Path of the file as given; None for other sources.
    sample_rate, channels : int
        Of the input.
    duration_seconds : float
        Number of samples of the input divided by its sample rate.
    scores : ndarray, float32 [patches, C]
        Sigmoid outputs in 0..1; classes are independent, and scores are not calibrated
        probabilities.
    embeddings : ndarray, float32 [patches, E]
        Activations before the classifier.
    clip_scores : ndarray, float32 [C]
        `scores` aggregated over the clip, see `TaggerOptions.aggregate`.
    times : ndarray, float64 [patches, 2]
        Start and end of each patch in seconds, the end at most `duration_seconds`.
    classes : tuple of TagClass
        The class map, C rows.
    warnings : tuple of str
        Faults of the input, such as a truncated file.
    grid : Grid
        Positions of patches and cells in time.
    samples : int
        Length of the clip at the model's sample rate.
    """

    path: str | None
    sample_rate: int
    channels: int
    duration_seconds: float
    scores: NDArray[np.float32]
    embeddings: NDArray[np.float32]
    clip_scores: NDArray[np.float32]
    times: NDArray[np.float64]
    classes: tuple[TagClass, ...]
    warnings: tuple[str, ...] = ()
    grid: Grid = field(kw_only=True)
    samples: int = field(kw_only=True)

    def __repr__(self) -> str:
        best = self.top(1)[0]
        name = "" if self.path is None else f" {self.path!r}"
        return (
            f"<TaggedClip{name}: {self.duration_seconds:.2f} s, "
            f"{len(self.scores)} patches, {best.name} {best.score:.3f}>"
        )

    def top(
        self,
        k: int | None = 5,
        threshold: float | None = None,
        *,
        classes: str | int | Iterable[str | int] = (),
    ) -> tuple[Tag, ...]:
        """Return the tags of the clip with the highest scores.

        Parameters
        ----------
        k : int or None
            Largest number of tags; None for all.
        threshold : float or None
            Lowest score; None for any.
        classes : str, int, or iterable of them
            Classes to report, as for `events`; all if empty.

        Returns
        -------
        tuple of Tag
            Highest score first; of equal scores the lower class index first.

        Raises
        ------
        ParameterError
            If a class is unknown, or a number out of its range.
        """
        return self._choice(k, threshold, classes).tags(self.clip_scores, self.classes)

    def events(
        self,
        parameters: EventParameters | Choice | None = None,
        *,
        classes: str | int | Iterable[str | int] = (),
    ) -> tuple[Event, ...]:
        """Return the events: when each class sounds.

        Parameters
        ----------
        parameters : EventParameters or Choice, optional
            Thresholds and filters. With calibration, roll-up or thresholds of single classes:
            `yamkit.scores.choice.Choice.of`.
        classes : str, int, or iterable of them
            Classes to report: names, machine identifiers, indices or subtrees (``Animal/``), as on
            the command line; a str may have several of them, separated by commas. All if empty. A
            `Choice` names its own.

        Returns
        -------
        tuple of Event
            Sorted by onset, then by class.

        Raises
        ------
        ParameterError
            If a parameter is out of its range, a class is unknown, or a `Choice` has no events.
        """
        choice = self._event_choice(parameters, classes)
        columns = choice.columns(len(self.classes))
        found = find_events(choice.detector(self.grid, self.classes), self.scores, self.samples)
        return tuple(
            event.to_event(self.grid.sample_rate_hz, self.classes[columns[event.column]])
            for event in found
        )

    def to_dict(
        self,
        k: int | None = 5,
        threshold: float | None = None,
        *,
        timeline: bool = True,
        classes: str | int | Iterable[str | int] = (),
        events: EventParameters | None = None,
    ) -> dict[str, Any]:
        """Return the clip as in the JSON output.

        Parameters
        ----------
        k, threshold
            As for `top`, for the clip and for each patch.
        timeline : bool
            Whether to include the tags of each patch; if not, ``timeline`` is an empty list.
        classes
            As for `events`, for tags and events.
        events : EventParameters, optional
            With them, the clip has a list ``events``.

        Returns
        -------
        dict
            A clip of schema ``yamkit/1``; its ``path`` is None if the source was not a path.

        Raises
        ------
        ParameterError
            As for `top` and `events`.
        """
        choice = self._choice(k, threshold, classes)
        patches = zip(self.times, self.scores, strict=True) if timeline else ()
        content: dict[str, Any] = {
            "timeline": [
                schema.patch_dict(
                    PatchTags(float(start), float(end), choice.tags(scores, self.classes))
                )
                for (start, end), scores in patches
            ]
        }
        if events is not None:
            found = self.events(events, classes=classes)
            content["events"] = [schema.event_dict(event) for event in found]
        head = schema.start_dict(ClipStart(self.path or "", self.sample_rate, self.channels))
        tags = choice.tags(self.clip_scores, self.classes)
        starts = self.times[self.scores.argmax(axis=0), 0]
        tail = ClipEnd(
            self.duration_seconds,
            len(self.scores),
            tags,
            self.warnings,
            peaks=Postprocessing().peaks(self.scores.max(axis=0), starts, tags),
        )
        return {**head, "path": self.path, **content, **schema.end_dict(tail)}

    def _choice(
        self, k: int | None, threshold: float | None, classes: str | int | Iterable[str | int]
    ) -> Choice:
        return Choice(top=k, threshold=threshold, classes=choose_classes(self.classes, classes))

    def _event_choice(
        self,
        parameters: EventParameters | Choice | None,
        classes: str | int | Iterable[str | int],
    ) -> Choice:
        chosen = choose_classes(self.classes, classes)
        if parameters is not None and not isinstance(parameters, (EventParameters, Choice)):
            raise ParameterError(
                f"parameters {parameters!r}: must be EventParameters or a Choice, such as "
                "EventParameters(enter=0.3)"
            )
        if not isinstance(parameters, Choice):
            return Choice(events=parameters or EventParameters(), classes=chosen)
        if chosen is not None:
            raise ParameterError("classes: a Choice names its own; use Choice.of(model, classes=)")
        return parameters
