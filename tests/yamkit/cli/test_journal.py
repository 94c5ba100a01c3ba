"""``yamkit journal``: what journals hold is shown, and they are removed when somebody says so."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import soundfile

from yamkit.models.bundle import ModelBundle
from yamkit.run.checks import ItemLayout
from yamkit.run.journal import Journal


@pytest.fixture(autouse=True)
def _run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: ModelBundle, yamkit):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YAMKIT_MODEL", str(tiny.folder))
    noise = np.random.default_rng(0).normal(0, 0.1, 8000)
    for name in ("a.wav", "b.wav"):
        soundfile.write(name, noise, 8000)
    Path("c.wav").write_bytes(b"RIFF but not really")


RUN = ("classify", "a.wav", "b.wav", "c.wav", "--top", "2")


def test_a_finished_run_says_what_is_where(yamkit) -> None:
    code, _, err = yamkit(*RUN, "-o", "tags.csv")
    assert code == 1
    line = "4 tags in 2 files -> tags.csv; journal: tags.csv.journal"
    assert line in err.splitlines()
    assert line in yamkit(*RUN, "-o", "tags.csv", "--resume")[2].splitlines()
    assert line not in yamkit(*RUN, "-o", "tags.csv", "--quiet")[2]
    _, _, err = yamkit(*RUN, "--per-patch", "-o", "tags.json")
    assert "16 patches in 2 files -> tags.json; journal: tags.json.journal" in err.splitlines()
    _, _, err = yamkit("classify", "a.wav", "--events", "--enter", "0.999", "-o", "a.srt")
    assert "0 events in 1 file -> a.srt" in err.splitlines()
    _, _, err = yamkit(*RUN, "-o", "out/")
    assert "4 tags in 2 files -> out/{stem}.txt; journal: out/yamkit.journal" in err.splitlines()
    Path("out/b.txt").unlink()
    _, _, err = yamkit(*RUN, "-o", "out/", "--resume")
    assert (
        "2 tags in 1 file -> out/{stem}.txt; 1 file done before; journal: out/yamkit.journal"
    ) in err.splitlines()
    assert "->" not in yamkit(*RUN)[2]


@pytest.mark.parametrize("place", ["tags.csv", "tags.csv.journal", "."])
def test_a_journal_is_shown(yamkit, place: str) -> None:
    yamkit(*RUN, "-o", "tags.csv")
    code, out, err = yamkit("journal", "show", place)
    assert (code, err) == (0, "")
    lines = [line.split(None, 1) for line in out.splitlines()]
    assert lines[0] == ["tags.csv.journal"]
    assert ["files", "2 done, 1 failed"] in lines
    assert ["run", "finished"] in lines
    assert ["holds", "results"] in lines
    assert ["model", "tiny"] in lines
    assert ["top", "2"] in lines


def test_a_run_that_was_not_finished(yamkit) -> None:
    yamkit(*RUN, "-o", "out/")
    with sqlite3.connect("out/yamkit.journal") as database:
        database.execute("DELETE FROM about WHERE name = 'finished'")
    database.close()
    _, out, _ = yamkit("journal", "show", "out")
    assert "not finished; the same command with --resume continues it" in out
    assert "names of finished files" in out


def test_the_output_of_a_run_need_not_be_there(yamkit) -> None:
    yamkit(*RUN, "-o", "tags.csv")
    Path("tags.csv").unlink()  # as where a run was interrupted before a file was done
    assert yamkit("journal", "show", "tags.csv")[0] == 0
    assert yamkit("journal", "clean", "--yes", "tags.csv")[:2] == (0, "removed tags.csv.journal\n")
    for place in ("tags.csv", "tags.csv.journal"):
        code, out, err = yamkit("journal", "show", place)
        assert (code in (1, 2), out, err.count("\n")) == (True, "", 1)
        assert place in err


def test_all_journals_here_are_removed_and_the_outputs_stay(yamkit) -> None:
    yamkit(*RUN, "-o", "tags.csv")
    yamkit(*RUN, "-o", "tags.json")
    code, out, _ = yamkit("journal", "clean", "--yes")
    assert code == 0
    assert out == "removed tags.csv.journal\nremoved tags.json.journal\n"
    assert {path.name for path in Path().iterdir()} == {
        "a.wav",
        "b.wav",
        "c.wav",
        "tags.csv",
        "tags.json",
    }


class Terminal:
    """Somebody who answers."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    def isatty(self) -> bool:
        return True

    def readline(self, size: int = -1) -> str:
        return f"{self.answer}\n"


@pytest.mark.parametrize("answer", ["y", "n"])
def test_whoever_is_asked_decides(yamkit, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    yamkit(*RUN, "-o", "tags.csv")
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    code, _, err = yamkit("journal", "clean", "tags.csv")
    assert code == 0
    assert "remove tags.csv.journal (2 done, 1 failed, finished)? [y/N]" in err
    assert Path("tags.csv.journal").exists() == (answer == "n")


def test_nobody_is_asked_without_a_terminal(yamkit, monkeypatch: pytest.MonkeyPatch) -> None:
    yamkit(*RUN, "-o", "tags.csv")
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        code, _, err = yamkit("journal", "clean")
    assert (code, "add --yes" in err) == (2, True)
    assert Path("tags.csv.journal").exists()


@pytest.mark.parametrize("command", [("show",), ("clean", "--yes")])
def test_what_is_no_journal_is_left_and_costs_no_other(yamkit, command) -> None:
    Path("notes.journal").write_text("Dear diary")
    with sqlite3.connect("mine.journal") as database:
        database.execute("CREATE TABLE mine (a)")
    database.close()
    Path("link.journal").symlink_to("tags.csv.journal")
    yamkit(*RUN, "-o", "tags.csv")
    code, out, err = yamkit("journal", *command)
    assert code == 1
    assert "tags.csv.journal" in out
    assert err.count("not a journal of this version") == 2
    assert "link.journal: is a symbolic link" in err
    for name in ("notes.journal", "mine.journal", "link.journal"):
        assert Path(name).is_symlink() or Path(name).exists()


def test_one_that_a_run_is_writing_stays(yamkit) -> None:
    with Journal(Path("x.journal"), {}, ItemLayout(())):
        code, _, err = yamkit("journal", "clean", "x.journal", "--yes")
    assert (code, "another run is writing it" in err) == (1, True)
    assert Path("x.journal").exists()


@pytest.mark.parametrize("place", ["a.wav", ".", "x.csv"])
def test_no_journal_at_all(yamkit, place: str) -> None:
    Path("x.csv").touch()
    code, _, err = yamkit("journal", "show", place)
    assert (code, "no journal" in err) == (2, True)


def test_control_characters_of_a_stranger(yamkit) -> None:
    Journal(Path("x.journal"), {"\x1b[31m": "\x1b[2J", "a": "b\nc"}, ItemLayout(())).close()
    _, out, _ = yamkit("journal", "show", "x.journal")
    assert "\x1b" not in out
    assert "b\\nc" in out


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("out.xlsx", "no format has the suffix .xlsx; must be one of .txt, .json, .jsonl, .csv"),
        ("out.html", "no format has the suffix .html; must be one of .txt"),
        ("{stem}.doc", "no format has the suffix .doc; must be one of .txt"),
        ("out.srt", "--format srt requires --events"),
        ("out.TextGrid", "--format textgrid requires --events"),
    ],
)
def test_suffixes_of_no_format(yamkit, name: str, wanted: str) -> None:
    code, _, err = yamkit("classify", "a.wav", "-o", name)
    assert (code, wanted in err) == (2, True)
    assert not list(Path().glob("*.journal")) + list(Path().glob("out*"))


@pytest.mark.parametrize(
    ("name", "start"), [("out.CSV", "path,"), ("out.Json", "{"), ("out", "a.wav: "), ("o.x/", "")]
)
def test_suffixes_of_formats(yamkit, name: str, start: str) -> None:
    assert yamkit("classify", "a.wav", "-o", name)[0] == 0
    written = Path(name) if start else Path(name) / "a.txt"
    assert written.read_text().startswith(start or "a.wav: ")
    assert yamkit("classify", "a.wav", "-o", "named.xlsx", "--format", "csv")[0] == 0
