"""Coverage: which clips of a labelled set an evaluation includes, and why others are left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from yamkit._util.text import printable
from yamkit.errors import LabelError
from yamkit.evaluation.sets.labelled_set import clip_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from yamkit.evaluation.scores_file import Scores
    from yamkit.evaluation.sets.labelled_set import LabelledSet
    from yamkit.evaluation.sets.targets import Targets, UnmappedLabel
    from yamkit.types import LabelledClip

__all__ = ["Coverage", "check_complete", "coverage_of", "scored_clips"]


@dataclass(frozen=True)
class Coverage:
    """Which clips and labels of a set an evaluation includes.

    Attributes
    ----------
    listed, scored : int
        Number of clips on the list, and of those that are evaluated: with several systems, clips
        that have scores from each of them.
    missing : tuple of str
        Clips without a file.
    failed : mapping of str to str
        Clips that cannot be scored, with the reason.
    pending : tuple of str
        Clips that were not scored yet, after an interrupted run.
    unmapped : tuple of UnmappedLabel
        Labels that have no meaning in the model or the label map.
    renamed : mapping of str to str
        By clip, the name of its file if it differs from the list's in folders, case, Unicode
        form or slashes; empty if scores were read from a file.
    ambiguous : mapping of str to tuple of str
        By missing clip, the files that its name may mean.
    warned : mapping of str to tuple of str
        Scored clips whose files have warnings, such as a missing end, with the warnings.
    """

    listed: int
    scored: int
    missing: tuple[str, ...]
    failed: Mapping[str, str]
    pending: tuple[str, ...]
    unmapped: tuple[UnmappedLabel, ...]
    renamed: Mapping[str, str] = field(default_factory=dict)
    ambiguous: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    warned: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def found(self) -> int:
        """Number of clips that have a file."""
        return self.listed - len(self.missing)


def scored_clips(labelled: LabelledSet, systems: Sequence[Scores]) -> list[LabelledClip]:
    """Return the clips that have scores from every system.

    Raises
    ------
    LabelError
        If there are none.
    """
    clips = [
        clip for clip in labelled.clips if all(clip_key(clip) in scores.rows for scores in systems)
    ]
    if not clips:
        raise LabelError(
            f"{printable(labelled.path)}: none of its clips has scores"
            f"{_example_failure(labelled, systems)}"
        )
    return clips


def coverage_of(labelled: LabelledSet, systems: Sequence[Scores], targets: Targets) -> Coverage:
    """Return what an evaluation of systems on a set includes."""
    keys = [clip_key(clip) for clip in labelled.clips]
    failures = {key: reason for scores in systems for key, reason in scores.failures.items()}
    missing = {key for scores in systems for key in scores.missing}
    scored = {key for key in keys if all(key in scores.rows for scores in systems)}
    rest = [key for key in keys if key not in scored]
    warned = {
        key: tuple(dict.fromkeys(text for each in systems for text in each.warnings.get(key, ())))
        for key in keys
        if key in scored
    }
    return Coverage(
        listed=len(keys),
        scored=len(keys) - len(rest),
        missing=tuple(key for key in rest if key in missing and key not in failures),
        failed={key: failures[key] for key in rest if key in failures},
        pending=tuple(key for key in rest if key not in missing and key not in failures),
        unmapped=targets.unmapped,
        renamed=systems[0].renamed,
        ambiguous=systems[0].ambiguous,
        warned={key: warnings for key, warnings in warned.items() if warnings},
    )


def check_complete(labelled: LabelledSet, scores: Scores) -> None:
    """Refuse scores that lack a clip of the set.

    Raises
    ------
    LabelError
        With the number of clips without scores, and one reason.
    """
    keys = [clip_key(clip) for clip in labelled.clips]
    lacking = sum(key not in scores.rows for key in keys)
    if lacking:
        raise LabelError(
            f"{printable(labelled.path)}: {lacking} of {len(keys)} clips have no scores"
            f"{_example_failure(labelled, [scores])}; without --strict they are left out"
        )


def _example_failure(labelled: LabelledSet, systems: Sequence[Scores]) -> str:
    """Return the first failure as a clause for a message; empty if there is none."""
    for key in (clip_key(clip) for clip in labelled.clips):
        for scores in systems:
            if key in scores.failures:
                return f"; {printable(key)}: {printable(scores.failures[key])}"
    return ""
