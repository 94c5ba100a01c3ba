"""Files with warnings: in every output, in a closing line, and failures with ``--strict``."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from yamkit.evaluation.scores_file import read_scores
from yamkit.models.bundle import ModelBundle

RATE = 8000


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: ModelBundle):
    """Three files, of which the second and the third end too soon."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YAMKIT_MODEL", str(tiny.folder))
    noise = np.random.default_rng(0).normal(0, 0.1, 2 * RATE)
    for name in ("whole.wav", "cut.wav", "a.flac"):
        soundfile.write(name, noise, RATE)
    for name in ("cut.wav", "a.flac"):
        Path(name).write_bytes(Path(name).read_bytes()[:-9000])


NAMES = ("a.flac", "cut.wav", "whole.wav")
MODES = {"clips": (), "patches": ("--per-patch",), "events": ("--events", "--enter", "0.1")}
QUIET = ("--threshold", "1")
"""So that no clip has a tag."""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("more", [(), QUIET])
@pytest.mark.parametrize("name", ["json", "jsonl", "csv", "parquet"])
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_every_table_and_document_has_the_warnings(
    yamkit, name: str, mode: str, more: tuple[str, ...]
) -> None:
    if name == "parquet":
        pytest.importorskip("pyarrow")
    output = f"tags.{name}"
    code, _, err = yamkit(
        "classify", *NAMES, "--format", name, "-o", output, "--quiet", *MODES[mode], *more
    )
    assert code == 0
    shown = {}
    for line in err.splitlines()[:-1]:
        _, path, warning = line.split(": ", 2)
        shown[path] = warning
    assert list(shown) == ["a.flac", "cut.wav"]
    assert err.splitlines()[-1] == "2 of 3 files have warnings"
    assert warnings_in(name, output) == {path: [text] for path, text in shown.items()}


def warnings_in(name: str, path: str) -> dict[str, list[str]]:
    """Read the warnings of clips that have any."""
    if name == "json":
        found = json.loads(Path(path).read_text())["clips"]
    elif name == "jsonl":
        found = [json.loads(line) for line in Path(path).read_text().splitlines()]
    elif name == "csv":
        with Path(path).open(newline="") as stream:
            rows = [row for row in csv.DictReader(stream) if row["warnings"]]
        return {row["path"]: [row["warnings"]] for row in rows}
    else:
        import pyarrow.parquet as pq

        found = pq.read_table(path).to_pylist()
    return {each["path"]: each["warnings"] for each in found if each.get("warnings")}


@pytest.mark.parametrize("output", ["tags.csv", "tags/"])
def test_warnings_of_an_earlier_run_are_counted(yamkit, output: str) -> None:
    one = ("classify", *NAMES, "--format", "csv", "-o", output, "--quiet")
    assert yamkit(*one)[2].splitlines()[-1] == "2 of 3 files have warnings"
    files = {path: path.read_bytes() for path in Path().rglob("*.csv")}
    assert yamkit(*one, "--resume") == (0, "", "2 of 3 files have warnings\n")
    assert {path: path.read_bytes() for path in Path().rglob("*.csv")} == files


def test_nothing_is_counted_where_there_is_nothing_to_count(yamkit) -> None:
    assert yamkit("classify", "whole.wav", "whole.wav")[2] == ""
    assert len(yamkit("classify", "cut.wav")[2].splitlines()) == 1
    assert yamkit("classify", "cut.wav", "whole.wav")[2].splitlines()[1:] == [
        "1 of 2 files has warnings"
    ]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["json", "jsonl", "csv", "parquet", "text"])
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_strict_makes_a_failure_of_a_warning(yamkit, name: str, mode: str) -> None:
    if name == "parquet":
        pytest.importorskip("pyarrow")
    output = f"tags.{name}"
    plain = yamkit("classify", *NAMES, *MODES[mode])[2].splitlines()
    code, _, err = yamkit(
        "classify", *NAMES, "--strict", "--format", name, "-o", output, "--quiet", *MODES[mode]
    )
    assert code == 1
    lines = err.splitlines()
    assert lines[-1] == "2 of 3 failed"
    assert lines[:-1] == [
        f"error: {line.removeprefix('warning: ')} (with --strict, a failure)" for line in plain[:-1]
    ]
    if name in ("json", "jsonl"):
        text = Path(output).read_text()
        clips = json.loads(text)["clips"] if name == "json" else map(json.loads, text.splitlines())
        assert [each.get("error", {}).get("type") for each in clips] == [
            *["AudioWarningError"] * 2,
            None,
        ]
    elif name == "parquet":
        import pyarrow.parquet as pq

        rows = [row for row in pq.read_table(output).to_pylist() if row["error"]]
        assert [(row["path"], row["error_type"]) for row in rows] == [
            ("a.flac", "AudioWarningError"),
            ("cut.wav", "AudioWarningError"),
        ]
    elif mode == "clips":
        assert not any(each in Path(output).read_text() for each in NAMES[:2])
        assert "whole.wav" in Path(output).read_text()


def test_strict_leaves_no_file_of_a_clip_with_warnings(yamkit) -> None:
    code, _, _ = yamkit("classify", *NAMES, "--strict", "--format", "json", "-o", "tags/")
    assert code == 1
    assert [path.name for path in Path("tags").glob("*.json")] == ["whole.json"]


def test_strict_lets_a_clean_run_pass(yamkit) -> None:
    plain = yamkit("classify", "whole.wav", "--format", "json")
    assert yamkit("classify", "whole.wav", "--format", "json", "--strict") == plain
    assert plain[0] == 0


def test_a_journal_belongs_to_a_strictness(yamkit) -> None:
    one = ("classify", *NAMES, "-o", "tags.jsonl", "--quiet")
    assert yamkit(*one)[0] == 0
    code, _, err = yamkit(*one, "--resume", "--strict")
    assert code == 2
    assert "strict is 'False'" in err
    Path("tags.jsonl.journal").unlink()
    assert yamkit(*one, "--strict")[0] == 1
    code, _, err = yamkit(*one, "--strict", "--resume")
    assert (code, err) == (1, "2 of 3 failed\n")


@pytest.fixture
def labels() -> None:
    """A labelled set of these files and enough others to fit a calibration to."""
    rows = ["path,labels", *(f"{name},Speech" for name in NAMES)]
    for number in range(24):
        level = 0.2 if number % 2 else 0.001
        noise = np.random.default_rng(number).normal(0, level, RATE)
        soundfile.write(f"{number}.wav", noise, RATE)
        rows.append(f"{number}.wav,{'Speech' if number % 2 else 'Dog'}")
    Path("list.csv").write_text("\n".join(rows) + "\n")
    strong = ["filename\tonset\toffset\tevent_label"]
    strong += [f"{name}\t0.1\t0.5\tSpeech" for name in (*NAMES, "0.wav")]
    Path("list.tsv").write_text("\n".join(strong) + "\n")


@pytest.mark.usefixtures("labels")
@pytest.mark.parametrize(("labels_file", "count"), [("list.csv", 27), ("list.tsv", 4)])
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_eval_counts_and_names_files_with_warnings(yamkit, labels_file: str, count: int) -> None:
    code, out, err = yamkit("eval", labels_file, "--report", "r")
    assert (code, err) == (0, f"2 of {count} files have warnings\n")
    assert f"{count} clips listed, {count} found, {count} scored, 0 failed\n" in out
    assert "\n  with warnings (2): a.flac: breaks off at 1.024 s" in out
    assert Path("r/report.txt").read_text() == out
    warned = json.loads(Path("r/report.json").read_text())["coverage"]["warned"]
    assert list(warned) == ["a.flac", "cut.wav"]
    kept = read_scores(Path("r/scores.npz")).warnings
    assert {key: list(texts) for key, texts in kept.items()} == warned
    # resumed from the journal, and from the scores alone
    assert yamkit("eval", labels_file, "--report", "r") == (code, out, err)
    assert yamkit("eval", labels_file, "--from-scores", "r/scores.npz") == (code, out, err)


@pytest.mark.usefixtures("labels")
@pytest.mark.parametrize(("labels_file", "count"), [("list.csv", 27), ("list.tsv", 4)])
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_strict_eval_fails_after_a_warning(yamkit, labels_file: str, count: int) -> None:
    strict = ("eval", labels_file, "--strict")
    code, out, err = yamkit(*strict, "--report", "r")
    assert (code, err) == (1, f"error: 2 of {count} clips have no scores\n")
    assert f"{count} clips listed, {count} found, {count - 2} scored, 2 failed\n" in out
    assert "\n  failed: a.flac: breaks off at 1.024 s" in out
    assert "with warnings" not in out
    # the scores are kept, and strictness is asked for anew each time
    assert yamkit(*strict, "--from-scores", "r/scores.npz") == (code, out, err)
    code, _, err = yamkit("eval", labels_file, "--report", "r")
    assert (code, err) == (0, f"2 of {count} files have warnings\n")


@pytest.mark.usefixtures("labels")
@pytest.mark.long(reason="starts processes, or tags many clips")
def test_calibrate_counts_them_and_strict_writes_nothing(yamkit) -> None:
    pytest.importorskip("sklearn")
    one = ("calibrate", "list.csv", "--scores", "s.npz")
    code, _, err = yamkit(*one, "-o", "a.csv")
    assert (code, err) == (0, "2 of 27 files have warnings\n")
    for more in (one, ("calibrate", "list.csv", "--from-scores", "s.npz")):
        code, out, err = yamkit(*more, "-o", "b.csv", "--strict")
        assert (code, out) == (1, "")
        assert err.startswith(
            "error: list.csv: 2 of 27 clips have no scores; a.flac: breaks off at 1.024 s"
        )
        assert not Path("b.csv").exists()
    for name in ("a.flac", "cut.wav"):
        Path(name).unlink()
    code, out, err = yamkit("calibrate", "list.csv", "-o", "b.csv", "--strict")
    assert (code, out) == (1, "")
    assert "2 of the 27 files of list.csv are missing" in err
    rows = Path("list.csv").read_text().splitlines(keepends=True)
    Path("list.csv").write_text("".join(row for row in rows if not row.startswith(NAMES[:2])))
    assert yamkit("calibrate", "list.csv", "-o", "b.csv", "--strict")[::2] == (0, "")


def test_a_stream_that_is_cut_says_so_in_its_last_line(yamkit, monkeypatch) -> None:
    with Path("cut.wav").open("rb") as raw, io.TextIOWrapper(raw) as stream:
        monkeypatch.setattr("sys.stdin", stream)
        code, out, err = yamkit("listen", "-", "--format", "jsonl")
    assert code == 0
    (warning,) = json.loads(out.splitlines()[-1])["warnings"]
    assert f"warning: standard input: {warning}\n" in err
