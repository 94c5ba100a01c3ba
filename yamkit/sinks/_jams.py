"""JAMS, a JSON format for music research: one annotation of tags with times and confidence.

E. J. Humphrey et al., "JAMS: A JSON Annotated Music Specification for reproducible MIR research",
ISMIR 2014.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from yamkit.types import ClipEnd, ClipStart, Event

if TYPE_CHECKING:
    from typing import IO

    from yamkit.types import RunInfo, SinkItem

__all__ = ["JamsSink"]

_VERSION = "0.3.4"


class JamsSink:
    """One JAMS file per clip, in the namespace ``tag_open``."""

    def open(self, run: RunInfo, stream: IO[str]) -> None:
        """Keep the metadata of the annotation, and the channel and stream for its sandbox."""
        self._stream = stream
        self._path = ""
        self._observations: list[dict[str, Any]] = []
        parameters, events = run.parameters, run.parameters.events
        self._input = {"channel": parameters.channel, "stream": parameters.stream}
        self._metadata = {
            "curator": {"name": "", "email": ""},
            "annotator": {"model": run.model.name, "sha256": run.model.sha256},
            "version": run.yamkit,
            "corpus": "",
            "annotation_tools": f"yamkit {run.yamkit}",
            "annotation_rules": (
                f"confidence: {'' if events is None else events.score} of the "
                f"{parameters.score_kind} scores of the cells of an event"
            ),
            "validation": "",
            "data_source": "program",
        }

    def write(self, item: SinkItem) -> None:
        """Keep an event; write the document at the end of a clip."""
        if isinstance(item, ClipStart):
            self._path, self._observations = item.path, []
        elif isinstance(item, Event):
            self._observations.append(
                {
                    "time": item.onset_seconds,
                    "duration": item.offset_seconds - item.onset_seconds,
                    "value": item.tag.name,
                    "confidence": float(f"{item.tag.score:.7g}"),
                }
            )
        elif isinstance(item, ClipEnd):
            json.dump(self._document(item), self._stream, ensure_ascii=False, allow_nan=False)
            self._stream.write("\n")

    def close(self) -> None:
        """Do nothing: everything is written."""

    def abort(self) -> None:
        """Release the events."""
        self._observations = []

    def _document(self, end: ClipEnd) -> dict[str, Any]:
        return {
            "annotations": [
                {
                    "namespace": "tag_open",
                    "data": self._observations,
                    "annotation_metadata": self._metadata,
                    "sandbox": self._input,
                    "time": 0,
                    "duration": end.duration_seconds,
                }
            ],
            "file_metadata": {
                "title": self._path,
                "artist": "",
                "release": "",
                "duration": end.duration_seconds,
                "identifiers": {},
                "jams_version": _VERSION,
            },
            "sandbox": {},
        }
