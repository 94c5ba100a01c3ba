"""Import the shared weights and classify the golden clips; compare with what must come out.

Uses the installed `yamkit` command and the standard library alone, as a new user would.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

TIE = 4e-4
FLOOR = 1e-6
TOLERANCE = 2e-4


def main() -> None:
    shared = Path(os.environ["YAMKIT_SHARED"])
    yamkit = str(Path(sys.executable).with_name("yamkit"))
    if not (Path(os.environ["YAMKIT_HOME"]) / "models" / "yamnet").is_dir():
        weights = str(shared / "models" / "yamnet.h5")
        subprocess.run([yamkit, "models", "import", weights, "--name", "yamnet"], check=True)
    golden = {clip["clip"]: clip for clip in json.loads((shared / "golden/index.json").read_text())}
    clips = sorted(str(path) for path in (shared / "golden").glob("*.flac"))
    for backend in sys.argv[1:]:
        command = [yamkit, "classify", "--backend", backend, "--format", "json", *clips]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)["clips"]
        assert len(found) == len(golden) == len(clips)
        for clip in found:
            compare(clip, golden[Path(clip["path"]).name])
        print(f"{backend}: {len(found)} clips as they should be")


def compare(clip: dict, wanted: dict) -> None:
    """Check the first five, in any order where neighbours differ by less than the tie."""
    where = clip["path"]
    assert clip["patches"] == wanted["patches"], where
    assert clip["sample_rate"] == wanted["sample_rate"], where
    assert clip["channels"] == wanted["channels"], where
    truth = [(name, score) for name, score in wanted["top5"] if score >= FLOOR]
    tags = [(tag["name"], tag["score"]) for tag in clip["tags"]][: len(truth)]
    expected = dict(truth)
    for place, (name, score) in enumerate(tags):
        assert abs(score - truth[place][1]) <= TOLERANCE, (where, tags, truth)
        if name in expected:
            assert abs(score - expected[name]) <= TOLERANCE, (where, tags, truth)
        else:  # only a class that ties with the last one may take its place
            assert abs(score - truth[-1][1]) < TIE, (where, tags, truth)


if __name__ == "__main__":
    main()
