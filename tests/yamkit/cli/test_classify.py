"""The command line as a user meets it: exit codes, one line an error, nothing lost."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import soundfile

from yamkit import cli
from yamkit.models.bundle import ModelBundle
from yamkit.models.store import install
from yamkit.models.writing import ModelDescription, write_bundle

SCHEMA = Path(__file__).parents[3] / "docs" / "reference" / "yamkit-1.schema.json"


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: ModelBundle):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YAMKIT_MODEL", str(tiny.folder))
    noise = np.random.default_rng(0).normal(0, 0.1, 8000)
    soundfile.write("good.wav", noise, 8000)
    soundfile.write("other.flac", np.stack([noise, noise], axis=1), 44100)


def test_text_is_the_default(yamkit) -> None:
    code, out, err = yamkit("classify", "good.wav", "other.flac")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("good.wav: 1.00 s, mean of 8 patches, tiny")
    assert len(lines) == 12
    rows = [
        re.fullmatch(r"  (\S.*\S) +(0\.\d{3})  peak (0\.\d{3}) at 0:0\d\.\d", line)
        for line in lines[1:6]
    ]
    scores = [float(row[2]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert all(float(row[3]) >= score for row, score in zip(rows, scores, strict=True))


@pytest.mark.parametrize("word", ["all", "ALL", "All"])
def test_all_classes_in_any_case(yamkit, word: str) -> None:
    code, out, _ = yamkit("classify", "--top", word, "good.wav")
    assert (code, len(out.splitlines())) == (0, 7)


def test_whoever_names_no_model_learns_which_one_it_is(
    yamkit, monkeypatch: pytest.MonkeyPatch, tiny: ModelBundle
) -> None:
    line = (
        "using yamnet-mini, the small model that comes with yamkit; "
        "`yamkit models pull yamnet` fetches the full one\n"
    )
    monkeypatch.delenv("YAMKIT_MODEL")
    code, out, err = yamkit("classify", "good.wav")
    assert (code, err) == (0, line)
    assert out.startswith("good.wav: 1.00 s, mean of 2 patches, yamnet-mini\n")
    # nothing is said to those who chose
    assert yamkit("classify", "--model", "yamnet-mini", "good.wav")[1:] == (out, "")
    monkeypatch.setenv("YAMKIT_MODEL", "yamnet-mini")
    assert yamkit("classify", "good.wav")[1:] == (out, "")
    # nor to those who have the full model
    monkeypatch.delenv("YAMKIT_MODEL")
    install(
        "yamnet",
        lambda folder: write_bundle(
            folder,
            ModelDescription(
                name="yamnet",
                version=tiny.version,
                licence=tiny.licence,
                source=tiny.source,
                source_sha256="",
                features=tiny.features,
                network=tiny.network,
                classes=tiny.classes,
            ),
            weights=tiny.load_weights(),
        ),
    )
    code, out, err = yamkit("classify", "good.wav")
    assert (code, err) == (0, "")
    assert out.startswith("good.wav: 1.00 s, mean of 8 patches, yamnet\n")


@pytest.mark.parametrize("name", ["text", "json", "jsonl", "csv"])
def test_every_output_names_its_model(yamkit, name: str) -> None:
    assert "tiny" in yamkit("classify", "--format", name, "good.wav")[1]


def test_json_keeps_to_its_schema(yamkit) -> None:
    Path("bad.wav").write_text("this is text")
    code, out, err = yamkit(
        "classify", "--format", "json", "--per-patch", "good.wav", "bad.wav", "other.flac"
    )
    document = json.loads(out)
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    good, bad, other = document["clips"]
    assert code == 1
    assert len(good["timeline"]) == good["patches"] == 8
    assert good["timeline"][-1]["end_seconds"] == good["duration_seconds"] == 1.0
    assert bad["error"]["message"] in err
    assert other["channels"] == 2
    assert document["model"]["name"] == "tiny"
    assert document["parameters"]["hop_seconds"] == 0.12
    assert "1 of 3 failed" in err


def test_json_of_python_and_command_line_agree(yamkit, tiny: ModelBundle) -> None:
    from yamkit import Tagger

    _, out, _ = yamkit("classify", "--format", "json", "--per-patch", "good.wav")
    with Tagger(tiny) as tagger:
        assert json.loads(out)["clips"] == [tagger.tag("good.wav").to_dict()]


def test_top_and_threshold(yamkit) -> None:
    _, out, _ = yamkit("classify", "--top", "all", "--format", "csv", "good.wav")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 6
    middle = rows[2]["score"]
    _, out, _ = yamkit(
        "classify", "--top", "all", "--threshold", middle, "--format", "csv", "good.wav"
    )
    assert len(list(csv.DictReader(io.StringIO(out)))) in (2, 3)  # the score is rounded
    _, out, _ = yamkit("classify", "--top", "1", "--format", "jsonl", "good.wav")
    assert len(json.loads(out)["tags"]) == 1


def test_several_formats_into_a_folder(yamkit) -> None:
    code, out, err = yamkit(
        "classify", "--format", "json", "--format", "csv", "-o", "tags", "good.wav", "other.flac"
    )
    assert (code, out) == (0, "")
    assert err == "10 tags in 2 files -> tags/{stem}.{ext}; journal: tags/yamkit.journal\n"
    names = sorted(path.name for path in Path("tags").iterdir())
    assert names == ["good.csv", "good.json", "other.csv", "other.json", "yamkit.journal"]


@pytest.mark.parametrize(
    ("output", "begins"), [("t.json", "{"), ("t.csv", "path,"), ("t.txt", "good"), ("t", "good")]
)
def test_the_suffix_of_an_output_chooses_the_format(yamkit, output: str, begins: str) -> None:
    line = f"5 tags in 1 file -> {output}\n"
    assert yamkit("classify", "-o", output, "good.wav") == (0, "", line)
    assert Path(output).read_text().startswith(begins)


def test_a_folder_with_a_broken_file(yamkit) -> None:
    folder = Path("night")
    (folder / "deep").mkdir(parents=True)
    for name in ("good.wav", "other.flac"):
        Path(name).rename(folder / "deep" / name)
    (folder / "broken.wav").write_bytes(os.urandom(1000))
    (folder / "notes.txt").write_text("not a sound file")
    code, out, err = yamkit("classify", "night")
    assert (code, out) == (1, "")
    assert (err.count("\n"), "--recursive" in err) == (1, True)
    code, out, err = yamkit("classify", "--recursive", "night")
    assert code == 1
    assert out.count("mean of") == 2
    assert len(err.splitlines()) == 2
    assert "broken.wav" in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["classify"], 2, "missing argument 'PATH...'"),
        (["classify", "missing.wav"], 1, "missing.wav"),
        (["classify", "--top", "0", "good.wav"], 2, "'--top': '0'"),
        (["classify", "--top", "x", "good.wav"], 2, "'--top': 'x'"),
        (["classify", "--backend", "onx", "good.wav"], 2, "did you mean 'onnx'?"),
        (
            ["classify", "--format", "xml", "good.wav"],
            2,
            "no sink 'xml'; installed: audacity, csv, dcase",
        ),
        (["classify", "--hop", "0.481", "good.wav"], 2, "hop 0.481 s"),
        (["classify", "--threshold", "nan", "good.wav"], 2, "--threshold"),
        (["classify", "--provider", "abacus", "good.wav"], 2, "no provider 'abacus'"),
        (["classify", "--model", "nope", "good.wav"], 1, "yamkit models"),
        (["classify", "-o", "good.wav", "good.wav"], 2, "output good.wav is one of the inputs"),
        (["classify", "-o", "other.flac/x", "good.wav"], 1, "cannot write other.flac/x: "),
        (["nonsense"], 2, "no such command 'nonsense'"),
    ],
)
def test_errors_are_one_line(yamkit, arguments: list[str], code: int, message: str) -> None:
    found, out, err = yamkit(*arguments)
    assert (found, out) == (code, "")
    assert message in err
    assert "Traceback" not in err
    assert (err[:7], err.count("\n")) == ("error: ", 1)


def test_an_output_that_cannot_be_written_costs_no_other_clip(yamkit) -> None:
    Path("tags/good.json").mkdir(parents=True)
    code, _, err = yamkit(
        "classify", "--format", "json", "-o", "tags/{stem}.{ext}", "good.wav", "other.flac"
    )
    assert code == 1
    assert err.splitlines() == [
        "error: cannot write tags/good.json: Is a directory",
        "5 tags in 1 file -> tags/{stem}.json; journal: tags/yamkit.journal",
        "1 of 2 failed",
    ]
    assert json.loads(Path("tags/other.json").read_text())["clips"][0]["patches"]


@pytest.mark.parametrize("arguments", [["plugins"], ["classify", "good.wav"]])
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_a_closed_standard_output_is_survived(arguments: list[str]) -> None:
    command = f"{sys.executable} -m yamkit {' '.join(arguments)} >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["classes"],
        ["classify", "good.wav"],
        ["info", "good.wav"],
        ["listen", "--threshold", "0.01", "-"],
        ["models", "list"],
        ["plugins"],
    ],
    ids=" ".join,
)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_a_full_disk_is_one_line_for_every_command(
    arguments: list[str], unbuffered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with (
        Path("/dev/full").open("w") as full,
        Path("good.wav").open("rb") as sound,
        start(*arguments, stdin=sound, stdout=full) as process,
    ):
        _, err = process.communicate()
    told = [line for line in err.splitlines() if not line.startswith(("listening: ", "listened "))]
    assert told == ["error: cannot write standard output: No space left on device"]
    assert process.returncode == 1


def test_a_bug_in_one_file_costs_no_other(yamkit, monkeypatch: pytest.MonkeyPatch) -> None:
    from yamkit.run import clips

    real = clips.open_audio

    def failing(path: str, **options):
        if path == "good.wav":
            raise MemoryError("really\nlarge")
        return real(path, **options)

    monkeypatch.setattr(clips, "open_audio", failing)
    code, out, err = yamkit("classify", "good.wav", "other.flac")
    assert code == 1
    assert out.startswith("other.flac: ")
    assert err.splitlines()[0] == "error: good.wav: really large"


def test_a_warning_is_one_line_and_no_failure(yamkit) -> None:
    data = Path("good.wav").read_bytes()
    Path("cut.wav").write_bytes(data[:-4000])
    code, out, err = yamkit("classify", "cut.wav", "--format", "json")
    assert code == 0
    assert err.startswith("warning: cut.wav: ")
    assert len(err.splitlines()) == 1
    assert json.loads(out)["clips"][0]["warnings"][0] in err


def test_nan_midway_counts_as_zero_and_is_said(yamkit) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 80000).astype(np.float32)
    noise[70000] = np.nan
    soundfile.write("nan.wav", noise, 8000, subtype="FLOAT")
    code, out, err = yamkit("classify", "--format", "json", "--per-patch", "nan.wav")
    (clip,) = json.loads(out)["clips"]
    assert code == 0
    assert clip["duration_seconds"] == 10
    (warning,) = clip["warnings"]
    assert "NaN at 8.75 s" in warning
    assert f"warning: nan.wav: {warning}" in err


def test_plugins_lists_everything(yamkit, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, _ = yamkit("plugins")
    assert code == 0
    assert yamkit("plugins", "list")[1] == out
    lines = [line.split()[:3] for line in out.splitlines()]
    assert ["yamkit_backends", "onnx", "ready"] in lines
    assert yamkit("plugins", "--json") == yamkit("plugins", "list", "--json")
    code, out, _ = yamkit("plugins", "list", "--json")
    document = json.loads(out)
    assert document["schema"] == "yamkit-plugins/1"
    assert {"hook", "name", "distribution", "version", "state"} <= set(document["plugins"][0])


def test_plugins_wraps_its_notes_on_a_terminal(yamkit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    _, piped, _ = yamkit("plugins")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    _, shown, _ = yamkit("plugins")
    assert max(map(len, piped.splitlines())) > 90
    assert max(map(len, shown.splitlines())) <= 90
    assert shown.split() == piped.split()


def test_selftest_reports_each_combination(yamkit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "yamkit.selftest.fitting",
        lambda model: (["logmel"], ["onnx", "numpy"], ["backend x: gone"]),
    )
    code, out, _ = yamkit("selftest")
    assert code == 0
    assert out.count("ok  ") == 6
    assert "skipped: backend x: gone" in out
    assert "largest difference" in out
    monkeypatch.setattr("yamkit.selftest.FIRST", 0)
    monkeypatch.setattr("yamkit.selftest.fitting", lambda model: (["logmel"], ["nope"], []))
    code, out, _ = yamkit("selftest", "--model", os.environ["YAMKIT_MODEL"])
    assert code == 1
    assert "FAIL  logmel with nope: no backend 'nope'" in out


def start(*arguments: str, **options) -> subprocess.Popen:
    command = [sys.executable, "-m", "yamkit", *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options)


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_a_closed_pipe_is_no_error() -> None:
    for number in range(40):
        Path(f"{number}.wav").write_bytes(Path("good.wav").read_bytes())
    reading, writing = os.pipe()
    os.close(reading)
    process = start("classify", *(f"{n}.wav" for n in range(40)), stdout=writing)
    os.close(writing)
    _, err = process.communicate()
    assert err == ""
    assert process.returncode != 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_an_interruption_keeps_what_was_finished(number: int) -> None:
    """The second clip is a pipe that falls silent, so the run is surely inside it."""
    with start(
        "classify", "--format", "json", "-o", "out.json", "good.wav", "-", stdin=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.buffer.write(Path("good.wav").read_bytes()[:4000])
        process.stdin.flush()
        for _ in range(10**6):  # until the first clip is written
            if any(path.stat().st_size > 600 for path in Path().glob(".yamkit-*.part/output")):
                break
            assert process.poll() is None
        else:
            pytest.fail("the first clip was never written")
        process.send_signal(number)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            # it came just before the system was asked for more, where Python does not look: press
            # again, as a person would
            process.send_signal(number)
        last = process.stderr.read().splitlines()[-1]
    assert last == "interrupted: 1 of 2 files done; --resume continues"
    assert process.returncode == 128 + number
    clips = json.loads(Path("out.json").read_text())["clips"]
    assert clips[0]["path"] == "good.wav"
    assert clips[0]["patches"] == 8
    assert not list(Path().glob(".yamkit-*"))


@pytest.mark.filterwarnings("always::yamkit.errors.ProviderWarning")
def test_a_provider_that_is_not_there_is_a_warning(yamkit, capsys) -> None:
    wanted = yamkit("classify", "good.wav")
    code, out, err = yamkit("classify", "good.wav", "--provider", "coreml")
    assert (code, out) == wanted[:2]
    assert err == (
        "warning: provider 'coreml': ONNX Runtime has cpu here; the network runs on cpu\n"
    )
    cli._show_warning("of others", DeprecationWarning, "file.py", 1)
    assert capsys.readouterr().err == "file.py:1: DeprecationWarning: of others\n"


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_standard_input_is_a_clip() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "yamkit", "classify", "-", "--format", "jsonl"],
        input=Path("good.wav").read_bytes(),
        capture_output=True,
        check=True,
    )
    clip = json.loads(done.stdout)
    assert clip["path"] == "-"
    assert clip["duration_seconds"] == 1.0


@pytest.mark.long(reason="starts processes, or tags many clips")
def test_output_in_an_ascii_locale(tmp_path: Path) -> None:
    Path("good.wav").rename("växt\udcff.wav")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    code = textwrap.dedent("""
        import sys, glob
        from yamkit.cli import main
        sys.argv = ["yamkit", "classify", "--format", "jsonl", *glob.glob("v*.wav")]
        main()
    """)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, env=environment
    )
    assert json.loads(done.stdout)["path"] == "växt\\xff.wav"
