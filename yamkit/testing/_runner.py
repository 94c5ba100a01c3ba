"""The contract of runners: all items of every clip, in order, even if a clip fails."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from yamkit.plugin import RunnerOptions
from yamkit.testing._contract import PluginContract
from yamkit.testing._failures import expecting, require
from yamkit.types import ClipEnd, ClipFailure, ClipStart

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from yamkit.types import SinkItem

__all__ = ["RunnerContract"]


class RunnerContract(PluginContract):
    """The contract of every runner; see `yamkit.plugin.Runner`.

    Attributes
    ----------
    options : RunnerOptions
        Options that the runner is made with.
    """

    kind: ClassVar[str] = "runner"
    options: ClassVar[RunnerOptions] = RunnerOptions(jobs=2)

    @classmethod
    def _methods(cls) -> tuple[str, ...]:
        return ("items", "close")

    @classmethod
    def make(cls) -> Any:
        """Make the runner; close the one before, as a process may allow only one."""
        cls._release()
        return cls.factory()(cls.options)

    def _items(self, clips: Sequence[_Clip]) -> list[tuple[_Clip, SinkItem]]:
        return list(self.opened().items(_Work(), iter(clips)))

    def test_every_clip(self) -> None:
        """It yields all items of every clip, in the order of the clips."""
        clips = [_Clip(number) for number in range(40)]
        expected = [(clip.number, item) for clip in clips for item in _tagged(clip.number)]
        found = [(getattr(clip, "number", clip), item) for clip, item in self._items(clips)]
        missing = [clip.number for clip in clips if clip.number not in {n for n, _ in found}]
        require(not missing, f"no items of clip {missing[:1]}", "items of all 40")
        require(found == expected, "items in another order", "the order of the clips")

    def test_the_clips_themselves(self) -> None:
        """It yields items with the clip object that it received, not with a copy."""
        clips = [_Clip(number) for number in range(3)]
        strange = [clip for clip, _ in self._items(clips) if not any(clip is one for one in clips)]
        require(not strange, f"{strange[:1]}", "the same clip object")

    def test_no_clips(self) -> None:
        """A run without clips has no items."""
        found = self._items([])
        require(not found, f"{found!r:.80}", "no items")

    def test_failures(self) -> None:
        """A clip that fails does not affect other clips."""
        clips = [_Clip(number, fails=number in (0, 3)) for number in range(6)]
        kinds = [type(item).__name__ for _, item in self._items(clips)]
        failed = kinds.count("ClipFailure")
        require(failed == 2, f"{failed} failures", "2 for six clips")
        require(kinds.count("ClipEnd") == 4, f"{kinds.count('ClipEnd')} ends", "4 for six clips")

    def test_stopped_early(self) -> None:
        """Another run can follow one that was stopped early."""
        items = self.opened().items(_Work(), iter([_Clip(number) for number in range(20)]))
        next(items)
        items.close()
        found = {clip.number for clip, _ in self._items([_Clip(50), _Clip(51)])}
        require(found == {50, 51}, f"clips {sorted(found)} in the next run", "50 and 51")

    def test_close_twice(self) -> None:
        """A second `close` does nothing."""
        runner = self.opened()
        self._release()
        with expecting("no exception", "at the second close"):
            runner.close()


class _Clip:
    """A clip as a runner sees it; equal only to itself."""

    def __init__(self, number: int, *, fails: bool = False) -> None:
        self.number, self.fails = number, fails


def _tagged(number: int, *, fails: bool = False) -> list[SinkItem]:
    path = f"{number}.wav"
    if fails:
        return [ClipFailure(path, "DecodeError", f"{path}: broken")]
    return [ClipStart(path, 16_000, 1), ClipEnd(float(number), 1, ())]


class _Work:
    """A `yamkit.plugin.Work` that tags without a model."""

    def items(
        self, clips: Iterable[_Clip], jobs: int
    ) -> Generator[tuple[_Clip, SinkItem], None, None]:
        assert jobs >= 1
        for clip in clips:
            for item in _tagged(clip.number, fails=clip.fails):
                yield clip, item

    def row(self, clip: _Clip, /) -> dict[str, Any]:
        return {"number": clip.number, "fails": str(clip.fails)}

    def answers(self, rows: Sequence[Mapping[str, Any]], jobs: int) -> list[bytes]:
        assert jobs >= 1
        return [json.dumps([int(row["number"]), row["fails"] == "True"]).encode() for row in rows]

    def read(self, answer: bytes, /) -> Iterator[SinkItem]:
        number, fails = json.loads(answer)
        yield from _tagged(number, fails=fails)

    def close(self) -> None:
        """Do nothing: there is no model to close."""
