"""``yamkit eval`` as a user meets it: figures and coverage, files, comparisons, bad input."""

from __future__ import annotations

import csv
import functools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.yamkit.evaluation.label_lists import LAYOUTS, write_list, write_noise
from yamkit import Tagger
from yamkit.evaluation import EvaluationSettings, evaluate, evaluate_set
from yamkit.evaluation.scores_file import read_scores
from yamkit.models.bundle import ModelBundle

CLIPS = {"1.wav": "Dog", "2.wav": "Speech;Silence", "3.wav": "", "4.wav": "Dog;nonsense"}


@pytest.fixture(autouse=True)
def _set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: ModelBundle):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YAMKIT_MODEL", str(tiny.folder))
    Path("audio").mkdir()
    for number, name in enumerate(CLIPS):
        noise = np.random.default_rng(number).normal(0, 0.1 * (number + 1), 8000)
        soundfile.write(Path("audio", name), np.clip(noise, -1, 1), 8000)
    rows = "".join(f"{name},{labels}\n" for name, labels in CLIPS.items())
    Path("list.csv").write_text("path,labels\n" + rows)


@pytest.fixture
def yamkit(yamkit):
    return functools.partial(yamkit, "eval")


def test_the_text_says_what_the_figures_stand_for(yamkit) -> None:
    code, out, err = yamkit("list.csv", "--audio", "audio")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "list.csv (csv): 4 clips listed, 4 found, 4 scored, 0 failed"
    assert lines[1] == "3 of 6 classes have positives, 1 clips have no label"
    assert lines[2] == "  labels without a class, with their number of clips: nonsense (1)"
    assert "mean average precision (mAP) over 3" in out
    assert "accuracy" not in out  # clips have several labels


def test_figures_are_those_of_the_taggers_scores(yamkit, tiny: ModelBundle) -> None:
    code, out, _ = yamkit("list.csv", "--audio", "audio", "--json", "--bootstrap", "20")
    assert code == 0
    document = json.loads(out)
    with Tagger(tiny) as tagger:
        scores = [tagger.tag(Path("audio", name)).clip_scores for name in CLIPS]
        names = [entry.name for entry in tagger.classes]
        same = evaluate_set("list.csv", "audio", tagger, EvaluationSettings(bootstrap=20))
    truth = [[name in labels.split(";") for name in names] for labels in CLIPS.values()]
    wanted = evaluate(truth, np.array(scores), names, bootstrap=20)
    (system,) = document["systems"]
    for key, figure in wanted.summary.items():
        assert system["summary"][key]["value"] == pytest.approx(figure.value)
        assert system["summary"][key]["low"] == pytest.approx(figure.low)
    coverage = document["coverage"]
    assert coverage["listed"] == coverage["found"] == coverage["scored"] == 4
    assert coverage["unmapped_labels"] == [{"label": "nonsense", "name": "", "clips": 1}]
    assert coverage["classes_without_positives"] == [
        "White noise",
        "Sine wave",
        'Narration, "monologue"',
    ]
    assert system["classes"][3]["average_precision"] is None
    assert same.report.summary["mean_auc"].value == pytest.approx(wanted.summary["mean_auc"].value)
    assert document["schema"] == "yamkit-eval/1"


@pytest.mark.parametrize("name", ["report.txt", "classes.csv"])
def test_a_report_that_cannot_be_written(yamkit, name: str) -> None:
    Path("r", name).mkdir(parents=True)
    code, _, err = yamkit("list.csv", "--audio", "audio", "--report", "r")
    assert code == 1
    assert err.startswith("error: r: ")
    assert not [path for path in Path("r").iterdir() if path.name.endswith(".new")]


def test_a_report_folder_and_evaluation_without_audio(yamkit) -> None:
    code, out, _ = yamkit("list.csv", "--audio", "audio", "--report", "deep/report")
    assert code == 0
    folder = Path("deep/report")
    assert sorted(path.name for path in folder.iterdir()) == [
        "classes.csv",
        "precision-recall.png",
        "report.json",
        "report.txt",
        "scores.npz",
        "scores.npz.journal",
    ]
    assert (folder / "report.txt").read_text() == out
    assert (folder / "precision-recall.png").read_bytes().startswith(b"\x89PNG")
    document = json.loads((folder / "report.json").read_text())
    rows = list(csv.DictReader((folder / "classes.csv").read_text().splitlines()))
    assert [row["name"] for row in rows][-1] == 'Narration, "monologue"'
    for row, entry in zip(rows, document["systems"][0]["classes"], strict=True):
        assert row["system"] == "tiny"
        assert int(row["positives"]) == entry["positives"]
        assert (row["auc"] == "") == (entry["auc"] is None)
    code, again, _ = yamkit("list.csv", "--from-scores", str(folder / "scores.npz"))
    assert (code, again) == (0, out)


def test_an_interrupted_run_goes_on(yamkit, monkeypatch: pytest.MonkeyPatch) -> None:
    from yamkit.run import clips

    open_audio, seen = clips.open_audio, []

    def interrupted(path, **options):
        seen.append(Path(path).name)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return open_audio(path, **options)

    monkeypatch.setattr(clips, "open_audio", interrupted)
    one = ("list.csv", "--audio", "audio", "--jobs", "1", "--batch-size", "1", "--scores", "s.npz")
    code, out, err = yamkit(*one)
    line = "interrupted: 2 of 4 files scored; the same command continues"
    assert (code, out, err.strip()) == (130, "", line)
    code, out, _ = yamkit(*one)
    assert code == 0
    assert seen == ["1.wav", "2.wav", "3.wav", "3.wav", "4.wav"]
    code, whole, _ = yamkit("list.csv", "--audio", "audio")
    assert whole == out
    code, _, err = yamkit("list.csv", "--audio", "audio", "--scores", "s.npz", "--aggregate", "max")
    assert code == 2
    assert "s.npz.journal" in err
    assert "aggregate is 'mean'" in err


def test_missing_and_broken_clips_are_named(yamkit) -> None:
    Path("audio/2.wav").unlink()
    Path("audio/3.wav").write_bytes(b"RIFF but not really")
    code, out, _ = yamkit("list.csv", "--audio", "audio")
    assert code == 0
    assert "4 clips listed, 3 found, 2 scored, 1 failed\n" in out
    assert "  missing: 2.wav\n" in out
    assert "  failed: 3.wav: " in out


def test_strict_stops_at_a_missing_file_and_fails_after_a_broken_one(yamkit) -> None:
    Path("audio/3.wav").write_bytes(b"RIFF but not really")
    code, out, err = yamkit("list.csv", "--audio", "audio", "--strict", "--report", "r")
    assert (code, err) == (1, "error: 1 of 4 clips have no scores\n")
    assert Path("r/report.txt").read_text() == out
    Path("audio/2.wav").unlink()
    code, out, err = yamkit("list.csv", "--audio", "audio", "--strict", "--scores", "s.npz")
    assert (code, out) == (1, "")
    assert "audio: 1 of the 4 files of list.csv are missing, such as 2.wav; without --st" in err
    assert not Path("s.npz").exists()


def test_a_clip_that_one_system_lacks_is_in_no_figure(yamkit) -> None:
    yamkit("list.csv", "--audio", "audio", "--scores", "all.npz")
    Path("audio/1.wav").write_bytes(b"RIFF but not really")
    yamkit("list.csv", "--audio", "audio", "--scores", "one.npz", "--limit", "2")
    code, out, _ = yamkit("list.csv", "--from-scores", "all.npz", "--from-scores", "one.npz")
    assert code == 0
    assert "4 clips listed, 4 found, 1 scored, 1 failed, 2 not scored yet\n" in out
    assert "  not scored yet: 3.wav, 4.wav\n" in out
    assert "tiny 2 - tiny 1" in out


def test_a_file_that_changed_is_scored_again(yamkit) -> None:
    _, first, _ = yamkit("list.csv", "--audio", "audio", "--scores", "s.npz")
    Path("audio/1.wav").write_bytes(Path("audio/4.wav").read_bytes())
    _, second, _ = yamkit("list.csv", "--audio", "audio", "--scores", "s.npz")
    _, wanted, _ = yamkit("list.csv", "--audio", "audio")
    assert second == wanted != first


def test_no_clip_can_be_scored(yamkit) -> None:
    for name in CLIPS:
        Path("audio", name).write_bytes(b"RIFF but not really")
    code, out, err = yamkit("list.csv", "--audio", "audio")
    assert (code, out) == (1, "")
    assert err.startswith("error: list.csv: none of its clips has scores; 1.wav: ")


def test_what_cannot_work_is_said_before_anything_is_scored(yamkit, monkeypatch) -> None:
    from yamkit.run import clips

    monkeypatch.setattr(clips, "open_audio", None)
    arguments = ("list.csv", "--audio", "audio")
    for more in (
        ("--classes", "Dgo"),
        ("--backend", "onnx", "--backend", "nonesuch"),
        ("--scores", "nowhere/s.npz"),
        ("--report", "list.csv"),
        ("--report", "list.csv/r"),
    ):
        code, out, err = yamkit(*arguments, *more)
        assert (code > 0, out) == (True, "")
        assert err.startswith(("error: ", "Usage: "))
        assert len(err.splitlines()) == 1


def test_several_models_and_backends(yamkit, tiny: ModelBundle) -> None:
    one = ("--model", str(tiny.folder))
    code, out, err = yamkit(
        "list.csv", "--audio", "audio", *one, *one, "--backend", "onnx", "--backend", "numpy"
    )
    assert (code, err) == (0, "")
    assert "onnx 1  numpy 2  onnx 3  numpy 4" in out


def test_intervals_of_classes_are_in_every_form(yamkit) -> None:
    code, out, _ = yamkit(
        "list.csv", "--audio", "audio", "--bootstrap", "50", "--report", "r", "--limit", "2"
    )
    assert code == 0
    assert "of AP" in out
    classes = json.loads(Path("r/report.json").read_text())["systems"][0]["classes"]
    rows = list(csv.DictReader(Path("r/classes.csv").read_text().splitlines()))
    for row, entry in zip(rows, classes, strict=True):
        low, high = entry["intervals"].get("average_precision", ("", ""))
        assert (row["average_precision_low"], row["average_precision_high"]) == (
            str(low),
            str(high),
        )
    assert any(entry["intervals"] for entry in classes)


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_systems_side_by_side(yamkit) -> None:
    code, out, _ = yamkit(
        "list.csv", "--audio", "audio", "--backend", "onnx", "--backend", "numpy", "--report", "r"
    )
    assert code == 0
    head = next(line for line in out.splitlines() if "numpy - onnx" in line)
    assert head.split() == ["onnx", "numpy", "numpy", "-", "onnx"]
    assert "+0.0000" in out
    document = json.loads(Path("r/report.json").read_text())
    assert [each["backend"] for each in document["systems"]] == ["onnx", "numpy"]
    assert document["differences"][0]["to"] == "numpy"
    assert {path.name for path in Path("r").glob("*.npz")} == {
        "scores-onnx.npz",
        "scores-numpy.npz",
    }
    code, again, _ = yamkit(
        "list.csv", "--from-scores", "r/scores-onnx.npz", "--from-scores", "r/scores-numpy.npz"
    )
    assert again == out
    code, _, err = yamkit(
        "list.csv", "--backend", "onnx", "--backend", "numpy", "--scores", "s.npz"
    )
    assert code == 2
    assert "--scores" in err
    assert "--report" in err


def test_each_model_has_its_class_table_and_its_pictures(yamkit, tiny: ModelBundle) -> None:
    code, out, err = yamkit(
        "list.csv", "--audio", "audio", "--backend", "onnx", "--backend", "numpy", "--report", "r"
    )
    assert (code, err) == (0, "")
    lines = out.splitlines()
    for name in ("onnx", "numpy"):
        start = next(
            n for n, line in enumerate(lines) if line.startswith(f"{name} ") and "AP" in line
        )
        assert {line.split()[0] for line in lines[start + 1 : start + 4]} == {
            "Dog",
            "Speech",
            "Silence",
        }
        assert Path(f"r/precision-recall-{name}.png").is_file()
        assert Path(f"r/scores-{name}.npz").is_file()


def test_a_report_without_matplotlib_says_what_it_left_out(yamkit, monkeypatch) -> None:
    from yamkit.evaluation import plots, report

    monkeypatch.setattr(plots, "can_plot", lambda: False)
    monkeypatch.setattr(report, "can_plot", lambda: False)
    code, _, err = yamkit("list.csv", "--audio", "audio", "--report", "r")
    assert code == 0
    assert err.endswith("pip install 'yamkit[plots]'\n")
    assert not list(Path("r").glob("*.png"))
    assert yamkit("list.csv", "--audio", "audio")[2] == ""


@pytest.mark.parametrize("layout", [*LAYOUTS, "folders"])
@pytest.mark.parametrize("options", [(), ("--json",), ("--bootstrap", "20"), ("--from-scores",)])
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_a_set_without_any_positive(yamkit, tmp_path: Path, layout: str, options) -> None:
    """The clip that has the label cannot be scored; the report says so, and what was covered."""
    if layout == "folders":
        for name in ("Dog", "nonsense"):
            Path("set", name).mkdir(parents=True)
        write_noise(Path("set"), "nonsense/a.wav")
        Path("set/Dog/b.wav").write_bytes(b"RIFF but not really")
        given: tuple[str, ...] = ("set",)
    else:
        label = "/m/2" if layout.startswith("audioset") else "Dog"
        write_list(tmp_path, layout, ("a.wav", "nonsense"), ("b.wav", label))
        write_noise(Path("audio"), "a.wav")
        Path("audio/b.wav").write_bytes(b"RIFF but not really")
        for name in ("a.wav", "b.wav"):
            Path("audio", f"{name}.wav").write_bytes(Path("audio", name).read_bytes())
        given = (_list_of(layout), "--audio", "audio", *_map_of(layout))
    if options == ("--from-scores",):
        assert yamkit(*given, "--scores", "s.npz")[0] == 0
        given = tuple(each for each in given if each not in ("--audio", "audio"))
        options = ("--from-scores", "s.npz")
    code, out, err = yamkit(*given, *options, "--report", "r")
    assert (code, err) == (0, "")
    document = json.loads(Path("r/report.json").read_text())
    assert (document["coverage"]["listed"], document["coverage"]["scored"]) == (2, 1)
    (system,) = document["systems"]
    assert system["summary"]["mean_average_precision"]["value"] is None
    if "--json" not in options:
        assert "nan" not in out
        assert "no scored clip has any of these classes: there is nothing to measure" in out


def _list_of(layout: str) -> str:
    return "list.tsv" if layout.startswith("dcase") or layout == "audioset-strong" else "list.csv"


def _map_of(layout: str) -> tuple[str, ...]:
    """Give the option of a map for layouts whose labels have one that comes with yamkit."""
    if layout not in ("esc50", "urbansound8k", "fsd50k"):
        return ()
    Path("map.csv").write_text("category,name\nDog,Dog\n")
    return ("--label-map", "map.csv")


LONG = {
    "a long name": "x" * 300 + ".wav",
    "without suffix": "x" * 300,
    "a long folder": "d" * 300 + "/b.wav",
    "too many folders": "d/" * 3000 + "b.wav",
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", LONG)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_one_over_long_name_is_a_missing_clip(yamkit, tmp_path, layout: str, name: str) -> None:
    label = "/m/2" if layout.startswith("audioset") else "Dog"
    write_list(tmp_path, layout, ("a.wav", label), (LONG[name], label))
    write_noise(Path("audio"), "a.wav", "a.wav.wav")
    given = (_list_of(layout), "--audio", "audio", *_map_of(layout))
    code, out, err = yamkit(*given, "--json")
    assert (code, err) == (0, "")
    coverage = json.loads(out)["coverage"]
    assert (coverage["listed"], coverage["scored"], len(coverage["missing"])) == (2, 1, 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ("LONG",),
        ("list.csv", "--audio", "LONG"),
        ("list.csv", "--audio", "audio", "--scores", "LONG"),
        ("list.csv", "--audio", "audio", "--report", "LONG"),
        ("list.csv", "--audio", "audio", "--label-map", "LONG"),
        ("list.csv", "--audio", "audio", "--calibration", "LONG"),
        ("list.csv", "--from-scores", "LONG"),
    ],
)
def test_an_option_with_an_over_long_name_is_named(yamkit, arguments) -> None:
    long = "x" * 300
    code, out, err = yamkit(*(long if each == "LONG" else each for each in arguments))
    assert code in (1, 2)
    assert out == ""
    assert err.startswith(f"error: {long}: ")
    assert len(err.splitlines()) == 1


def test_a_list_without_any_label(yamkit) -> None:
    Path("list.csv").write_text("path,labels\n1.wav,\n")
    code, out, err = yamkit("list.csv", "--audio", "audio")
    assert (code, out) == (1, "")
    assert err == "error: list.csv: no clip has a label, so there is nothing to measure\n"


def test_folds_and_a_label_map(yamkit) -> None:
    Path("esc.csv").write_text(
        "filename,fold,target,category\n1.wav,1,0,dog\n2.wav,1,1,rain\n3.wav,2,0,dog\n"
    )
    Path("map.csv").write_text("category,name\ndog,Dog\nrain,White noise\nrain,Sine wave\n")
    arguments = ("--audio", "audio", "--label-map", "map.csv")
    code, out, _ = yamkit("esc.csv", "--fold", "1", *arguments)
    assert code == 0
    assert out.startswith("esc.csv (esc50): 2 clips listed, 2 found, 2 scored, 0 failed\n")
    assert "2 of 2 classes have positives" in out
    assert "top-1 accuracy" in out
    yamkit("esc.csv", "--report", "r", *arguments)
    assert Path("r/confusion.png").is_file()
    code, out, _ = yamkit("esc.csv", "--classes", "dog", *arguments)
    assert "1 of 1 classes have positives, 1 clips have no label" in out
    Path("both.txt").write_text("rain\ndog\n")
    for words in ("dog,rain", "both.txt"):
        assert (
            "2 of 2 classes have positives" in yamkit("esc.csv", "--classes", words, *arguments)[1]
        )


def test_audioset_segments_of_whole_videos_and_of_cut_ones(yamkit, tiny: ModelBundle) -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, 30 * 8000)
    soundfile.write("audio/-abcdefghij.wav", sound, 8000)
    soundfile.write("audio/bbbbbbbbbbb_30000.flac", sound[:80000], 8000)
    soundfile.write("audio/Yccccccccccc.wav", sound[:80000], 8000)
    rows = [
        "# Segments csv created Sun Mar  5 10:54:25 2017",
        "# num_ytids=4, num_segs=4, num_unique_labels=3, num_positive_labels=6",
        "# YTID, start_seconds, end_seconds, positive_labels",
        '-abcdefghij, 10.000, 20.000, "/m/2,/m/05zppz"',
        'bbbbbbbbbbb, 30.000, 40.000, "/m/1"',
        'ccccccccccc, 50.000, 60.000, "/m/1,/m/05zppz"',
        'ddddddddddd, 50.000, 60.000, "/m/1"',
    ]
    Path("eval_segments.csv").write_text("\n".join(rows) + "\n")
    Path("class_labels_indices.csv").write_text(
        "index,mid,display_name\n0,/m/1,Speech\n1,/m/2,Dog\n"
        '2,/m/05zppz,"Male speech, man speaking"\n3,/m/02zsn,"Female speech, woman speaking"\n'
    )
    code, out, _ = yamkit("eval_segments.csv", "--audio", "audio", "--report", "r", "--json")
    assert code == 0
    coverage = json.loads(out)["coverage"]
    assert coverage["unmapped_labels"] == [
        {"label": "/m/05zppz", "name": "Male speech, man speaking", "clips": 2},
        {"label": "/m/02zsn", "name": "Female speech, woman speaking", "clips": 0},
    ]
    assert (coverage["listed"], coverage["found"], coverage["scored"]) == (4, 3, 3)
    scores = list(read_scores(Path("r/scores.npz")).rows.values())
    with Tagger(tiny) as tagger:
        wanted = [
            tagger.tag(part, 8000).clip_scores
            for part in (sound[80000:160000], sound[:80000], sound[:80000])
        ]
    np.testing.assert_allclose(scores, wanted, atol=1e-3)  # 16-bit files


def test_hostile_labels_cannot_drive_a_terminal(yamkit) -> None:
    Path("list.csv").write_text("path,labels\n1.wav,Dog;\x1b[31mred\n2.wav,Dog\n")
    code, out, _ = yamkit("list.csv", "--audio", "audio")
    assert code == 0
    assert "\x1b" not in out
    assert "red (1)" in out
    Path("list.csv").write_text("path,\x1b[31mtags\n1.wav,Dog\n")
    _, _, err = yamkit("list.csv", "--layout", "csv")
    assert "it has: path, \\x1b[31mtags" in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("nowhere.csv",), 1, "nowhere.csv: No such file or directory"),
        (("list.csv", "--audio", "nowhere"), 2, "nowhere: no such audio folder"),
        (("list.csv",), 2, "none of the 4 files of list.csv, such as 1.wav"),
        (("list.csv", "--audio", "audio", "--layout", "x"), 2, "no label reader 'x'; installed"),
        (("list.csv", "--audio", "audio", "--fold", "1"), 2, "the list has no folds"),
        (("list.csv", "--audio", "audio", "--classes", "x"), 2, "class 'x': not one of the 6"),
        (
            ("list.csv", "--audio", "audio", "--classes", "x.csv"),
            2,
            "class 'x.csv': not one",
        ),
        (("list.csv", "--from-scores", "list.csv"), 1, "list.csv: not a scores file"),
        (("list.csv", "--from-scores", "x", "--audio", "audio"), 2, "--audio"),
        (("list.csv", "--from-scores", "x", "--backend", "numpy"), 2, "--backend"),
    ],
)
def test_what_is_wrong_is_one_line(yamkit, arguments, code: int, message: str) -> None:
    found, out, err = yamkit(*arguments)
    assert (found, out) == (code, "")
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_esc10_is_what_the_published_mapping_gives(yamkit, shared, yamnet, monkeypatch) -> None:
    esc10 = shared / "audio" / "esc10"
    code, out, _ = yamkit(
        str(esc10 / "esc10.csv"),
        "--audio",
        str(esc10 / "audio"),
        "--model",
        str(yamnet.folder),
        "--json",
    )
    assert code == 0
    (system,) = json.loads(out)["systems"]
    assert system["summary"]["mean_average_precision"]["value"] == pytest.approx(0.948, abs=0.01)
    assert system["summary"]["mean_average_precision"]["classes"] == 10
    assert json.loads(out)["coverage"]["scored"] == 400


@pytest.mark.ray
def test_a_cluster_reaches_the_same_figures(yamkit, cluster: str) -> None:
    command = [sys.executable, "-m", "yamkit", "eval", "list.csv", "--audio", "audio", "--json"]
    done = subprocess.run(
        [*command, "--runner", "ray", "--ray-address", cluster, "--jobs", "2"],
        capture_output=True,
        text=True,
        check=True,
    )
    _, out, _ = yamkit("list.csv", "--audio", "audio", "--json")
    found, wanted = (json.loads(each)["systems"][0]["summary"] for each in (done.stdout, out))
    assert found.keys() == wanted.keys()
    for name, figure in wanted.items():
        assert found[name]["value"] == pytest.approx(figure["value"], abs=1e-6)
