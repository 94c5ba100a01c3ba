"""Names of files in every command: passed over, found in another form, the same in any locale."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import soundfile

from yamkit import Tagger
from yamkit.evaluation import evaluate_set
from yamkit.models.bundle import ModelBundle

posix = pytest.mark.skipif(os.name != "posix", reason="names are bytes, and links free, on POSIX")

NAMES = ["Hündin 🐕.wav", unicodedata.normalize("NFD", "Kätzchen.wav"), "DOG.WAV", "sub/x.wav"]


@pytest.fixture(autouse=True)
def _set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: ModelBundle):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YAMKIT_MODEL", str(tiny.folder))
    Path("audio", "sub").mkdir(parents=True)
    for number, name in enumerate(NAMES):
        noise = np.random.default_rng(number).normal(0, 0.1 * (number + 1), 8000)
        soundfile.write(Path("audio", name), np.clip(noise, -1, 1), 8000)
    Path("Lästen.csv").write_text(
        "path;labels;;\n"
        "Hündin 🐕.wav;Speech;;\n"
        "Kätzchen.wav;Dog,Speech;;\n"
        "dog.wav;Dog;;\n"
        ";;;\n"
        'sub\\x.wav;"Narration, ""monologue""";;\n'
        "fehlt ü.wav;;;\n",
        encoding="utf-8-sig",
    )


def test_metadata_of_macos_is_told_once(yamkit) -> None:
    shutil.copy("audio/sub/x.wav", "audio/sub/._y.wav")
    one = "skipped 1 hidden ._* file: metadata that macOS keeps on other systems' disks\n"
    code, out, err = yamkit("classify", "--recursive", "audio", "--format", "csv")
    assert (code, err) == (0, one)
    paths = {row["path"] for row in csv.DictReader(out.splitlines())}
    assert paths == {f"audio/{name}" for name in NAMES}
    Path("audio/._z.wav").write_bytes(b"metadata")
    code, _, err = yamkit("classify", "--recursive", "audio", "--format", "csv")
    assert (code, err) == (0, one.replace("1 hidden ._* file", "2 hidden ._* files"))
    code, out, err = yamkit("classify", "audio/sub/._y.wav")  # whoever names it means it
    assert (code, err) == (0, "")
    assert out.startswith("audio/sub/._y.wav: 1.00 s")
    Path("audio/sub").rename("audio/Dog")
    code, out, err = yamkit("eval", "audio")
    assert (code, err) == (0, one.replace("1 hidden ._* file", "2 hidden ._* files"))
    assert out.startswith("audio (folders): 1 clips listed, 1 found, 1 scored")


@posix
def test_linked_folders_are_tagged(yamkit) -> None:
    Path("tree").mkdir()
    Path("tree/link").symlink_to("../audio")
    Path("tree/again").symlink_to("../audio")
    Path("audio/sub/loop").symlink_to("../..")
    code, out, err = yamkit("classify", "--recursive", "tree", "--format", "csv")
    assert (code, err) == (0, "")
    paths = {row["path"] for row in csv.DictReader(out.splitlines())}
    assert paths == {f"tree/again/{name}" for name in NAMES}


@posix
@pytest.mark.parametrize("options", [(), ("--backend", "onnx", "--backend", "numpy")])
def test_names_in_another_form_are_found_and_told_once(yamkit, options) -> None:
    code, out, err = yamkit("eval", "Lästen.csv", "--audio", "audio", *options)
    assert code == 0
    assert err == (
        "3 clips found under names that differ in folders, case, Unicode form or slashes: "
        f"{NAMES[1]} for Kätzchen.wav\n"
    )
    assert "5 clips listed, 4 found, 4 scored" in out
    assert "missing: fehlt ü.wav" in out


@posix
def test_names_that_may_mean_several_files_are_told(yamkit) -> None:
    shutil.copy("audio/DOG.WAV", "audio/Dog.wav")
    scores = ("--scores", "scores.npz")
    code, out, err = yamkit("eval", "Lästen.csv", "--audio", "audio", *scores)
    assert code == 0
    told, missing = err.splitlines()
    assert told.startswith("2 clips found under names that differ")
    assert missing == (
        "1 clip missing, ambiguous when case, Unicode form and slashes are ignored: "
        "dog.wav may be DOG.WAV or Dog.wav"
    )
    assert "missing: dog.wav, fehlt ü.wav" in out
    # nothing was looked for, so nothing is told
    assert yamkit("eval", "Lästen.csv", "--from-scores", "scores.npz") == (0, out, "")
    code, _, err = yamkit("eval", "Lästen.csv", "--audio", "audio", "--strict")
    assert code == 1
    assert "2 of the 5 files of Lästen.csv are missing, such as dog.wav" in err


@posix
def test_the_api_tells_them_too(tiny: ModelBundle) -> None:
    shutil.copy("audio/DOG.WAV", "audio/Dog.wav")
    with Tagger(tiny) as tagger:
        covered = evaluate_set("Lästen.csv", "audio", tagger).coverage
    assert covered.renamed == {"Kätzchen.wav": NAMES[1], "sub\\x.wav": "sub/x.wav"}
    assert {key: set(names) for key, names in covered.ambiguous.items()} == {
        "dog.wav": {"DOG.WAV", "Dog.wav"}
    }
    assert covered.missing == ("dog.wav", "fehlt ü.wav")


@posix
def test_calibrate_tells_them_too(yamkit) -> None:
    code, _, err = yamkit("calibrate", "Lästen.csv", "--audio", "audio", "-o", "cal.csv")
    assert err.startswith("3 clips found under names that differ in folders, case")
    assert (code, err.count("\n")) == (0, 1)


def test_absolute_paths(yamkit, tmp_path: Path) -> None:
    audio = tmp_path / "audio"
    Path("list.csv").write_text(f"path,labels\n{audio / 'DOG.WAV'},Dog\n")
    code, out, err = yamkit("eval", "list.csv", "--audio", "audio")
    assert (code, err) == (0, "")
    assert "1 clips listed, 1 found, 1 scored" in out
    code, _, err = yamkit("eval", "list.csv", "--audio", "audio/sub")
    assert code == 2
    assert err.startswith("error: audio/sub: contains none of the 1 files of list.csv, such as ")
    Path("list.csv").write_text("path,labels\n/recordings/2024/DOG.WAV,Dog\n")
    code, out, err = yamkit("eval", "list.csv", "--audio", "audio")
    assert code == 0
    assert err == (
        "1 clip found under names that differ in folders, case, Unicode form or slashes: "
        "DOG.WAV for /recordings/2024/DOG.WAV\n"
    )


# --- locales -------------------------------------------------------------------------------------

RUN = """
import os, sys
from yamkit.cli import main
print(sys.getfilesystemencoding(), end="", file=open("encoding", "w"))
for number, line in enumerate(sys.stdin.buffer.read().split(b"\\n")):
    for name, stream in (("out", sys.stdout), ("err", sys.stderr)):
        descriptor = os.open(f"{name}.{number}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        stream.flush()
        os.dup2(descriptor, stream.fileno())
    sys.argv = ["yamkit", *map(os.fsdecode, line.split(b"\\t"))]
    try:
        main()
    except SystemExit as end:
        os.write(1, b"\\n%d" % (end.code or 0))
"""

COMMANDS = """
classify|audio|--recursive|nö.wav
classify|audio|--recursive|nö.wav|--format|json
classify|audio|--recursive|nö.wav|--format|csv
classify|audio|--recursive|nö.wav|--format|jsonl|-o|ö.jsonl
classify|audio|--recursive|nö.wav|--format|json|--format|csv|--save-scores|-o|ö/{stem}.{ext}
classify|audio|--recursive|nö.wav|--format|jsonl|-o|ö.jsonl|--resume
classify|audio|--recursive|--events|--format|audacity|-o|ö/
eval|Lästen.csv|--audio|audio|--report|Bericht ü
eval|Lästen.csv|--audio|audio|--json
eval|nö.csv
listen|nö.wav
classes|--search|ö
classify|--classes|nö|audio/DOG.WAV
models|list|--json
models|info|nö
plugins|--json
"""


def environments(tmp_path: Path) -> dict[str, dict[str, str]]:
    plain = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
    return {
        "UTF-8": {"PYTHONUTF8": "1"},
        "ASCII": {**plain, "LC_ALL": "C"},
        "ASCII, streams Latin-1": {**plain, "LC_ALL": "C", "PYTHONIOENCODING": "latin-1"},
        "ASCII, strict streams": {**plain, "LC_ALL": "C", "PYTHONIOENCODING": "ascii:strict"},
        "Latin-1": {**plain, "LC_ALL": "xx.ISO-8859-1", "LOCPATH": str(tmp_path / "locales")},
    }


@posix
@pytest.mark.parametrize(
    "locale", ["UTF-8", "ASCII", "ASCII, streams Latin-1", "ASCII, strict streams", "Latin-1"]
)
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_names_are_the_same_in_every_locale(tmp_path: Path, locale: str) -> None:
    if locale == "Latin-1":
        made = str(tmp_path / "locales" / "xx.ISO-8859-1")
        Path(made).parent.mkdir()
        try:
            program = ["localedef", "-i", "POSIX", "-f", "ISO-8859-1", made]
            subprocess.run(program, check=False, capture_output=True)
        except FileNotFoundError:
            pytest.skip("no localedef, which makes a locale of Latin-1")
        if not Path(made).is_dir():
            pytest.skip("localedef has no sources of locales")
    commands = COMMANDS.strip()
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        input=commands.replace("|", "\t").encode(),
        env={**os.environ, **environments(tmp_path)[locale]},
        check=False,
    )
    assert done.returncode == 0
    encoding = {"UTF-8": "utf-8", "Latin-1": "iso8859-1"}.get(locale, "ascii")
    assert Path("encoding").read_text() == encoding
    ends = []
    outs = {}
    for number, command in enumerate(commands.split("\n")):
        out, _, code = Path(f"out.{number}").read_bytes().rpartition(b"\n")
        assert b"Traceback" not in Path(f"err.{number}").read_bytes()
        outs[command] = out.decode()  # UTF-8, whatever the locale
        ends.append(int(code))
    assert ends == [1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 2, 2, 2, 0, 1, 0]
    paths = [f"audio/{name}" for name in NAMES]

    text, document, table = (outs[command] for command in commands.split("\n")[:3])
    assert {line.partition(":")[0] for line in text.splitlines()} >= set(paths)
    assert {row["path"] for row in csv.DictReader(table.splitlines())} == set(paths)
    clips = json.loads(document)["clips"]
    lines = [json.loads(line) for line in Path("ö.jsonl").read_text("utf-8").splitlines()]
    for found in (clips, lines):
        assert {clip["path"] for clip in found} == {*paths, "nö.wav"}
        (failed,) = (clip for clip in found if "error" in clip)
        assert failed["error"]["message"] == "nö.wav: no such file"
    stems = {Path(name).stem for name in NAMES}
    for suffix in ("json", "csv", "scores.npy", "labels.txt"):
        assert {path.name for path in Path("ö").glob(f"*.{suffix}")} == {
            f"{stem}.{suffix}" for stem in stems
        }

    report = json.loads(Path("Bericht ü", "report.json").read_text("utf-8"))
    printed = json.loads(outs["eval|Lästen.csv|--audio|audio|--json"])
    for document in (report, printed):
        assert document["labels"] == "Lästen.csv"
        assert document["coverage"]["missing"] == ["fehlt ü.wav"]
        assert document["coverage"]["scored"] == 4
    json.loads(outs["models|list|--json"])
    json.loads(outs["plugins|--json"])
