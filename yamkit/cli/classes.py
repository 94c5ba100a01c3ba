"""``yamkit classes``: the classes of a model, and their place in the ontology."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from yamkit.cli._help import Command
from yamkit.cli._model import MODEL, choose_model
from yamkit.cli._notes import note_options
from yamkit.cli._settings import JSON

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from yamkit.types import TagClass

__all__ = ["classes"]


@click.command(cls=Command)
@click.option("--model", **MODEL)
@click.option("--search", metavar="TEXT", help="List only classes with TEXT in their name or MID.")
@click.option("--tree", is_flag=True, help="Show the tree of the AudioSet ontology.")
@click.option("--json", "as_json", **JSON)
@note_options(progress=False)
def classes(model: str | None, search: str | None, tree: bool, as_json: bool) -> None:
    """List the classes of a model: index, MID, name.

    \b
    Examples:
      yamkit classes --search dog
      yamkit classes --tree
      yamkit classify --events --classes 'Domestic animals, pets/' farm.flac

    In the tree, names in parentheses are not classes of the model, but --classes NAME/ selects all
    classes below them. A class may be below several others.

    The AudioSet ontology is copyright Google LLC and licensed under CC BY-SA 4.0.
    """
    import json

    from yamkit._util.text import nearest, printable
    from yamkit.errors import ParameterError
    from yamkit.scores.ontology import audioset

    bundle = choose_model(model)
    ontology = audioset()
    text = (search or "").casefold()
    found = [
        entry
        for entry in bundle.classes
        if text in entry.name.casefold() or text in entry.mid.casefold()
    ]
    if not found:
        hint = nearest(search or "", [entry.name for entry in bundle.classes])
        hint = hint if hint.endswith("?") else "; see: yamkit classes"
        raise ParameterError(f"search {printable(search or '')!r}: no class matches{hint}")
    if as_json:
        rows = [
            {
                "index": entry.index,
                "mid": entry.mid,
                "name": entry.name,
                "parents": list(ontology.parents(entry.mid)),
            }
            for entry in found
        ]
        head = {"schema": "yamkit-classes/1", "model": bundle.name}
        click.echo(json.dumps({**head, "classes": rows}, indent=2, ensure_ascii=False))
        return
    if tree:
        click.echo("\n".join(printable(line) for line in _tree(found, bundle.classes)))
        return
    width = max(len(entry.mid) for entry in found)
    for entry in found:
        click.echo(f"{entry.index:>5}  {printable(entry.mid):{width}}  {printable(entry.name)}")


def _tree(found: Sequence[TagClass], classes: Sequence[TagClass]) -> Iterator[str]:
    """Yield the lines of the tree that lead to these classes."""
    from yamkit.scores.ontology import audioset

    ontology = audioset()
    shown = {entry.mid for entry in found}
    places = {entry.mid: entry for entry in classes if entry.mid}

    def lines(mid: str, depth: int) -> Iterator[str]:
        if mid not in shown and not shown.intersection(ontology.below(mid)):
            return
        entry = places.get(mid)
        name = ontology.names[mid]
        yield "  " * depth + (f"({name})" if entry is None else f"{entry.name}  [{entry.index}]")
        for child in ontology.children.get(mid, ()):
            yield from lines(child, depth + 1)

    for root in ontology.roots:
        yield from lines(root, 0)
    for entry in found:
        if entry.mid not in ontology.names:
            yield f"{entry.name}  [{entry.index}]"
