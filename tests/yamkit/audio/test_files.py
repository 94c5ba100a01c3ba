"""Names of files, and the search for them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.audio import Found, NotFound, display_path, find_audio, open_audio
from yamkit.errors import AudioFileError

posix = pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX alone")


@pytest.fixture
def tree(tmp_path):
    for name in ("b.WAV", "a/2.flac", "a/1.mp3", "c.txt", ".hidden.wav", ".git/x.wav", "z.m4a"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


def test_files_and_stdin_stay_as_they_are():
    paths = ["missing.wav", "-", "notes.txt"]
    assert list(find_audio(paths, True)) == [Found(path) for path in paths]


def test_a_folder_needs_recursive_and_the_others_still_come(tree):
    refused, found = find_audio([str(tree), "x.wav"], False)
    assert isinstance(refused, NotFound)
    assert isinstance(refused.error, AudioFileError)
    assert str(refused.error) == (f"{tree} is a directory; add --recursive to take the files in it")
    assert found == Found("x.wav")


def test_a_folder_gives_its_sound_files_sorted(tree):
    names = ["a/1.mp3", "a/2.flac", "b.WAV", "z.m4a"]
    assert list(find_audio([str(tree)], True)) == [Found(str(tree / name)) for name in names]


def test_a_folder_without_sound_is_said(tree):
    (only,) = find_audio([str(tree / ".git" / "..")[:-3] + "/../empty"], True)
    assert isinstance(only, Found)  # it does not exist: opening it says so
    (tree / "empty").mkdir()
    (only,) = find_audio([str(tree / "empty")], True)
    assert isinstance(only, NotFound)
    assert "no sound file" in str(only.error)


@posix
def test_links_to_folders_are_followed_once_and_pipes_left_out(tree):
    (tree / "a" / "loop").symlink_to(tree / "a")
    (tree / "a" / "loop.wav").symlink_to("../a")
    (tree / "other").mkdir()
    (tree / "other" / "3.wav").touch()
    (tree / "a" / "other.wav").symlink_to(tree / "other")
    (tree / "a" / "dangling.wav").symlink_to("nowhere")
    (tree / "a" / "link.wav").symlink_to(tree / "b.WAV")
    os.mkfifo(tree / "a" / "pipe.wav")
    names = ["1.mp3", "2.flac", "dangling.wav", "link.wav", "other.wav/3.wav"]
    found = list(find_audio([str(tree / "a")], True))
    assert found == [Found(str(tree / "a" / name)) for name in names]


def test_metadata_of_macos_is_counted_in_folders_and_taken_where_it_is_named(tree):
    (tree / "._b.WAV").touch()
    (tree / "a" / "._1.mp3").touch()
    (tree / "a" / "._notes.txt").touch()
    metadata: list[str] = []
    named = str(tree / "._b.WAV")
    found = list(find_audio([named, str(tree)], True, metadata.append))
    names = ["._b.WAV", "a/1.mp3", "a/2.flac", "b.WAV", "z.m4a"]
    assert found == [Found(str(tree / name)) for name in names]
    assert sorted(metadata) == ["._1.mp3", "._b.WAV"]


def test_an_unreadable_folder_is_a_failure_of_its_own(tree, monkeypatch):
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("a"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    refused, first, last = find_audio([str(tree)], True)
    assert isinstance(refused, NotFound)
    assert "cannot be read: Permission denied" in str(refused.error)
    assert (first, last) == (Found(str(tree / "b.WAV")), Found(str(tree / "z.m4a")))


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("dog.wav", "dog.wav"),
        ("Hündin 🐕.wav", "Hündin 🐕.wav"),
        ("a\nb\x1b[31m", r"a\nb\x1b[31m"),
        ("a\u2028b\x85", r"a\u2028b\x85"),
        ("caf\udce9.wav", r"caf\xe9.wav"),
        ("\ud800", r"\ud800"),
    ],
)
def test_paths_are_shown_as_one_line_of_unicode(path, shown):
    assert display_path(path) == shown


@given(st.text(alphabet=st.characters(exclude_characters="\0")))
def test_any_path_can_be_shown(path):
    shown = display_path(path)
    assert shown.encode().decode() == shown
    assert len(shown.splitlines()) <= 1


def test_a_link_in_a_circle_costs_no_other_file(tmp_path):
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    (tmp_path / "good.wav").write_bytes(b"x")
    found = list(find_audio([str(tmp_path)], recursive=True))
    assert [Path(entry.path).name for entry in found] == ["good.wav", "loop.wav"]
    with pytest.raises(AudioFileError, match="loop.wav"):
        open_audio(found[1].path)
