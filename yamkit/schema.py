"""The JSON form of results, schema ``yamkit/1``: its keys and their order.

Keys may be added within ``yamkit/1``; readers ignore unknown ones. For formats without escapes,
`printable` returns names without control characters.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from yamkit._util.text import printable

if TYPE_CHECKING:
    from yamkit.types import ClipEnd, ClipFailure, ClipStart, Event, PatchTags, RunInfo, Tag

__all__ = [
    "SCHEMA",
    "end_dict",
    "event_dict",
    "failure_dict",
    "patch_dict",
    "printable",
    "run_dict",
    "start_dict",
    "tag_dict",
]

SCHEMA = "yamkit/1"


def run_dict(run: RunInfo) -> dict[str, Any]:
    """Return the fields before ``clips``."""
    parameters = run.parameters
    return {
        "schema": SCHEMA,
        "yamkit": run.yamkit,
        "model": {
            "name": run.model.name,
            "version": run.model.version,
            "sha256": run.model.sha256,
            "source": run.model.source,
            "classes": run.model.classes,
        },
        "backend": run.backend,
        "frontend": run.frontend,
        "resampler": run.resampler,
        "parameters": {
            "aggregate": parameters.aggregate,
            "hop_seconds": parameters.hop_seconds,
            "threshold": parameters.threshold,
            "top": parameters.top,
            "score_kind": parameters.score_kind,
            "calibration": parameters.calibration or None,
            "class_thresholds": parameters.class_thresholds or None,
            "classes": None if parameters.classes is None else list(parameters.classes),
            "roll_up": parameters.roll_up,
            "events": None if parameters.events is None else asdict(parameters.events),
            "channel": parameters.channel,
            "stream": parameters.stream,
        },
    }


def start_dict(start: ClipStart) -> dict[str, Any]:
    """Return the fields of a clip before ``timeline``."""
    return {"path": start.path, "sample_rate": start.sample_rate, "channels": start.channels}


def patch_dict(patch: PatchTags) -> dict[str, Any]:
    """Return an entry of ``timeline``."""
    return {
        "start_seconds": patch.start_seconds,
        "end_seconds": patch.end_seconds,
        "tags": [tag_dict(tag) for tag in patch.tags],
    }


def event_dict(event: Event) -> dict[str, Any]:
    """Return an entry of ``events``."""
    return {
        "onset_seconds": event.onset_seconds,
        "offset_seconds": event.offset_seconds,
        **tag_dict(event.tag),
    }


def end_dict(end: ClipEnd) -> dict[str, Any]:
    """Return the fields of a clip after ``timeline`` and ``events``; ``warnings`` only if any."""
    tail: dict[str, Any] = {
        "duration_seconds": end.duration_seconds,
        "patches": end.patches,
        "tags": [tag_dict(tag) for tag in end.tags],
    }
    for tag, peak in zip(tail["tags"], end.peaks, strict=False):  # no peaks, or one per tag
        tag["peak"] = float(f"{peak.score:.7g}")
        tag["peak_seconds"] = peak.start_seconds
    if end.warnings:
        tail["warnings"] = list(end.warnings)
    return tail


def failure_dict(failure: ClipFailure) -> dict[str, Any]:
    """Return the fields that a failed clip has in place of `end_dict`."""
    return {"error": {"type": failure.type, "message": failure.message}}


def tag_dict(tag: Tag) -> dict[str, Any]:
    """Return a tag; seven significant digits are the precision of a float32 score."""
    return {
        "index": tag.index,
        "mid": tag.mid,
        "name": tag.name,
        "score": float(f"{tag.score:.7g}"),
    }
