"""Classes by name, machine identifier, index or subtree; the ontology behind them."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamkit.errors import ParameterError
from yamkit.models.store import find_model
from yamkit.scores.classes import choose_classes, find_classes, roll_up, split_words
from yamkit.scores.ontology import audioset
from yamkit.types import TagClass

ROOT = Path(__file__).resolve().parents[3]
CLASSES = find_model("yamnet-mini").classes


def names(indices) -> list[str]:
    return [CLASSES[index].name for index in indices]


@pytest.mark.parametrize("word", ["Dog", "dog", "DOG", "/m/0bt9lr", "69"])
def test_a_class_by_any_of_its_names(word: str) -> None:
    assert names(find_classes(word, CLASSES)) == ["Dog"]


def test_a_subtree() -> None:
    dogs = ["Dog", "Bark", "Yip", "Howl", "Bow-wow", "Growling", "Whimper (dog)"]
    assert names(find_classes("dog/", CLASSES)) == dogs
    assert names(find_classes("/m/0bt9lr/", CLASSES)) == dogs
    human = names(find_classes("Human sounds/", CLASSES))
    assert "Speech" in human
    assert "Dog" not in human


def test_a_name_goes_before_an_index_and_a_subtree() -> None:
    odd = (TagClass(0, "", "1"), TagClass(1, "", "Animal/"), TagClass(2, "", "a"))
    assert find_classes("1", odd) == (0,)
    assert find_classes("2", odd) == (2,)
    assert find_classes("Animal/", odd) == (1,)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("Dgo", "did you mean 'Dog'"),
        ("rooster", "did you mean 'Chicken, rooster'"),
        ("Dogs", "'Dogs': .* did you mean 'Dog'\\?"),
        ("Cat,Dogs,Bird", "'Dogs': .* did you mean 'Dog'\\?"),
        ("Cat,Animla/", "'Animla/': .* no such node"),
        ("Human sounds", "'Human sounds/'"),
        ("Animla/", "no such node; did you mean 'Animal'"),
        ("521", "521 classes"),
        ("9" * 5000, "521 classes"),
        ("", "521 classes"),
        ("/", "521 classes"),
        ("a\x1b[31m", r"a\\\\x1b"),
    ],
)
def test_a_word_that_means_nothing(word: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        find_classes(word, CLASSES)


def test_a_subtree_without_classes_of_the_model() -> None:
    with pytest.raises(ParameterError, match="subtree"):
        find_classes("Dog/", (TagClass(0, "/m/09x0r", "Speech"),))


def test_choosing() -> None:
    assert choose_classes(CLASSES) is None
    chosen = choose_classes(CLASSES, ["Dog/", "Speech"], ["Howl"])
    assert chosen is not None
    assert names(chosen) == ["Speech", "Dog", "Bark", "Yip", "Bow-wow", "Growling", "Whimper (dog)"]
    rest = choose_classes(CLASSES, (), ["Music/"])
    assert rest is not None
    assert len(rest) + len(find_classes("Music/", CLASSES)) == 521
    with pytest.raises(ParameterError, match="no classes"):
        choose_classes(CLASSES, ["Dog"], ["Animal/"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat,dog", ["Dog", "Cat"]),
        (" Cat , Dog,", ["Dog", "Cat"]),
        ("/m/0bt9lr,/m/01yrx,3", [CLASSES[3].name, "Dog", "Cat"]),
        ("Chicken, rooster", ["Chicken, rooster"]),
        ("dog,Chicken, rooster,cat", ["Dog", "Cat", "Chicken, rooster"]),
        ("Domestic animals, pets,Dog", ["Domestic animals, pets", "Dog"]),
        (
            "Cat,Bird vocalization, bird call, bird song",
            ["Cat", "Bird vocalization, bird call, bird song"],
        ),
    ],
)
def test_several_words_in_one(text: str, expected: list[str]) -> None:
    assert names(find_classes(text, CLASSES)) == expected


def test_a_subtree_among_several_words() -> None:
    both = find_classes("Speech,Domestic animals, pets/", CLASSES)
    assert both == (0, *find_classes("Domestic animals, pets/", CLASSES))


@given(st.lists(st.sampled_from([entry.name for entry in CLASSES]), min_size=1, max_size=8))
def test_any_names_joined_by_commas_are_found(chosen: list[str]) -> None:
    expected = {entry.index for entry in CLASSES if entry.name in chosen}
    assert set(find_classes(",".join(chosen), CLASSES)) == expected


def test_a_plural_suggests_its_singular() -> None:
    words = [name for name in (entry.name for entry in CLASSES) if name.isalpha() and len(name) > 2]
    known = {entry.name.casefold() for entry in CLASSES}
    for name in words:
        if f"{name}s".casefold() not in known:
            with pytest.raises(ParameterError, match=f"did you mean '{name}'"):
                find_classes(f"{name}s", CLASSES)


def test_the_names_of_all_classes_are_one_word() -> None:
    word = ", ".join(entry.name for entry in CLASSES)
    assert find_classes(word, CLASSES) == tuple(range(len(CLASSES)))


@pytest.mark.parametrize("piece", [",", "x", "Dog,", "dog/,", "7,", "/", " ,"])
def test_words_are_of_bounded_length(piece: str) -> None:
    word = piece * (10_001 // len(piece) + 1)
    with pytest.raises(ParameterError, match=r"^class '.{20}'\.\.\.: 10,00\d characters: "):
        find_classes(word, CLASSES)
    with pytest.raises(ParameterError, match="characters: .* 10,000"):
        split_words(word, {"Dog"}.__contains__, 3)


def test_long_lists_compare_each_piece_with_no_class() -> None:
    """What is counted is how often the names of classes are read, once for the whole list."""
    read = []

    class Watched(str):
        def casefold(self) -> str:
            read.append(self)
            return super().casefold()

    classes = [TagClass(0, "/m/0", Watched("Dog")), TagClass(1, "/m/1", Watched("Cat, wild"))]
    for count in (1, 700):
        read.clear()
        assert find_classes(",".join(["dog", "cat, wild"] * count), classes) == (0, 1)
        assert len(read) == len(classes)
    read.clear()
    assert choose_classes(classes, ["dog"] * 1000, ["cat, wild"] * 1000) == (0,)
    assert len(read) == len(classes)


def test_one_word_need_not_stand_in_a_list() -> None:
    assert choose_classes(CLASSES, "283") == (283,)
    assert choose_classes(CLASSES, "Dog/", "Howl") == choose_classes(CLASSES, ["Dog/"], ["Howl"])
    assert choose_classes(CLASSES, [283, "Dog", np.int64(3)]) == (3, 69, 283)
    for wrong in (521, -1, 1.5, None):
        with pytest.raises(ParameterError, match="0 to 520"):
            choose_classes(CLASSES, [wrong])


def test_members_of_a_class_are_itself_and_those_below() -> None:
    members = roll_up(CLASSES)
    (dog,) = find_classes("Dog", CLASSES)
    assert members[dog][0] == dog
    assert sorted(members[dog]) == list(find_classes("Dog/", CLASSES))
    assert all(group[0] == index for index, group in enumerate(members))
    assert all(len(set(group)) == len(group) for group in members)


def test_the_table_is_what_its_program_makes(shared: Path) -> None:
    program = ROOT / "docs" / "assets" / "make_ontology.py"
    published = shared / "models" / "ontology.json"
    made = subprocess.run(
        [sys.executable, program, published], capture_output=True, text=True, check=True
    ).stdout
    assert made == (ROOT / "yamkit" / "data" / "ontology.csv").read_text()
    assert "CC BY-SA 4.0" in made.splitlines()[0]
    nodes = json.loads(published.read_text())
    rows = list(csv.DictReader(io.StringIO(made.partition("\n")[2])))
    assert {row["mid"]: row["name"] for row in rows} == {node["id"]: node["name"] for node in nodes}
    edges = {(parent, row["mid"]) for row in rows for parent in row["parents"].split()}
    assert edges == {(node["id"], child) for node in nodes for child in node["child_ids"]}


def test_the_ontology_has_every_class_and_no_circle() -> None:
    ontology = audioset()
    assert all(entry.mid in ontology.names for entry in CLASSES)
    assert all(mid not in ontology.below(mid) for mid in ontology.names)
    assert [ontology.names[root] for root in ontology.roots] == [
        "Human sounds",
        "Animal",
        "Music",
        "Natural sounds",
        "Sounds of things",
        "Source-ambiguous sounds",
        "Channel, environment and background",
    ]
    assert ontology.parents("/m/0239kh") == ("/m/01xq0k1", "/m/0l14md", "/m/0395lw")
