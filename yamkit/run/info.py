"""A run, described to its sinks and to its journal."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from yamkit import __version__
from yamkit.types import Parameters, RunInfo, RunModel

if TYPE_CHECKING:
    from yamkit.scores.choice import Choice
    from yamkit.tagger import Tagger

__all__ = ["fingerprint", "run_info"]


def run_info(tagger: Tagger, choice: Choice, shard: tuple[int, int] = (1, 1)) -> RunInfo:
    """Return what the sinks of a run are told about it."""
    model, postprocessing = tagger.model, choice.postprocessing
    return RunInfo(
        yamkit=__version__,
        model=RunModel(model.name, model.version, model.sha256, model.source, len(model.classes)),
        backend=tagger.backend,
        frontend=tagger.frontend,
        resampler=tagger.options.resampler,
        parameters=Parameters(
            tagger.options.aggregate,
            tagger.hop_seconds,
            choice.threshold,
            choice.top,
            postprocessing.score_kind,
            postprocessing.calibration_sha256,
            postprocessing.thresholds_sha256,
            choice.classes,
            postprocessing.roll_up is not None,
            choice.events,
            tagger.options.channel,
            tagger.options.stream,
        ),
        per_patch=choice.per_patch,
        embedding_size=model.network.embedding_size,
        arrays=choice.arrays,
        shard=shard,
        provider=tagger.options.provider,
        strict=choice.strict,
        label_scores=choice.label_scores,
    )


def fingerprint(run: RunInfo) -> dict[str, str]:
    """Return everything that results depend on, as text by name."""
    return {
        "yamkit": run.yamkit,
        "model": run.model.name,
        "model_sha256": run.model.sha256,
        "backend": run.backend,
        "provider": run.provider,
        "frontend": run.frontend,
        "resampler": run.resampler,
        **{name: str(value) for name, value in asdict(run.parameters).items()},
        "per_patch": str(run.per_patch),
        "arrays": " and ".join(run.arrays),
        "shard": "{}/{}".format(*run.shard),
        "strict": str(run.strict),
        "label_scores": str(run.label_scores),
    }
