"""Which output formats a run writes: by their names, or by the suffix of the output."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from yamkit._util.text import printable
from yamkit.errors import ParameterError
from yamkit.plugin import SinkInfo
from yamkit.registry import registry
from yamkit.run.places import Format

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["format_of_output", "load_formats"]

_ARRAY_FORMATS = {"scores": "scores-npy", "embedding": "embeddings-npy"}


def load_formats(names: Iterable[str], arrays: Iterable[str]) -> list[Format]:
    """Load the sinks of these formats, and one for each array that none of them writes.

    Parameters
    ----------
    names : iterable of str
    arrays : iterable of str
        ``scores`` and ``embedding``, if they are saved.
    """
    formats = [_load(name) for name in dict.fromkeys(names)]
    written = {array for each in formats for array in each.info.arrays}
    return formats + [_load(_ARRAY_FORMATS[array]) for array in arrays if array not in written]


def format_of_output(output: str | None, *, events: bool, inputs: Iterable[str] = ()) -> str:
    """Return the format that the suffix of an output belongs to; ``text`` if it has none.

    Parameters
    ----------
    output : str or None
        File, folder or template; None for standard output.
    events : bool
        Whether events are reported: formats that hold only events are for these.
    inputs : iterable of str
        An output that is one of them has any format; it is refused later, with a better message.

    Raises
    ------
    ParameterError
        If no format has the suffix.
    """
    place = Path(output or "")
    name = place.name.casefold()
    plugins = (each for each in registry().plugins if each.state in ("ready", "missing"))
    sinks = [each.info for each in plugins if isinstance(each.info, SinkInfo)]
    named = [info for info in sinks if name.endswith(f".{info.extension.casefold()}")]
    fitting = [info for info in named if events or not info.for_events]
    if named:
        return max(fitting or named, key=lambda info: len(info.extension)).name
    is_folder = str(output).endswith(("/", os.sep)) or (place.exists() and not place.is_file())
    has_suffix = place.suffix and "{" not in place.suffix and not is_folder
    if has_suffix and str(output) not in inputs:
        suffixes = (f".{info.extension}" for info in sinks if events or not info.for_events)
        raise ParameterError(
            f"output {printable(place)}: no format has the suffix {printable(place.suffix)}; must "
            f"be one of {', '.join(suffixes)}; or name a format: --format csv"
        )
    return "text"


def _load(name: str) -> Format:
    plugin = registry().resolve("sink", name)
    assert isinstance(plugin.info, SinkInfo)
    return Format(plugin.info, registry().load(plugin))
