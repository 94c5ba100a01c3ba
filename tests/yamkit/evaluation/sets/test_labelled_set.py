"""Labelled sets: layouts are recognised, lists are checked, clips are selected."""

from __future__ import annotations

from pathlib import Path

import pytest

from yamkit.errors import LabelError, ParameterError, UnknownPluginError
from yamkit.evaluation.sets.labelled_set import read_set

ESC = """\
filename,fold,target,category,esc10,src_file,take
a.wav,1,0,dog,True,1,A
b.wav,2,0,dog,True,2,A
c.wav,2,1,rooster,True,3,A
"""


@pytest.fixture
def write(tmp_path: Path):
    def to_file(text: str) -> Path:
        path = tmp_path / "list.csv"
        path.write_bytes(text.encode())
        return path

    return to_file


def test_the_layout_is_recognised_or_named(write, tmp_path: Path) -> None:
    labelled = read_set(write(ESC))
    assert (labelled.layout, len(labelled.clips)) == ("esc50", 3)
    assert read_set(write(ESC), "esc50").clips == labelled.clips
    (tmp_path / "folder" / "dog").mkdir(parents=True)
    (tmp_path / "folder" / "dog" / "1.wav").touch()
    assert read_set(tmp_path / "folder").layout == "folders"
    with pytest.raises(UnknownPluginError, match="no label reader 'esc5'; installed: audioset"):
        read_set(write(ESC), "esc5")
    with pytest.raises(LabelError) as caught:
        read_set(write("file;tags\n"))
    message = str(caught.value)
    assert "('file;tags')" in message
    assert "--layout: audio" in message
    with pytest.raises(LabelError, match=r"csv, esc50; .* --layout"):
        read_set(write("filename,fold,target,category,path,labels\n"))
    with pytest.raises(LabelError, match="No such file"):
        read_set(tmp_path / "nowhere.csv")
    (tmp_path / "list.csv").write_text("path,labels\na.wav,x\n", encoding="utf-16")
    with pytest.raises(LabelError, match="not UTF-8 text; save it as UTF-8 .*not Unicode text"):
        read_set(tmp_path / "list.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(LabelError, match="lists no clips; expected one folder per class"):
        read_set(tmp_path / "empty")


def test_folds_splits_and_limit(write) -> None:
    labelled = read_set(write(ESC))
    assert [clip.line for clip in labelled.select(folds=["2"]).clips] == [3, 4]
    tenfold = read_set(write(ESC.replace(",1,", ",10,")))
    assert [clip.line for clip in tenfold.select(folds="10").clips] == [2]
    assert [clip.line for clip in labelled.select(folds=["1", "2"], limit=2).clips] == [2, 3]
    assert labelled.select() == labelled
    with pytest.raises(ParameterError, match=r"fold '3': .*list.csv; known: 1, 2"):
        labelled.select(folds=["3"])
    with pytest.raises(ParameterError, match="known: the list has no splits"):
        labelled.select(splits=["dev"])
    with pytest.raises(ParameterError, match="limit 0: must be at least 1"):
        labelled.select(limit=0)
    both = read_set(write("path,labels,fold,split\na,x,1,dev\nb,x,2,eval\n"))
    with pytest.raises(ParameterError, match="no clip is in both these folds and these splits"):
        both.select(folds=["1"], splits=["eval"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,labels\n", "lists no clips"),
        ("path,labels\na.wav,x\nb.wav,x\na.wav,y\n", "a.wav is listed 2 times (lines 2, 4)"),
        ("path,labels\n../a.wav,x\n", "line 2: '../a.wav' leads out"),
        ("path,labels\na.wav,\nb/..\\..\\a.wav,x\n", r"line 3: 'b/..\\..\\a.wav' leads out"),
        ("path,labels\n,x\n", "line 2: empty file name"),
        (
            '# YTID, start_seconds, end_seconds, positive_labels\nabc, 10.0, 5.0, "/m/1"\n',
            "line 2: from 10.0 to 5.0 s; the start must come before the end",
        ),
        (
            '# YTID, start_seconds, end_seconds, positive_labels\nabc, 1.0, nan, "/m/1"\n',
            "line 2: from 1.0 to nan s",
        ),
    ],
)
def test_invalid_lists_are_refused(write, text: str, message: str) -> None:
    with pytest.raises(LabelError) as caught:
        read_set(write(text))
    assert message in str(caught.value)


def test_an_invalid_file_name_is_refused(write) -> None:
    with pytest.raises(LabelError, match=r"line 2: .*not a valid file name"):
        read_set(write("path,labels\na\0b.wav,x\n"))


def test_the_index_of_classes_is_the_vocabulary_of_audioset(write, tmp_path: Path) -> None:
    list_ = write('# YTID, start_seconds, end_seconds, positive_labels\nabc, 0, 10, "/m/09x0r"\n')
    assert read_set(list_).vocabulary == {}
    (tmp_path / "class_labels_indices.csv").write_text(
        'index,mid,display_name\n0,/m/09x0r,"Speech"\n1,/m/05zppz,"Male speech, man speaking"\n'
    )
    labelled = read_set(list_)
    assert labelled.vocabulary["/m/05zppz"] == "Male speech, man speaking"
    assert labelled.labels == ("/m/05zppz", "/m/09x0r")
    (tmp_path / "class_labels_indices.csv").write_text("mid\n/m/09x0r\n")
    with pytest.raises(LabelError, match=r"indices.csv: no column display_name"):
        read_set(list_)


def test_a_video_may_have_several_segments(write) -> None:
    head = "# YTID, start_seconds, end_seconds, positive_labels\n"
    rows = 'abc, 0.0, 10.0, "/m/1"\nabc, 10.0, 20.0, "/m/1"\n'
    assert len(read_set(write(head + rows)).clips) == 2
    with pytest.raises(LabelError, match="listed 2 times"):
        read_set(write(head + rows.replace("10.0, 20.0", "0.0, 10.0")))
