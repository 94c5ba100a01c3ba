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
    """Tags clips where it stands; see `yamkit.plugin.Runner`."""

    def __init__(self, options: RunnerOptions) -> None:
        if options.address is not None:
            raise ParameterError(
                "--ray-address: the runner 'local' joins nothing; use --runner ray"
            )
        self._jobs = options.jobs or 1

    def items(
        self, work: Work[_Clip], clips: Iterable[_Clip]
    ) -> Generator[tuple[_Clip, SinkItem], None, None]:
        """Tag clips."""
        yield from work.items(clips, self._jobs)

    def close(self) -> None:
        """Do nothing: nothing is held."""
