"""The runner `local`: the threads of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from yamkit.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from yamkit.plugin import RunnerOptions, Work
    from yamkit.types import SinkItem

__all__ = ["LocalRunner"]

_Clip = TypeVar("_Clip")


class LocalRunner:
    """Tags clips in this process; see `yamkit.plugin.Runner`."""

    def __init__(self, options: RunnerOptions) -> None:
        if options.address is not None:
            raise ParameterError(
                "--ray-address requires --runner ray; the runner 'local' joins no cluster"
            )
        self._jobs = options.jobs or 1

    def items(
        self, work: Work[_Clip], clips: Iterable[_Clip]
    ) -> Generator[tuple[_Clip, SinkItem], None, None]:
        """Tag clips."""
        return work.items(clips, self._jobs)

    def close(self) -> None:
        """Do nothing: there is nothing to release."""
