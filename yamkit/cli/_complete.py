"""Completion of values in shells: files, models, plugins, classes.

Broken models and plugins are left out: the shell gets values and never an error.
"""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import click

    Values = list[CompletionItem[str]]
    Completion = Callable[[click.Context, click.Parameter, str], Values]

__all__ = ["classes", "export_formats", "files", "models", "plugins", "published", "words"]


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> Values:  # noqa: ARG001
    """Have the shell complete the name of a file."""
    return [CompletionItem(incomplete, type="file")]


def words(*known: str) -> Completion:
    """Complete one of a few words."""
    return _completion(lambda ctx: ((word, "") for word in known))  # noqa: ARG005


def plugins(*kinds: str) -> Completion:
    """Complete the name of an installed plugin, of these kinds if any is given."""

    def names(ctx: click.Context) -> Iterator[tuple[str, str]]:  # noqa: ARG001
        from yamkit.registry import registry

        for plugin in registry().plugins:
            is_offered = plugin.state != "broken" and (not kinds or plugin.kind in kinds)
            if plugin.info is not None and is_offered:
                yield plugin.name, plugin.info.summary

    return _completion(names)


def export_formats() -> Completion:
    """Complete the name of a format that models are exported to."""

    def names(ctx: click.Context) -> Iterator[tuple[str, str]]:  # noqa: ARG001
        from yamkit.plugin import BackendInfo
        from yamkit.registry import registry

        for plugin in registry().plugins:
            if isinstance(plugin.info, BackendInfo):
                yield from ((name, "") for name in plugin.info.exports)

    return _completion(names)


def models(*, removable: bool = False) -> Completion:
    """Complete the name of a model or a folder; or of a model that can be removed."""

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
                yield f"{ontology.names[mid]}/", "with all classes below it"

    return _completion(names, "file")


def _completion(
    names: Callable[[click.Context], Iterator[tuple[str, str]]], type_: str = "plain"
) -> Completion:
    """Offer the names that start with the typed text, in either case, each with a remark.

    If there is none and `type_` is ``file`` or ``dir``, the shell completes a path.
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
