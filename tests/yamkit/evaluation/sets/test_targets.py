"""Meanings of labels: by name, by identifier or by a map, and never guessed."""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from yamkit.errors import LabelError, ParameterError
from yamkit.evaluation.sets.label_map import read_label_map
from yamkit.evaluation.sets.labelled_set import LabelledSet
from yamkit.evaluation.sets.targets import UnmappedLabel, targets_of
from yamkit.models.store import FALLBACK_MODEL, find_model
from yamkit.types import LabelledClip, TagClass

CLASSES = tuple(
    TagClass(place, mid, name)
    for place, (mid, name) in enumerate(
        [("/m/1", "Dog"), ("/m/2", "Speech"), ("/m/3", "Music"), ("/m/4", "Music")]
    )
)


def labelled(
    *labels: tuple[str, ...], layout: str = "csv", vocabulary: dict[str, str] | None = None
) -> LabelledSet:
    named = vocabulary or {}
    clips = tuple(LabelledClip((f"{n}.wav",), each, line=n) for n, each in enumerate(labels))
    every = {x for each in labels for x in each} | set(named)
    return LabelledSet(Path("list"), layout, clips, tuple(sorted(every)), named)


def test_labels_name_classes_by_name_or_identifier() -> None:
    some = labelled(("Dog", "/m/2"), ("/m/1",), (), ("dog", "Music", "/m/9"))
    targets = targets_of(some, CLASSES)
    assert targets.names == ("Dog", "Speech", "Music", "Music")
    assert targets.columns == {"Dog": 0, "/m/1": 0, "/m/2": 1}
    # another spelling, a name that two classes have, an identifier of none
    assert targets.unmapped == tuple(UnmappedLabel(x, "", 1) for x in ("/m/9", "Music", "dog"))
    truth = targets.truth(some.clips)
    np.testing.assert_array_equal(truth, [[1, 1, 0, 0], [1, 0, 0, 0], [0] * 4, [0] * 4])
    scores = np.random.default_rng(0).random((3, 4))
    np.testing.assert_array_equal(targets.scores(scores), scores)


def test_a_category_is_the_highest_of_its_classes() -> None:
    label_map = {
        "sound": ("Dog", "/m/4"),
        "voice": ("Speech",),
        "elsewhere": ("Dog",),
    }
    some = labelled(("sound",), ("voice", "lost"), ("other", "lost"))
    targets = targets_of(some, CLASSES, label_map)
    assert targets.names == ("sound", "voice")  # no clip of the list is `elsewhere`
    assert targets.unmapped == (UnmappedLabel("lost", "", 2), UnmappedLabel("other", "", 1))
    scores = np.array([[0.1, 0.2, 0.9, 0.3], [0.5, 0.6, 0.9, 0.4]])
    np.testing.assert_array_equal(targets.scores(scores), [[0.3, 0.2], [0.5, 0.6]])


def test_a_map_with_an_unknown_class_is_refused() -> None:
    with pytest.raises(LabelError) as caught:
        targets_of(labelled(("a",)), CLASSES, {"a": ("Dog", "Speeech")})
    assert "'a' means 'Speeech'" in str(caught.value)
    assert "did you mean 'S" in str(caught.value)
    with pytest.raises(LabelError, match="not a class of the model, such as 'Dog'"):
        targets_of(labelled(("a",)), CLASSES, {"a": ("xyz",)})


def test_built_in_maps_skip_classes_that_a_model_lacks() -> None:
    some = labelled(("dog",), ("rain",), layout="esc50")
    targets = targets_of(some, CLASSES)
    assert targets.names == ("dog",)
    assert targets.unmapped == (UnmappedLabel("rain", "", 1),)


def test_labels_of_the_vocabulary_without_a_class_are_listed() -> None:
    named = {"/m/1": "Dog", "/m/8": "Male speech, man speaking", "/m/9": "Funny music"}
    some = labelled(("/m/1", "/m/9"), ("/m/1",), vocabulary=named)
    targets = targets_of(some, CLASSES)
    assert targets.unmapped == (
        UnmappedLabel("/m/9", "Funny music", 1),
        UnmappedLabel("/m/8", "Male speech, man speaking", 0),
    )


def test_a_restriction_keeps_some_columns() -> None:
    some = labelled(("Dog", "/m/2"), ("Music",))
    targets = targets_of(some, CLASSES).restrict(["/m/2", "Dog"])
    assert targets.names == ("Dog", "Speech")
    assert targets.truth(some.clips).tolist() == [[True, True], [False, False]]
    only = targets_of(some, CLASSES).restrict(["Speech"])
    assert only.truth(some.clips).tolist() == [[True], [False]]
    with pytest.raises(ParameterError, match=r"class 'Cat': .* 4 .*, such as"):
        targets_of(some, CLASSES).restrict(["Cat"])


def test_a_set_without_any_known_label() -> None:
    with pytest.raises(LabelError) as caught:
        targets_of(labelled(("dog",), ("cat",)), CLASSES)
    message = str(caught.value)
    assert "none of the 2 labels, such as 'dog', is a class of the model; map them with" in message


@pytest.mark.parametrize(
    ("layout", "count"), [("esc50", 47), ("urbansound8k", 10), ("fsd50k", 188)]
)
def test_built_in_maps_name_classes_of_audioset(layout: str, count: int) -> None:
    path = Path(str(files("yamkit") / "data" / "label_maps" / f"{layout}.csv"))
    label_map = read_label_map(path)
    assert len(label_map) == count
    classes = find_model(FALLBACK_MODEL).classes
    known = {entry.name for entry in classes} | {entry.mid for entry in classes}
    assert {name for meant in label_map.values() for name in meant} <= known
    rows = list(csv.reader(path.read_text().splitlines()))
    assert len({tuple(row) for row in rows}) == len(rows)
    some = labelled(*[(category,) for category in label_map], layout=layout)
    assert targets_of(some, classes) == targets_of(some, classes, label_map)
