"""Classify the files that went wrong elsewhere, and compare with what is in each.

Uses the installed `yamkit` command and the standard library alone, as a new user would.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

REFUSED = {"wav-holding-aac.wav", "wav-odd-chunk-no-pad.wav"}
"""What may fail, by a clear message."""


def main() -> None:
    folder = Path(os.environ["YAMKIT_SHARED"]) / "cases" / "audio"
    with (folder / "index.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    yamkit = str(Path(sys.executable).with_name("yamkit"))
    command = [yamkit, "classify", "--model", "yamnet-mini", "--format", "json"]
    command += [str(folder / row["file"]) for row in rows]
    done = subprocess.run(command, capture_output=True, text=True)
    clips = json.loads(done.stdout)["clips"]
    assert len(clips) == len(rows)
    for row, clip in zip(rows, clips, strict=True):
        name = row["file"]
        if "error" in clip:
            assert name in REFUSED, clip
            continue
        seconds, warnings = clip["duration_seconds"], clip.get("warnings", [])
        assert abs(seconds - float(row["seconds"])) <= float(row["tolerance"]), clip
        if row["warns"] != "either":
            assert bool(warnings) == (row["warns"] == "yes"), clip
        print(f"{name}: {seconds:.3f} s, {'; '.join(warnings) or 'no warning'}")


if __name__ == "__main__":
    main()
