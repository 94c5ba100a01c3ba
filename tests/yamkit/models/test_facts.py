"""Facts about models: sizes, costs, descriptions, and what is wrong with them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

from yamkit.models.bundle import ModelBundle
from yamkit.models.facts import cost_of, listing_dict, model_dict, problem_of, size_bytes
from yamkit.models.store import built_in
from yamkit.types import NetworkSpec


def test_the_size_is_that_of_the_files(tiny: ModelBundle) -> None:
    assert size_bytes(tiny) == sum((tiny.folder / name).stat().st_size for name in tiny.files)


def test_a_network_that_is_a_file_has_no_cost(tiny: ModelBundle) -> None:
    cost = cost_of(tiny)
    assert cost is not None
    weights = tiny.load_weights()
    assert 0 < cost.parameters <= sum(array.size for array in weights.values())
    assert cost_of(replace(tiny, network=NetworkSpec("onnx"))) is None


def test_the_description_is_json(tiny: ModelBundle) -> None:
    entry = json.loads(json.dumps(model_dict(tiny)))
    assert (entry["schema"], entry["name"]) == ("yamkit-model/1", tiny.name)
    assert entry["cost"]["parameters"] == cost_of(tiny).parameters
    assert entry["classes"] == len(tiny.classes)


def test_the_entry_of_a_broken_model_has_the_reason() -> None:
    (sound,) = built_in()
    assert listing_dict(sound)["state"] == "ok"
    broken = listing_dict(replace(sound, bundle=None, problem="no manifest"))
    assert (broken["state"], broken["problem"]) == ("broken", "no manifest")
    assert broken["size_bytes"] is None


def test_a_changed_file_is_a_problem(tiny: ModelBundle, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny.folder, folder)
    assert problem_of(folder) is None
    name = next(name for name in tiny.files if name.endswith(".csv"))
    (folder / name).write_bytes((folder / name).read_bytes() + b"\n")
    assert name in str(problem_of(folder))
    assert problem_of(tmp_path / "nowhere")
