"""The tagging of clips, in a form that can be sent to other processes and machines."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yamkit.errors import AudioFileError, IncompatibleError, ParameterError, YamkitError
from yamkit.registry import plugin_errors, registry
from yamkit.run.checks import DAMAGE
from yamkit.run.clips import Clip
from yamkit.run.items import clip_items
from yamkit.run.records import pack, unpack
from yamkit.tagger import Tagger
from yamkit.types import ClipEnd, ClipFailure

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from yamkit.plugin import Runner, RunnerOptions
    from yamkit.scores.choice import Choice
    from yamkit.types import SinkItem

__all__ = ["Work", "open_runner"]


def open_runner(name: str, options: RunnerOptions) -> Runner:
    """Return a runner, to be closed.

    Raises
    ------
    PluginError
        If the plugin is unknown, lacks an extra, or is broken.
    """
    factory = registry().load(registry().resolve("runner", name))
    with plugin_errors(f"runner {name!r}"):
        runner: Runner = factory(options)
    return runner


class Work:
    """A tagger and what is reported of it; see `yamkit.plugin.Work`.

    Its pickle holds the names of the model and of the working directory, not the model. Unpickled,
    it changes to that directory and opens its own tagger when it first tags.

    Parameters
    ----------
    tagger : Tagger
    choice : Choice
    """

    def __init__(self, tagger: Tagger, choice: Choice) -> None:
        self._tagger: Tagger | None = tagger
        self._model, self._sha256 = str(tagger.model.folder.resolve()), tagger.model.sha256
        self._folder = Path.cwd()
        self._options = tagger.options
        self._classes = tagger.classes
        self._choice = choice

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_tagger": None}

    def items(
        self, clips: Iterable[Clip], jobs: int
    ) -> Generator[tuple[Clip, SinkItem], None, None]:
        """Tag clips in this process; see `yamkit.plugin.Work`."""
        return clip_items(self._opened(), clips, self._choice, jobs)

    def row(self, clip: Clip) -> dict[str, Any]:
        """Describe a clip; see `yamkit.plugin.Work`."""
        if clip.path == "-":
            raise ParameterError("only this process can read standard input; use --runner local")
        error = None if clip.error is None else str(clip.error)
        return {
            "path": clip.path,
            "start_seconds": clip.start_seconds,
            "end_seconds": clip.end_seconds,
            "error": error,
        }

    def answers(self, rows: Sequence[Mapping[str, Any]], jobs: int) -> list[bytes]:
        """Tag clips that `row` described; see `yamkit.plugin.Work`."""
        clips = [
            Clip(
                row["path"],
                row["start_seconds"],
                row["end_seconds"],
                None if row["error"] is None else AudioFileError(row["error"]),
            )
            for row in rows
        ]
        answers, items = [], []
        with contextlib.closing(self.items(clips, jobs)) as found:
            for _, item in found:
                items.append(item)
                if isinstance(item, (ClipEnd, ClipFailure)):
                    answers.append(pack(items))
                    items = []
        return answers

    def read(self, answer: bytes) -> Iterator[SinkItem]:
        """Yield the items of a clip's answer; see `yamkit.plugin.Work`."""
        try:
            yield from unpack(answer, self._classes, self._choice.dtype)
        except DAMAGE as error:
            raise YamkitError(f"invalid worker result: {error}") from error

    def close(self) -> None:
        """Close the tagger of this process."""
        if self._tagger is not None:
            self._tagger.close()

    def _opened(self) -> Tagger:
        if self._tagger is None:
            with contextlib.suppress(OSError):  # paths may be relative
                os.chdir(self._folder)
            tagger = Tagger(self._model, self._options)
            if tagger.model.sha256 != self._sha256:
                tagger.close()
                raise IncompatibleError(
                    f"model {self._model} differs between the machines of this run; install the "
                    "same version on all"
                )
            self._tagger = tagger
        return self._tagger
