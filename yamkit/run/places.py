"""Which file each result goes to: names are planned here, before anything is computed."""

from __future__ import annotations

import itertools
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from yamkit._util.text import path_text, printable, text_to_path, underscored
from yamkit.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from yamkit.plugin import Sink, SinkInfo

__all__ = ["Format", "Places", "plan_places"]

_FIELDS = ("{folder}", "{stem}", "{name}", "{ext}", "{shard}")
_FIELD_LIST = ", ".join(_FIELDS)
_STDIN_NAME = "stdin"
_ADVICE = "name a folder or a template: --output 'tags/{stem}.{ext}'"


@dataclass(frozen=True)
class Format:
    """A selected sink: its descriptor and its factory."""

    info: SinkInfo
    factory: Callable[[], Sink]


@dataclass(frozen=True)
class Places:
    """Where the results of a run go; made by `plan_places`.

    Attributes
    ----------
    formats : sequence of Format
    template : str or None
        For the names of files; None for standard output.
    shard : tuple of int or None
        Which part of a corpus the clips are, and of how many.
    """

    formats: Sequence[Format]
    template: str | None
    shard: tuple[int, int] | None = None

    @property
    def per_clip(self) -> bool:
        """Whether each clip has its own files, so that one that fails costs no other."""
        return self.template is not None and _is_per_clip(self.template)

    @property
    def shown(self) -> str | None:
        """Where outputs are, for a message; None for standard output."""
        if self.template is None or len(self.formats) > 1:
            return self.template
        return self.template.replace("{ext}", self.formats[0].info.extension)

    @property
    def journal(self) -> Path | None:
        """Path of the journal; None for standard output."""
        if self.template is None:
            return None
        if not self.per_clip:
            return Path(self.template.replace(".{ext}", "").replace("{ext}", "") + ".journal")
        fixed = itertools.takewhile(lambda part: "{" not in part, Path(self.template).parts)
        shard = "" if self.shard is None else "-{:05}-of-{:05}".format(*self.shard)
        return Path(*fixed) / f"yamkit{shard}.journal"

    def of(self, format_: Format, clip: str) -> Path | None:
        """Return the file for a format, and a clip where each has its own; None: standard output.

        Parameters
        ----------
        format_ : Format
        clip : str
            Its path as valid Unicode.
        """
        return None if self.template is None else _place(self.template, format_, clip)

    def are_there(self, clip: str) -> bool:
        """Return whether a clip's own files exist; True where it has none."""
        if self.template is None or not self.per_clip:
            return True
        clip = path_text(clip)
        return all(_place(self.template, format_, clip).is_file() for format_ in self.formats)


def plan_places(
    formats: Sequence[Format],
    output: str | None,
    clips: Sequence[str],
    shard: tuple[int, int] | None = None,
) -> Places:
    """Decide which file each format and clip goes to, before anything is computed.

    Parameters
    ----------
    formats : sequence of Format
    output : str or None
        None or ``-``: standard output, for a single format. A folder (an existing one, or a name
        that ends with a separator; any name where there are several formats): a file for each clip
        and format, ``{stem}.{ext}``. A template with ``{stem}`` or ``{name}`` (the clip's file name
        without and with its suffix), and perhaps ``{folder}`` (the clip's folder, as given, without
        ``..``): likewise. A template with only ``{ext}``, or a plain name: all clips in one file
        for each format. In a folder, formats for corpora have one file for all clips, too.
    clips : sequence of str
        Paths of the clips, to find clashes of names.
    shard : tuple of int, optional
        Which part of a corpus the clips are, and of how many, for ``{shard}``. It is added to the
        name of a file for all clips, where the name does not have it.

    Raises
    ------
    ParameterError
        If two results would go to the same file, or onto an input, or several clips into one file
        of a format that holds one.
    """
    if output == "":
        raise ParameterError("output '': must be a file, a folder, a template, or - for stdout")
    if output is None or output == "-":
        _check_standard_output(formats, clips, shard)
        return Places(formats, None)
    unknown = [field for field in re.findall(r"\{[^{}]*\}?", output) if field not in _FIELDS]
    if unknown:
        raise ParameterError(
            f"output {output!r}: unknown field {unknown[0]}; fields: {_FIELD_LIST}"
        )
    template = _template(formats, output)
    if shard is not None and "{shard}" not in template and not _is_per_clip(template):
        place = Path(template)
        template = str(place.with_name(f"{place.stem}-{{shard}}{place.suffix}"))
    template = template.replace("{shard}", "{:05}-of-{:05}".format(*(shard or (1, 1))))
    if not _is_per_clip(template):
        _check_one_clip(formats, clips)
    _check_clashes(formats, template, clips)
    return Places(formats, template, shard)


def _template(formats: Sequence[Format], output: str) -> str:
    """Return a template for what the user gave: a template, a folder, or a file."""
    if any(field in output for field in _FIELDS):
        return output
    separators = tuple(s for s in (os.sep, os.altsep) if s)
    is_folder = output.endswith(separators) or Path(output).is_dir()
    if not is_folder and len(formats) == 1:
        return output
    if not is_folder and Path(output).suffix[1:] in {f.info.extension for f in formats}:
        raise ParameterError(
            f"output {output!r}: {len(formats)} formats do not fit into one file; {_ADVICE}"
        )
    is_collected = any(format_.info.for_corpora for format_ in formats)
    return str(Path(output) / ("part-{shard}.{ext}" if is_collected else "{stem}.{ext}"))


def _check_standard_output(
    formats: Sequence[Format], clips: Sequence[str], shard: tuple[int, int] | None
) -> None:
    _check_one_clip(formats, clips)
    if len(formats) > 1:
        names = ", ".join(format_.info.name for format_ in formats)
        raise ParameterError(
            f"standard output takes one format, not {len(formats)} ({names}); {_ADVICE}"
        )
    if shard is not None:
        raise ParameterError("--shard requires --output; name a file or folder")


def _check_one_clip(formats: Sequence[Format], clips: Sequence[str]) -> None:
    for format_ in formats:
        if format_.info.one_clip and len(clips) > 1:
            raise ParameterError(
                f"format {format_.info.name}: a file holds one clip, not {len(clips)}; {_ADVICE}"
            )


def _check_clashes(formats: Sequence[Format], template: str, clips: Sequence[str]) -> None:
    inputs = {os.path.realpath(clip) for clip in clips if clip != "-"}
    owners: dict[str, str] = {}
    for format_ in formats:
        for clip in map(path_text, clips) if _is_per_clip(template) else [""]:
            place = _place(template, format_, clip)
            path = os.path.realpath(place)
            if path in inputs:
                raise ParameterError(
                    f"output {printable(place)} is one of the inputs; choose another name"
                )
            owner = f"{printable(clip) or 'all clips'} as {format_.info.name}"
            if path in owners:
                raise ParameterError(
                    f"{owners[path]} and {owner} would both go to {printable(place)}; use more "
                    f"of {_FIELD_LIST} in --output"
                )
            owners[path] = owner


def _is_per_clip(template: str) -> bool:
    return "{stem}" in template or "{name}" in template


def _place(template: str, format_: Format, clip: str) -> Path:
    path = Path(_STDIN_NAME if clip == "-" else clip.rpartition("://")[2])
    folders = [part for part in path.parent.parts if part not in ("..", path.anchor)]
    values = {
        "{folder}": str(Path(*folders)),
        "{stem}": path.name if path.stem in (".", "..") else path.stem,
        "{name}": path.name,
        "{ext}": format_.info.extension,
    }
    return Path(*(_filled(part, values) for part in Path(template).parts))


def _filled(part: str, values: Mapping[str, str]) -> str:
    """Fill in one part of a template; no clip's name leads out of the folder of that part."""
    if "{" not in part:
        return part
    text = re.sub(r"\{\w+\}", lambda match: underscored(values[match[0]]), part)
    below = Path(*("__" if each == ".." else each for each in Path(text).parts))
    # the name of a clip is Unicode, and becomes the same bytes again in any locale
    return text_to_path(str(below))
