"""The AudioSet ontology: which classes are below which.

The table ``data/ontology.csv`` is made of ``ontology.json`` as the AudioSet project publishes it
(J. F. Gemmeke et al., "Audio Set: An ontology and human-labeled dataset for audio events", ICASSP
2017; CC BY-SA 4.0).
"""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Ontology", "audioset"]


@dataclass(frozen=True)
class Ontology:
    """Nodes with their names and children; a node may have several parents.

    Attributes
    ----------
    names : mapping of str to str
        By machine identifier.
    children : mapping of str to tuple of str
        Machine identifiers of the children, in order.
    roots : tuple of str
        Nodes without a parent.
    """

    names: Mapping[str, str]
    children: Mapping[str, tuple[str, ...]]
    roots: tuple[str, ...]

    def parents(self, mid: str) -> tuple[str, ...]:
        """Return the machine identifiers of a node's parents."""
        return tuple(parent for parent, below in self.children.items() if mid in below)

    def below(self, mid: str) -> tuple[str, ...]:
        """Return all nodes below a node, each once, in depth-first order."""
        found: dict[str, None] = {}

        def walk(node: str) -> None:
            for child in self.children.get(node, ()):
                if child not in found:
                    found[child] = None
                    walk(child)

        walk(mid)
        return tuple(found)


@functools.cache
def audioset() -> Ontology:
    """Return the AudioSet ontology, which comes with yamkit."""
    text = (files("yamkit") / "data" / "ontology.csv").read_text(encoding="utf-8")
    names: dict[str, str] = {}
    children: dict[str, list[str]] = {}
    roots = []
    for row in csv.DictReader(line for line in text.splitlines() if not line.startswith("#")):
        names[row["mid"]] = row["name"]
        for parent in row["parents"].split():
            children.setdefault(parent, []).append(row["mid"])
        if not row["parents"]:
            roots.append(row["mid"])
    return Ontology(names, {mid: tuple(below) for mid, below in children.items()}, tuple(roots))
