"""The fuzzer finds what it is for, the same with the same seed, and its targets take good files."""

from __future__ import annotations

import contextlib
import itertools

import pytest

from tests.fuzz.__main__ import Worker, fuzz, inputs, main, save
from tests.fuzz.targets import TARGETS

CHEAP = ["class-map", "list-csv", "manifest", "scores", "text", "weights-npz"]


@pytest.mark.parametrize("name", sorted(TARGETS))
@pytest.mark.long(reason="starts workers")
def test_every_target_takes_what_is_sound(name, tmp_path):
    path = tmp_path / "input"
    for data in TARGETS[name].seeds():
        path.write_bytes(data)
        TARGETS[name].run(path)


def test_the_same_seed_gives_the_same_inputs():
    def some(seed):
        return list(itertools.islice(inputs(seed, CHEAP), 120))

    assert some(1) == some(1)
    assert some(1)[-50:] != some(2)[-50:]
    assert len({data for _, _, data in some(1)}) > 80


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("refuses", None),
        ("lines", "message of several lines, or a long one"),
        ("endless", "message of several lines, or a long one"),
        ("raises", "ValueError in "),
        ("exits", "SystemExit in "),
        ("nests", "RecursionError in "),
        ("aborts", "ends the process: SIGABRT"),
        ("loops", "takes more than 0.2 s"),
        ("hangs", "hangs"),
        ("grows", "takes more than 1 GB"),
        ("explodes", "MemoryError in "),
    ],
)
@pytest.mark.long(reason="starts workers")
def test_every_kind_of_finding_is_found(target, kind):
    worker = Worker(
        "tests.fuzz.bad_targets",
        most_seconds=0.2 if target == "loops" else 10.0,
        hangs_after=1.0 if target == "hangs" else 60.0,
    )
    with contextlib.closing(worker):
        answer = worker.run(target, b"bad")
        assert answer["result"] == ("refused" if kind is None else "finding")
        assert answer.get("kind", "").startswith(kind or "")
        assert worker.run(target, b"good")["result"] == "taken"


def test_findings_are_saved_once_and_can_be_replayed(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(Worker, "run", lambda self, target, data: dict(answer))
    answer = {"result": "finding", "kind": "odd", "text": "why"}
    found = fuzz(5, ["text"], None, 9, tmp_path / "f")
    assert found["text"].inputs == 9
    assert found["text"].findings == {"odd": 9}
    binary, note = sorted((tmp_path / "f").iterdir())
    assert "seed: 5\nnumber: 0\n" in note.read_text()
    assert binary.read_bytes() == next(inputs(5, ["text"]))[2]
    assert main(["--replay", str(binary)])
    assert "odd" in capsys.readouterr().out
    answer = {"result": "refused"}
    assert not main(["--replay", str(binary)])


@pytest.mark.long(reason="starts workers")
def test_a_run_of_the_real_thing(tmp_path, capsys):
    assert not main(["--inputs", "30", "--seed", "1", "--findings", str(tmp_path), *_targets()])
    assert "30 inputs, 0 kinds of finding, seed 1" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def _targets():
    return [word for name in ("class-map", "weights-npz") for word in ("--target", name)]


@pytest.mark.long(reason="starts workers")
def test_a_saved_input_names_its_target(tmp_path):
    path = save(tmp_path, "class-map", b"x", {"seed": 1})
    assert not main(["--replay", str(path)])
