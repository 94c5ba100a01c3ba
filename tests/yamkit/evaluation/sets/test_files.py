"""Finding the files of a set: by any of their names, and never outside the audio folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from yamkit.errors import ParameterError
from yamkit.evaluation.sets.files import find_files
from yamkit.evaluation.sets.labelled_set import read_set


@pytest.fixture
def write(tmp_path: Path):
    def to_file(text: str) -> Path:
        path = tmp_path / "list.csv"
        path.write_bytes(text.encode())
        return path

    return to_file


def test_files_are_found_by_any_of_their_names(write, tmp_path: Path) -> None:
    list_ = write("slice_file_name,fold,class\na.wav,1,x\nb.wav,2,x\nc.wav,2,x\n")
    labelled = read_set(list_)
    audio = tmp_path / "audio"
    (audio / "fold1").mkdir(parents=True)
    with pytest.raises(ParameterError) as caught:
        find_files(labelled, audio)
    assert "none of the 3 files" in str(caught.value)
    assert "such as fold1/a.wav; name the folder with --audio" in str(caught.value)
    (audio / "fold1" / "a.wav").touch()
    (audio / "b.wav").touch()
    files = find_files(labelled, audio).files
    assert files == [audio / "fold1" / "a.wav", audio / "b.wav", None]
    (tmp_path / "other").mkdir()
    for name in ("A.wav", "a.WAV"):
        (tmp_path / "other" / name).touch()
    if len(list((tmp_path / "other").iterdir())) == 2:  # where case tells files apart
        with pytest.raises(ParameterError, match=r"a.wav may be A.wav or a.WAV in .*other; "):
            find_files(labelled, tmp_path / "other")
    with pytest.raises(ParameterError, match=r"nowhere: .*--audio"):
        find_files(labelled, tmp_path / "nowhere")


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_absolute_paths_into_the_folder_of_audio(write, tmp_path: Path, monkeypatch) -> None:
    audio = tmp_path / "audio"
    (audio / "night").mkdir(parents=True)
    for name in ("a.wav", "night/b.wav", "c.wav"):
        (audio / name).touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "d.wav").touch()
    (audio / "d.wav").symlink_to(tmp_path / "elsewhere" / "d.wav")  # one file elsewhere
    (tmp_path / "link").symlink_to(audio)
    names = [f"{audio}/a.wav", f"{tmp_path}/link/night/B.wav", "c.wav", f"{audio}/d.wav"]
    labelled = read_set(write("path,labels\n" + "".join(f"{name},x\n" for name in names)))
    expected = ["a.wav", "night/b.wav", "c.wav", "d.wav"]
    monkeypatch.chdir(tmp_path)
    for folder in (audio, Path("audio"), Path("link"), tmp_path / "link"):
        matches = find_files(labelled, folder)
        assert matches.files == [folder / name for name in expected]
        assert matches.renamed == {1: "night/b.wav"}
    matches = find_files(labelled, audio / "night")
    assert matches.files == [None, audio / "night" / "b.wav", None, None]
    with pytest.raises(ParameterError, match="none of the 1 files of .*, such as /etc/passwd;"):
        find_files(read_set(write("path,labels\n/etc/passwd,x\n")), audio)
    (audio / "passwd").touch()
    matches = find_files(read_set(write("path,labels\n/etc/passwd,x\n")), audio)
    assert (matches.files, matches.renamed) == ([audio / "passwd"], {0: "passwd"})
