"""A run over clips: interruptions come between writes, when what was written is counted."""

from __future__ import annotations

import os
import signal
from contextlib import nullcontext

import numpy as np
import pytest
import soundfile

from yamkit import Tagger
from yamkit.clips import Clip
from yamkit.errors import ParameterError
from yamkit.models.bundle import ModelBundle
from yamkit.run import Choice, classify, clip_items, run_info
from yamkit.types import ClipEnd


def test_choices_out_of_range() -> None:
    with pytest.raises(ParameterError, match="top 0: wanted 1 or more"):
        Choice(top=0)
    with pytest.raises(ParameterError, match="threshold inf: scores are 0 to 1"):
        Choice(threshold=float("inf"))


def test_an_interruption_during_a_write_ends_the_run(
    tiny: ModelBundle, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = []
    for name in ("a.wav", "b.wav"):
        path = tmp_path / name
        soundfile.write(path, np.full(8000, 0.1), 8000)
        clips.append(Clip(str(path)))
    log: list[str] = []

    class Outputs:
        per_clip = False

        def open(self, run):
            log.append("open")

        def write(self, item):
            log.append(type(item).__name__)
            if isinstance(item, ClipEnd):
                os.kill(os.getpid(), signal.SIGINT)

        def finish_early(self):
            log.append("early")

        def close(self):
            log.append("close")

    class Observer:
        def finished(self, path, item):
            log.append("finished")

        def writing(self):
            return nullcontext()

    with Tagger(tiny, backend="numpy") as tagger, pytest.raises(KeyboardInterrupt):
        choice = Choice()

        def tag(left):
            return clip_items(tagger, left, choice, 1)

        classify(tag, clips, run_info(tagger, choice), Outputs(), Observer())
    assert log == ["open", "ClipStart", "ClipEnd", "finished", "early"]
