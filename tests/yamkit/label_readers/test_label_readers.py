"""Each layout as its publishers write it; invalid lists are refused in one line."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from yamkit.errors import LabelError
from yamkit.evaluation.sets.files import find_files
from yamkit.evaluation.sets.labelled_set import read_set
from yamkit.label_readers._audioset import AudioSet
from yamkit.label_readers._folders import Folders
from yamkit.label_readers._tables import DcaseWeak, Esc50, Fsd50k, PlainCsv, UrbanSound8k
from yamkit.types import LabelledClip

READERS = {
    reader.__name__: reader()
    for reader in (AudioSet, DcaseWeak, Esc50, Folders, Fsd50k, PlainCsv, UrbanSound8k)
}

# The publishers' own first lines.
LISTS = {
    "AudioSet": """\
# Segments csv created Sun Mar  5 10:54:25 2017
# num_ytids=20371, num_segs=20371, num_unique_labels=527, num_positive_labels=51804
# YTID, start_seconds, end_seconds, positive_labels
--4gqARaEJE, 0.000, 10.000, "/m/068hy,/m/07q6cd_,/m/0bt9lr,/m/0jbk"
-0RWZT-miFs, 420.000, 430.000, "/m/03v3yw,/m/0k4j"
""",
    "Fsd50k": """\
fname,labels,mids,split
64760,"Electric_guitar,Guitar,Plucked_string_instrument,Musical_instrument,Music","/m/02sgy,/m/0342h,/m/0fx80y,/m/04szw,/m/04rlf",train
16399,"Electric_guitar,Guitar","/m/02sgy,/m/0342h",val
""",
    "Esc50": """\
filename,fold,target,category,esc10,src_file,take
1-100032-A.wav,1,0,dog,True,100032,A
1-100038-A.wav,1,14,chirping_birds,False,100038,A
""",
    "UrbanSound8k": """\
slice_file_name,fsID,start,end,salience,fold,classID,class
100032-3-0-0.wav,100032,0.0,0.317551,1,5,3,dog_bark
100263-2-0-117.wav,100263,58.5,62.5,1,5,2,children_playing
""",
    "DcaseWeak": """\
filename\tevent_labels
Y--PG66A3lo4_30.000_40.000.wav\tBlender,Speech
Y-0MoGDQ2S1A_0.000_10.000.wav\tDog
""",
    "PlainCsv": """\
path,labels
night/1.wav,Dog;/m/09x0r
"night/2, windy.wav",
""",
}


def lines(text: str) -> tuple[str, ...]:
    return tuple(text.splitlines()[:5])


def read(name: str, path: Path, text: str | bytes) -> list[LabelledClip]:
    file = path / "list.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(READERS[name].read(file))


@pytest.mark.parametrize("name", LISTS)
def test_a_header_is_recognised_only_by_its_reader(name: str, tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.touch()
    found = [key for key, reader in READERS.items() if reader.recognises(file, lines(LISTS[name]))]
    assert found == [name]
    assert not any(reader.recognises(file, ("a,b,c", "1,2,3")) for reader in READERS.values())
    assert not any(reader.recognises(file, ()) for reader in READERS.values())


def test_audioset(tmp_path: Path) -> None:
    first, second = read("AudioSet", tmp_path, LISTS["AudioSet"])
    assert first.labels == ("/m/068hy", "/m/07q6cd_", "/m/0bt9lr", "/m/0jbk")
    assert (first.start_seconds, first.end_seconds, first.line) == (0.0, 10.0, 4)
    assert first.names[0] == "--4gqARaEJE_0.wav"  # scores files know the clip by it
    assert {"--4gqARaEJE", "Y--4gqARaEJE", "--4gqARaEJE_0"} <= set(first.names)
    assert (second.start_seconds, second.end_seconds) == (420.0, 430.0)
    # a segment's own file comes before the whole video's
    names = list(second.names)
    assert names.index("-0RWZT-miFs_420000") < names.index("-0RWZT-miFs")
    with pytest.raises(LabelError, match=r"line 4: start_seconds '0:10': must be"):
        read("AudioSet", tmp_path, LISTS["AudioSet"].replace("0.000, 10", "0:10, 10", 1))


@pytest.mark.parametrize(
    "file",
    [
        "{id}.wav",
        "Y{id}.flac",
        "{id}_30.000.wav",
        "Y{id}_30.000_40.000.wav",
        "{id}_30.000_40.000.WAV",
        "{id}_30_40.wav",
        "Y{id}_30_40.webm",
        "{id}_30000_40000.flac",
        "{id}_30.0_40.0.wav",
        "{id}_30000.Mp3",
        "Y{id}_30000.m4a",
        "{id}_30.opus",
        "{id}_30.0.weba",
    ],
)
@pytest.mark.parametrize("layout", ["audioset", "audioset-strong"])
def test_names_of_audiosets_files_in_common_use(file: str, layout: str, tmp_path: Path) -> None:
    video = "-0RWZT-miFs"
    lists = {
        "audioset": "# YTID, start_seconds, end_seconds, positive_labels\n"
        f'{video}, 30, 40, "/m/1"\n',
        "audioset-strong": "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n"
        f"{video}_30000\t1\t2\t/m/1\n",
    }
    (tmp_path / "list").write_text(lists[layout])
    expected = tmp_path / file.format(id=video)
    for name in (
        expected.name,
        "notes.txt",
        f"{video}_300.wav",
        f"Z{video}.wav",
        f"{video}_30_41.wav",
    ):
        (tmp_path / name).touch()
    labelled = read_set(tmp_path / "list")
    assert labelled.layout == layout
    matches = find_files(labelled, tmp_path)
    assert matches.files == [expected]
    assert matches.renamed == {}
    # a file of the segment itself comes before the whole video
    (tmp_path / f"{video}.wav").touch()
    whole = file in ("{id}.wav", "Y{id}.flac")
    assert find_files(labelled, tmp_path).files == [
        tmp_path / f"{video}.wav" if whole else expected
    ]


def test_fsd50k(tmp_path: Path) -> None:
    first, second = read("Fsd50k", tmp_path, LISTS["Fsd50k"])
    assert first.names == ("64760.wav", "64760")
    assert first.labels[1:3] == ("Guitar", "Plucked_string_instrument")
    assert (first.split, second.split) == ("train", "val")
    evaluation = "fname,labels,mids\n37199,Electric_guitar,/m/02sgy\n"
    assert READERS["Fsd50k"].recognises(tmp_path / "x", lines(evaluation))
    assert read("Fsd50k", tmp_path, evaluation) == [
        LabelledClip(("37199.wav", "37199"), ("Electric_guitar",), line=2)
    ]


def test_esc50_and_urbansound8k_have_folds(tmp_path: Path) -> None:
    assert read("Esc50", tmp_path, LISTS["Esc50"])[1] == LabelledClip(
        ("1-100038-A.wav",), ("chirping_birds",), fold="1", line=3
    )
    assert read("UrbanSound8k", tmp_path, LISTS["UrbanSound8k"])[1] == LabelledClip(
        ("fold5/100263-2-0-117.wav", "100263-2-0-117.wav"),
        ("children_playing",),
        fold="5",
        line=3,
    )


def test_dcase_weak_and_plain(tmp_path: Path) -> None:
    first, _ = read("DcaseWeak", tmp_path, LISTS["DcaseWeak"])
    assert first.labels == ("Blender", "Speech")
    first, second = read("PlainCsv", tmp_path, LISTS["PlainCsv"])
    assert first.labels == ("Dog", "/m/09x0r")
    assert (second.names, second.labels) == (("night/2, windy.wav",), ())
    (only,) = read("PlainCsv", tmp_path, "split,path,labels,fold\na,b.wav, Dog ; Dog ;,3\n")
    assert only == LabelledClip(("b.wav",), ("Dog",), fold="3", split="a", line=2)


def test_folders(tmp_path: Path) -> None:
    for name in (
        "dog/1.wav",
        "dog/deep/2.wav",
        "cat/3.wav",
        "cat/.4.wav",
        "cat/notes.txt",
        "top.wav",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    reader = READERS["Folders"]
    assert reader.recognises(tmp_path, ())
    assert not reader.recognises(tmp_path / "top.wav", ())
    assert [(clip.names[0], clip.labels) for clip in reader.read(tmp_path)] == [
        ("cat/3.wav", ("cat",)),
        ("dog/1.wav", ("dog",)),
        ("dog/deep/2.wav", ("dog",)),
    ]
    with pytest.raises(LabelError, match="No such file"):
        list(reader.read(tmp_path / "nowhere"))


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_folders_follow_links_and_leave_metadata(tmp_path: Path) -> None:
    root, outside = tmp_path / "set", tmp_path / "outside"
    for name in ("set/dog/1.wav", "set/dog/._1.wav", "outside/2.weba", "outside/deep/3.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (root / "cat").symlink_to(outside)
    (root / "dogs").symlink_to("dog")
    (root / "dog" / "loop").symlink_to(root)
    (outside / "again").symlink_to(outside)
    found = list(READERS["Folders"].read(root))
    assert [(clip.names[0], clip.labels) for clip in found] == [
        ("cat/2.weba", ("cat",)),
        ("cat/deep/3.wav", ("cat",)),
        ("dog/1.wav", ("dog",)),
    ]
    assert all(find_files(read_set(root), root).files)


DELIMITED = {
    "AudioSet": (
        "# made;;;\n# YTID; start_seconds; end_seconds; positive_labels\n"
        'abc; 0,5; 10,5; "/m/1,/m/2"\n;;;\n',
        LabelledClip(("abc_500.wav",), ("/m/1", "/m/2"), "", "", 0.5, 10.5, 3),
    ),
    "Fsd50k": (
        "fname;labels;mids;split\n1;Guitar,Music;/m/1,/m/2;val\n",
        LabelledClip(("1.wav", "1"), ("Guitar", "Music"), split="val", line=2),
    ),
    "Esc50": (
        "filename;fold;target;category;esc10;src_file;take\n1.wav;1;0;dog;True;1;A\n",
        LabelledClip(("1.wav",), ("dog",), fold="1", line=2),
    ),
    "UrbanSound8k": (
        "slice_file_name;fsID;start;end;salience;fold;classID;class\n1.wav;1;0,0;0,3;1;5;3;dog_bark\n",
        LabelledClip(("fold5/1.wav", "1.wav"), ("dog_bark",), fold="5", line=2),
    ),
    "DcaseWeak": (
        "filename;event_labels\na.wav;Blender,Speech\n",
        LabelledClip(("a.wav",), ("Blender", "Speech"), line=2),
    ),
    "PlainCsv": ("path;labels\na.wav;Dog\n", LabelledClip(("a.wav",), ("Dog",), line=2)),
}


@pytest.mark.parametrize("name", DELIMITED)
def test_semicolons_of_spreadsheets(name: str, tmp_path: Path) -> None:
    text, expected = DELIMITED[name]
    assert READERS[name].recognises(tmp_path / "x", lines(text))
    (clip,) = read(name, tmp_path, text)
    assert clip.names[: len(expected.names)] == expected.names
    assert replace(clip, names=expected.names) == expected


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("empty", [",,,", ";;;", "\t\t", "", '"",', "  "])
def test_empty_rows_and_cells_of_spreadsheets(name: str, empty: str, tmp_path: Path) -> None:
    text = LISTS[name]
    expected = read(name, tmp_path, text)
    delimiter = "\t" if name == "DcaseWeak" else ","
    empty = empty.replace(",", delimiter).replace(";", delimiter)
    assert read(name, tmp_path, f"{text}{empty}\r\n{empty}\r\n") == expected
    if name != "AudioSet":  # its header is a comment
        head, _, rest = text.partition("\n")
        wide = f"{head}{delimiter * 2}\n{rest}"
        assert READERS[name].recognises(tmp_path / "x", lines(f"{empty}\n{wide}"))
        shifted = read(name, tmp_path, f"{empty}\n{wide}")
        assert [replace(clip, line=clip.line - 1) for clip in shifted] == expected
    rows = text.splitlines()
    rows[-1] += delimiter * 3
    assert read(name, tmp_path, "\n".join(rows)) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("Dog", ["Dog"]),
        ('"Dog;Rain; Wind"', ["Dog", "Rain", "Wind"]),
        ("Dog,Rain", ["Dog", "Rain"]),
        ('"Narration, monologue"', ["Narration, monologue"]),
        ("Narration, monologue", ["Narration, monologue"]),
        ("Narration, monologue,Dog", ["Narration, monologue", "Dog"]),
        ('"Narration, monologue;Dog"', ["Narration, monologue", "Dog"]),
        ("/m/1,/m/2", ["/m/1", "/m/2"]),
        ("", []),
    ],
)
def test_labels_between_semicolons(cell: str, expected: list[str], tmp_path: Path) -> None:
    (clip,) = read("PlainCsv", tmp_path, f"fold;path;labels\n1;a.wav;{cell}\n")
    assert (list(clip.labels), clip.fold) == (expected, "1")


@pytest.mark.parametrize("name", LISTS)
def test_lists_from_other_systems_are_the_same(name: str, tmp_path: Path) -> None:
    expected = read(name, tmp_path, LISTS[name])
    assert read(name, tmp_path, ("\ufeff" + LISTS[name]).encode()) == expected
    assert read(name, tmp_path, LISTS[name].replace("\n", "\r\n")) == expected
    assert read(name, tmp_path, LISTS[name].rstrip("\n")) == expected


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("PlainCsv", "path,tags\n", "no column labels; it has: path, tags"),
        ("PlainCsv", "", "no column path, labels; it has: none"),
        ("PlainCsv", "path,labels\na,b.wav,Dog\n", "line 2: 3 columns: must be 2 (path,labels)"),
        ("PlainCsv", "path,labels\na.wav\n", "line 2: 1 columns: must be 2"),
        ("PlainCsv", 'path,labels\na.wav,"Dog\n', "line 2: unexpected end of data"),
        ("PlainCsv", b"path,labels\na.wav,\xff\n", "not UTF-8 text; save it as UTF-8"),
        ("AudioSet", "# YTID\nabc, 1\n", "line 2: 2 columns: must be 4"),
        ("Esc50", "filename,category\n", "no column fold"),
        ("PlainCsv", "path;labels\na.wav;Dog;Cat\n", "line 2: 3 columns: must be 2 (path;labels)"),
        ("PlainCsv", "path,labels\na.wav,x\n".encode("utf-16"), "not UTF-8 text"),
        ("AudioSet", "# YTID\nabc, 1e999, 2e999, x\n", "line 2: from inf to inf s"),
        ("AudioSet", "# YTID\nabc, 0, 1e308, x\n", "line 2: end_seconds '1e308': must be at most"),
        (
            "AudioSet",
            "# YTID\nabc, -1e10, 1, x\n",
            "line 2: start_seconds '-1e10': must be",
        ),
    ],
)
def test_invalid_lists_are_refused(name: str, text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(LabelError) as caught:
        read(name, tmp_path, text)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "list.csv"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", LISTS)
def test_a_missing_list(name: str, tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="No such file"):
        list(READERS[name].read(tmp_path / "nowhere.csv"))
