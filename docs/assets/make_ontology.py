"""Makes yamkit/data/ontology.csv from ontology.json, as the AudioSet project publishes it.

    python docs/assets/make_ontology.py ontology.json > yamkit/data/ontology.csv

Only facts are kept: machine identifier, name, parents. The nodes are in depth-first order, each
once, so that every node follows one of its parents.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

ATTRIBUTION = (
    "AudioSet Ontology (https://github.com/audioset/ontology): machine identifiers, names and "
    "parents. Copyright Google LLC, licensed under CC BY-SA 4.0 "
    "(https://creativecommons.org/licenses/by-sa/4.0/); this table is under the same licence."
)


def main() -> None:
    """Read the ontology, write the table."""
    nodes = {node["id"]: node for node in json.loads(Path(sys.argv[1]).read_text("utf-8"))}
    parents: dict[str, list[str]] = {mid: [] for mid in nodes}
    for mid, node in nodes.items():
        for child in node["child_ids"]:
            parents[child].append(mid)
    walked: dict[str, None] = {}

    def walk(mid: str) -> None:
        if mid not in walked:
            walked[mid] = None
            for child in nodes[mid]["child_ids"]:
                walk(child)

    for mid, above in parents.items():
        if not above:
            walk(mid)
    sys.stdout.write(f"# {ATTRIBUTION}\n")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("mid", "name", "parents"))
    for mid in walked:
        writer.writerow((mid, nodes[mid]["name"], " ".join(parents[mid])))


if __name__ == "__main__":
    main()
