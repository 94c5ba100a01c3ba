"""Completion of values in shells: files, models, plugins, classes.

Whatever is wrong with a model or a plugin, nothing but values reaches the shell.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from typing import TYPE_CHECKING

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import click

    Values = list[CompletionItem[str]]
    Completion = Callable[[click.Context, click.Parameter, str], Values]

__all__ = ["classes", "export_forms", "files", "models", "plugins", "published", "words"]


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> Values:  # noqa: ARG001
    """Let the shell complete the name of a file."""
    return [CompletionItem(incomplete, type="file")]


def words(*known: str) -> Completion:
    """Complete one of a few words."""
    return _completion(lambda ctx: ((word, "") for word in known))  # noqa: ARG005


def plugins(*kinds: str) -> Completion:
    """Complete the name of an installed plugin, of one of these kinds where any is given."""

    def names(ctx: click.Context) -> Iterator[tuple[str, str]]:  # noqa: ARG001
        from yamkit.registry import registry

        for plugin in registry().plugins:
            is_wanted = plugin.state != "broken" and (not kinds or plugin.kind in kinds)
            if plugin.info is not None and is_wanted:
                yield plugin.name, plugin.info.summary

    return _completion(names)


def export_forms() -> Completion:
    """Complete the name of a form that models are exported to."""

    def names(ctx: click.Context) -> Iterator[tuple[str, str]]:  # noqa: ARG001
        from yamkit.plugin import BackendInfo
        from yamkit.registry import registry

        for plugin in registry().plugins:
            if isinstance(plugin.info, BackendInfo):
                yield from ((form, "") for form in plugin.info.exports)

    return _completion(names)


def models(*, removable: bool = False) -> Completion:
    """Complete the name of a model or a folder; or of what can be removed, damaged ones too."""

    def names(ctx: click.Context) -> Iterator[tuple[str, str]]:  # noqa: ARG001
        from yamkit.models.store import built_in, installed

        for model in installed() if removable else (*built_in(), *installed()):
            if model.bundle is not None:
                yield model.name, f"{len(model.bundle.classes)} classes"
            elif removable:
                yield model.name, "damaged"

    return _completion(names, "plain" if removable else "dir")


def published() -> Completion:
    """Complete the name of a model that can be downloaded."""

    def names(ctx: click.Context) -> Iterator[tuple[str, str]]:  # noqa: ARG001
        from yamkit.models.catalogue import published_names

        yield from ((name, "") for name in published_names())

    return _completion(names)


def classes() -> Completion:
    """Complete the name of a class of the model or of a subtree of the ontology, or of a file."""

    def names(ctx: click.Context) -> Iterator[tuple[str, str]]:
        from yamkit.models.store import default_model, find_model
        from yamkit.scores.ontology import audioset

        chosen = ctx.params.get("model")
        bundle = find_model(chosen) if chosen else default_model()
        for entry in bundle.classes:
            yield entry.name, entry.mid
        ontology = audioset()
        for mid, children in ontology.children.items():
            if children:
                yield f"{ontology.names[mid]}/", "with all below it"

    return _completion(names, "file")


def _completion(
    names: Callable[[click.Context], Iterator[tuple[str, str]]], type_: str = "plain"
) -> Completion:
    """Offer the names, each with a remark, that begin with what was typed, in either case.

    Where none does and `type_` is ``file`` or ``dir``, the shell looks for one.
    """

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> Values:  # noqa: ARG001
        found: dict[str, str] = {}
        start = incomplete.casefold()
        with (
            contextlib.suppress(Exception, SystemExit),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            for name, remark in names(ctx):
                if name.casefold().startswith(start) and name.isprintable():
                    found.setdefault(name, remark)
        if not found and type_ != "plain":
            return [CompletionItem(incomplete, type=type_)]
        return [
            CompletionItem(name, help=" ".join(found[name].split()) or None)
            for name in sorted(found)
        ]

    return complete


class _Shell(ShellComplete):
    """What click leaves undone in every shell: values behind ``=``."""

    def get_completions(self, args: list[str], incomplete: str) -> Values:
        items = super().get_completions(args, incomplete)
        option, is_assigned, _ = incomplete.partition("=")
        if is_assigned and option.startswith("--"):
            for item in items:
                item.value = f"{option}={item.value}" if item.type == "plain" else item.value
        return items


class _Bash(_Shell, BashComplete):
    """Names with spaces and quotes, as one word each; what bash makes words of."""

    def get_completion_args(self) -> tuple[list[str], str]:
        args, incomplete = super().get_completion_args()
        # to bash --model=mini is three words
        return [word for word in args if word != "="], "" if incomplete == "=" else incomplete

    def format_completion(self, item: CompletionItem[str]) -> str:
        words = os.environ["COMP_WORDS"].split("\n")
        typed = words[min(int(os.environ["COMP_CWORD"]), len(words) - 1)]
        if item.type != "plain" or typed[:1] in ("'", '"'):
            return super().format_completion(item)
        # twice: the `read` of click's script takes one backslash away
        return f"{item.type},{re.sub(_SPECIAL, _ESCAPED, item.value)}"


_SPECIAL = re.compile(r"[^\w@%+=:,./-]")
_ESCAPED = r"\\\\\g<0>"


class _Zsh(_Shell, ZshComplete):
    pass


class _Fish(_Shell, FishComplete):
    """Names with commas."""

    source_template = FishComplete.source_template.replace(
        'string split "," ', 'string split -m 1 "," '
    )


for _shell in (_Bash, _Zsh, _Fish):
    add_completion_class(_shell)
