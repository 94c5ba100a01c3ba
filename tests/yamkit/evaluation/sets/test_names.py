"""Names in a list and in a folder: equal, or equal except for the conventions of other systems."""

from __future__ import annotations

import os
import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yamkit.evaluation.sets.names import match_names

posix = pytest.mark.skipif(os.name != "posix", reason="names differ in case on POSIX alone")

COMPOSED, DECOMPOSED = unicodedata.normalize("NFC", "Kätz"), unicodedata.normalize("NFD", "Kätz")


def match(root: Path, files: list[str], *clips: str | tuple[str, ...]):
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    listed = [(clip,) if isinstance(clip, str) else clip for clip in clips]
    matches = match_names(root, listed, listed)
    found = [file and file.relative_to(root).as_posix() for file in matches.files]
    assert all(file is None or file.is_file() for file in matches.files)
    return found, matches


@posix
@pytest.mark.parametrize(
    ("listed", "there"),
    [
        ("Dog.wav", "dog.WAV"),
        ("NIGHT/dog.wav", "Night/Dog.wav"),
        ("night\\dog.wav", "night/dog.wav"),
        (".\\night\\dog.wav", "night/dog.wav"),
        ("night/dog.wav", "night\\dog.wav"),
        (f"{COMPOSED}.wav", f"{DECOMPOSED}.wav"),
        (f"{DECOMPOSED}/x.wav", f"{COMPOSED}/x.wav"),
        (f"{DECOMPOSED.upper()}\\X.wav", f"{COMPOSED}/x.wav"),
        ("STRASSE.wav", "Straße.wav"),
        ("İ.wav", "i̇.wav"),
    ],
)
def test_other_forms_of_a_name_are_found_and_reported(
    tmp_path: Path, listed: str, there: str
) -> None:
    found, matches = match(tmp_path, [there, "other.wav"], "other.wav", listed, "gone.wav")
    assert found == ["other.wav", there, None]
    assert matches.renamed == {1: there}
    assert matches.ambiguous == {}


@posix
def test_the_nearest_name_is_taken(tmp_path: Path) -> None:
    files = ["a\\b.wav", "a/b.wav", f"{DECOMPOSED}.wav", f"{DECOMPOSED}.WAV"]
    found, matches = match(tmp_path, files, "a\\b.wav", "a/b.wav", f"{COMPOSED}.wav")
    assert found == ["a\\b.wav", "a/b.wav", f"{DECOMPOSED}.wav"]
    assert matches.renamed == {2: f"{DECOMPOSED}.wav"}


@posix
def test_nothing_is_guessed(tmp_path: Path) -> None:
    # two files, one name
    found, matches = match(tmp_path / "1", ["dog.wav", "DOG.wav", "cat.wav"], "Dog.wav", "cat.wav")
    assert found == [None, "cat.wav"]
    assert set(matches.ambiguous[0]) == {"dog.wav", "DOG.wav"}
    assert matches.renamed == {}
    # a file that another name is exactly
    found, matches = match(tmp_path / "2", ["dog.wav"], "Dog.wav", "dog.wav")
    assert found == [None, "dog.wav"]
    assert matches.ambiguous == {0: ("dog.wav",)}
    # two names, one file
    found, matches = match(tmp_path / "3", ["dog.wav", "x.wav"], "Dog.wav", "DOG.wav", "x.wav")
    assert found == [None, None, "x.wav"]
    assert matches.ambiguous == {0: ("dog.wav",), 1: ("dog.wav",)}


@posix
def test_a_name_without_suffix_matches_any_suffix(tmp_path: Path) -> None:
    files = ["a.m4a", "a.flac", "a.txt", "b.WEBA", "c", "c.wav", "x_30.000.Wav", "d.txt"]
    found, matches = match(tmp_path, files, "a", "b", "c", "x_30.000", "d", "a.mp3")
    assert found == ["a.flac", "b.WEBA", "c", "x_30.000.Wav", None, None]
    assert matches.renamed == {}  # the list says nothing of suffixes
    found, matches = match(tmp_path, ["e.wav", "e.WAV", "f.wav"], "e", "F", "f.WAV")
    assert found == [None, None, None]
    assert set(matches.ambiguous[0]) == {"e.wav", "e.WAV"}
    found, matches = match(tmp_path, [], "X_30.000", "B")
    assert found == ["x_30.000.Wav", "b.WEBA"]
    assert matches.renamed == {0: "x_30.000.Wav", 1: "b.WEBA"}


def test_the_first_existing_name_is_taken(tmp_path: Path) -> None:
    names = ("v_30.wav", "v_30", "v")
    assert match(tmp_path, ["v.wav"], names)[0] == ["v.wav"]
    # clips that are parts of one file share it
    other = ("v_40.wav", "v_40", "v")
    assert match(tmp_path, [], names, other)[0] == ["v.wav", "v.wav"]
    assert match(tmp_path, ["v_30.ogg"], names, other)[0] == ["v_30.ogg", "v.wav"]


@posix
def test_parts_of_one_file_share_it_in_any_case(tmp_path: Path) -> None:
    clips = (("V_30.wav", "V"), ("V_40.wav", "V"))
    found, matches = match(tmp_path, ["v.wav", "x.wav"], *clips, "x.wav")
    assert found == ["v.wav", "v.wav", "x.wav"]
    assert matches.renamed == {0: "v.wav", 1: "v.wav"}


@posix
def test_linked_folders_and_hidden_files_that_are_named(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "A.wav").touch()
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path / "out")
    (root / "loop").symlink_to(root)
    files = [".hidden.wav", "._x.wav"]
    clips = ("link/A.wav", "LINK/a.wav", "loop/._x.wav", ".hidden.wav")
    found, _ = match(root, files, *clips[:1], *clips[2:])
    assert found == ["link/A.wav", "loop/._x.wav", ".hidden.wav"]
    assert match(root, [], clips[1])[0] == ["link/A.wav"]


def test_only_necessary_folders_are_listed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    scandir, listed = os.scandir, []

    def count(path):
        listed.append(Path(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", count)
    monkeypatch.setattr(Path, "is_file", None)  # no file is asked for by itself
    clips = [tuple(f"a/{n}_{form}" for form in range(20)) for n in range(100)]
    for n in range(50):
        (tmp_path / "a").mkdir(exist_ok=True)
        (tmp_path / "a" / f"{n}_{n % 20}.wav").touch()
    matches = match_names(tmp_path, clips, clips)
    assert sum(file is not None for file in matches.files) == 50
    assert listed == [tmp_path / "a", tmp_path, tmp_path / "a", tmp_path]


def test_invalid_file_names_match_nothing(tmp_path: Path) -> None:
    names = ("x" * 300 + ".wav", "a\0b.wav", "\ud800/x.wav", "https://host/c.wav", "-", "a/", ".")
    assert match(tmp_path, ["c.wav"], *names)[0] == [None] * len(names)


FORMS = [
    lambda name: name,
    lambda name: name.upper(),
    lambda name: name.replace("/", "\\"),
    lambda name: unicodedata.normalize("NFD", name),
    lambda name: unicodedata.normalize("NFC", name).swapcase(),
]
WORDS = st.text(alphabet="abcxyzäöüé한", min_size=1, max_size=4)


@posix
@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.lists(WORDS, min_size=1, max_size=3).map("/".join), st.sampled_from(FORMS)),
        max_size=6,
        unique_by=lambda each: each[0],
    )
)
def test_every_form_of_every_name_finds_its_own_file(names) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = [f"{name}.wav" for name, _ in names]
        listed = [form(f"{name}.wav") for name, form in names]
        found, matches = match(Path(folder), files, *listed)
        assert found == files
        assert not matches.ambiguous
        told = {n for n, (form, file) in enumerate(zip(listed, files, strict=True)) if form != file}
        assert set(matches.renamed) == told


@pytest.mark.parametrize(
    "name",
    [
        "/recordings/2024/night/a.wav",
        "//server/share/night/a.wav",
        "/a.wav",
        "C:\\sounds\\night\\a.wav",
        "set/night/a.wav",
        "./set/./night//a.wav",
        "d/" * 3000 + "a.wav",
    ],
)
def test_names_are_matched_by_their_end(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.wav").touch()
    matches = match_names(tmp_path, [[]], [[name]])
    assert (matches.files, matches.renamed) == ([tmp_path / "a.wav"], {0: "a.wav"})
    if "night" in name:
        (tmp_path / "night").mkdir()
        (tmp_path / "night" / "a.wav").touch()
        matches = match_names(tmp_path, [[]], [[name]])
        assert matches.renamed == {0: "night/a.wav"}
    # two names that end in one file, or a name whose end is another clip's file, mean neither
    for others in ("/elsewhere/a.wav", "a.wav"):
        matches = match_names(tmp_path, [[], [others]], [[name], [others]])
        if "night" not in name:
            assert matches.ambiguous[0] == ("a.wav",)
            assert matches.files[0] is None


def test_no_end_of_a_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "audio").mkdir()
    (tmp_path / "a.wav").touch()
    outside = f"{tmp_path}/a.wav"
    for name in (outside, f"x/{outside}", f"//{outside}"):
        assert match_names(tmp_path / "audio", [[]], [[name]]).files == [None]
