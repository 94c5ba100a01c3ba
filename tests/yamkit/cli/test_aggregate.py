"""What a clip's score is of its patches, when each class was highest, and where silence leads."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import soundfile

from yamkit import Tagger
from yamkit.models.bundle import ModelBundle

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "docs" / "reference" / "yamkit-1.schema.json"
HINT = (
    "hint: Silence has the highest score{}; --aggregate sounding gives silent patches less weight, "
    "and --events reports when each class sounds\n"
)


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A wave on the shore with silence behind it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YAMKIT_MODEL", "yamnet-mini")
    sound, rate = soundfile.read(ROOT / "docs" / "assets" / "four-events.wav")
    sound = np.concatenate([np.zeros(2 * rate), sound[: 2 * rate], np.zeros(8 * rate)])
    soundfile.write("wave.wav", sound, rate)
    soundfile.write("sound.wav", sound[2 * rate : 4 * rate], rate)


def test_silence_leads_the_mean_and_not_what_sounds(yamkit) -> None:
    code, out, err = yamkit("classify", "wave.wav", "--top", "1")
    assert (code, err) == (0, HINT.format(""))
    assert out.splitlines()[1].split()[0] == "Silence"
    code, out, err = yamkit("classify", "wave.wav", "--top", "1", "--aggregate", "sounding")
    assert (code, err) == (0, "")
    assert out.startswith("wave.wav: 12.00 s, sounding of 24 patches, yamnet-mini\n")
    assert re.fullmatch(r"  Ocean +0\.\d{3}  peak 0\.\d{3} at 0:02\.\d", out.splitlines()[1])
    for quiet in (
        ["--quiet"],
        ["--events"],
        ["--classes", "Ocean"],
        ["--aggregate", "max", "--top", "1"],
    ):
        assert yamkit("classify", "wave.wav", *quiet)[2] == ""
    _, _, err = yamkit("classify", "wave.wav", "sound.wav", "--format", "csv")
    assert err == HINT.format(" in 1 of 2 files")


@pytest.mark.parametrize("aggregate", ["mean", "max", "sounding"])
@pytest.mark.parametrize("options", [[], ["--roll-up"]])
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_peaks_are_those_of_the_patches(yamkit, aggregate: str, options: list[str]) -> None:
    run = ["classify", "wave.wav", "--format", "json", "--aggregate", aggregate, "--top", "all"]
    _, out, _ = yamkit(*run, "--per-patch", *options)
    document = json.loads(out)
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    (clip,) = document["clips"]
    best: dict = {}
    for patch in clip["timeline"]:
        for tag in patch["tags"]:
            assert "peak" not in tag
            if tag["score"] > best.get(tag["index"], (-1, 0))[0]:
                best[tag["index"]] = tag["score"], patch["start_seconds"]
    assert {tag["index"]: (tag["peak"], tag["peak_seconds"]) for tag in clip["tags"]} == best
    if aggregate == "max":
        assert all(tag["peak"] == tag["score"] for tag in clip["tags"])
    if not options:
        with Tagger("yamnet-mini", aggregate=aggregate) as tagger:
            tags = tagger.tag("wave.wav").to_dict(None)["tags"]
        assert tags == clip["tags"]


def test_a_long_clip_has_its_peaks_by_the_clock(yamkit) -> None:
    sound, rate = soundfile.read("wave.wav")
    soundfile.write("long.wav", np.concatenate([np.zeros(60 * rate), sound]), rate)
    _, out, _ = yamkit("classify", "long.wav", "--classes", "Waves, surf")
    assert re.search(r"Waves, surf +0\.\d{3}  peak 0\.\d{3} at 0:01:02\.\d\n", out)


def test_a_bundle_that_names_no_silence_refuses(yamkit, tiny: ModelBundle) -> None:
    Path("list.csv").write_text("path,labels\nwave.wav,Ocean\nsound.wav,Speech\n")
    model = ["--aggregate", "sounding", "--model", str(tiny.folder)]
    for command in (
        ["classify", "wave.wav"],
        ["eval", "list.csv"],
        ["calibrate", "list.csv", "-o", "c.csv"],
    ):
        code, out, err = yamkit(*command, *model)
        assert (code, out) == (2, "")
        assert err.startswith("error: aggregate 'sounding': tiny ")
        assert "model.toml" in err


def test_an_evaluation_of_what_sounds(yamkit) -> None:
    Path("list.csv").write_text("path,labels\nwave.wav,Ocean\nsound.wav,Speech\n")
    run = ["eval", "list.csv", "--aggregate", "sounding", "--json", "--scores", "scores.npz"]
    code, out, err = yamkit(*run)
    assert (code, err) == (0, "")
    assert json.loads(out)["systems"][0]["aggregate"] == "sounding"
    with Tagger("yamnet-mini", aggregate="sounding") as tagger:
        clip = tagger.tag("wave.wav")
    from yamkit.evaluation.scores_file import read_scores

    assert read_scores(Path("scores.npz")).rows["wave.wav"] == pytest.approx(
        clip.clip_scores, abs=1e-6
    )
