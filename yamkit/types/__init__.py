"""The frozen values that flow between the stages; no behaviour, no input or output.

`model` holds features, network and classes, `patches` what is scored, `run` the model, plugins and
parameters of a run, `items` the results as sinks receive them, `labels` the clips of labelled sets.
Import the names from here.
"""

from __future__ import annotations

from yamkit.types.items import (
    ClipEnd,
    ClipFailure,
    ClipStart,
    Event,
    PatchTags,
    Peak,
    SinkItem,
    Tag,
)
from yamkit.types.labels import LabelledClip, LabelledEvent
from yamkit.types.model import FeatureSpec, LogMelSpec, NetworkSpec, TagClass, WaveformSpec
from yamkit.types.patches import Batch
from yamkit.types.patches import Patches as Patches  # within yamkit only
from yamkit.types.run import LEAVE_RATIO, EventParameters, Parameters, RunInfo, RunModel

__all__ = [
    "LEAVE_RATIO",
    "Batch",
    "ClipEnd",
    "ClipFailure",
    "ClipStart",
    "Event",
    "EventParameters",
    "FeatureSpec",
    "LabelledClip",
    "LabelledEvent",
    "LogMelSpec",
    "NetworkSpec",
    "Parameters",
    "PatchTags",
    "Peak",
    "RunInfo",
    "RunModel",
    "SinkItem",
    "Tag",
    "TagClass",
    "WaveformSpec",
]
