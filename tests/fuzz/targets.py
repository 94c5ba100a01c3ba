"""What is fed with strangers' files: each parser of yamkit, with small files to begin from."""

from __future__ import annotations

import contextlib
import csv
import functools
import io
import os
import tempfile
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.fuzz.target import Target
from tests.yamkit.audio.faults import KINDS
from tests.yamkit.audio.sounds import Pipe, four_events
from yamkit._util.text import path_to_text, printable, text_to_path
from yamkit._util.trees import make_folders, remove_tree
from yamkit.audio import open_audio
from yamkit.audio._uris import is_uri
from yamkit.errors import YamkitError
from yamkit.evaluation.scores_file import Scores, Timeline, read_scores
from yamkit.evaluation.sets.files import find_files
from yamkit.evaluation.sets.label_map import read_label_map
from yamkit.evaluation.sets.labelled_set import read_set
from yamkit.evaluation.sets.targets import targets_of
from yamkit.folders import sound_files
from yamkit.models.catalogue import published
from yamkit.models.classmap import format_class_map, parse_class_map
from yamkit.models.keras_h5 import read_keras_h5
from yamkit.models.manifest import (
    Manifest,
    format_manifest,
    parse_features,
    parse_manifest,
    parse_toml,
)
from yamkit.models.onnx_file import read_onnx
from yamkit.models.weights import read_weights, write_weights
from yamkit.networks import mobilenet_v1, weight_shapes
from yamkit.run.checks import ItemLayout
from yamkit.run.journal import Journal
from yamkit.scores import calibration_file, class_lists
from yamkit.scores.classes import find_classes
from yamkit.scores.grid import Grid
from yamkit.types import ClipEnd, ClipFailure, ClipStart, LogMelSpec, PatchTags, Tag, TagClass
from yamkit_logmel._frontend import LogMel

__all__ = ["TARGETS", "corpus"]

_MOST_BLOCKS = 400
"""A time stamp that was hit can tell of a gap of hours, which is silence to be read on and on."""

_ACTING = {"Cc", "Cs", "Zl", "Zp"}
"""Kinds of characters that no terminal may get."""

_MOST_SEED_BYTES = 2**18
_CLASSES = tuple(
    TagClass(index, f"/m/{index}", name)
    for index, name in enumerate(["Speech", "Dog", 'Narration, "monologue"', "Animal", "Music"])
)


@functools.cache
def corpus(name: str) -> tuple[bytes, ...]:
    """Give the files that a target begins from: those made here, and the shared ones, if any."""
    target = TARGETS[name]
    shared = Path(os.environ.get("YAMKIT_SHARED") or Path(__file__).parents[3] / "shared")
    paths = [path for each in target.cases for path in sorted((shared / "cases").glob(each))]
    found = [path.read_bytes() for path in paths if path.stat().st_size <= _MOST_SEED_BYTES]
    return (*target.seeds(), *found)


# --- models ---


def _manifests() -> list[bytes]:
    model, digest = published("yamnet"), "0" * 64
    manifest = Manifest(
        name="yamnet",
        version="1",
        licence="Apache-2.0",
        source="https://example.org/yamnet.h5",
        source_sha256=digest,
        classes="classes.csv",
        features=model.features,
        network=model.network,
        files={"classes.csv": digest, "weights.npz": digest},
    )
    text = format_manifest(manifest)
    odd = 'about = """[[\n"""\nlist = [1.0, [2, {a.b = 1}]]\nwhen = 1979-05-27T07:32:00Z\n'
    return [text.encode(), (odd + text).encode()]


def _run_manifest(path: Path) -> None:
    text = path.read_bytes().decode(errors="replace")
    try:
        features = parse_manifest(text, "m").features
    except YamkitError:
        features = parse_features(parse_toml(text, "m"), "m")  # what `--features` reads
    if isinstance(features, LogMelSpec):
        window = np.ones(features.patch_window_samples, np.float32)
        LogMel(features).patches(window)


def _npz_shapes() -> dict[str, tuple[int, ...]]:
    return {"a/kernel": (3, 2), "b/variance": (4,)}


def _npz() -> list[bytes]:
    arrays = {name: np.ones(shape, np.float32) for name, shape in _npz_shapes().items()}
    ours, stored, deflated = io.BytesIO(), io.BytesIO(), io.BytesIO()
    write_weights(ours, arrays)
    np.savez(stored, **{name: array.astype("f2") for name, array in arrays.items()})
    np.savez_compressed(deflated, **{name: np.asfortranarray(a) for name, a in arrays.items()})
    return [ours.getvalue(), stored.getvalue(), deflated.getvalue()]


def _run_npz(path: Path) -> None:
    with path.open("rb") as stream:
        read_weights(stream, _npz_shapes(), "w.npz")


@functools.cache
def _h5() -> list[bytes]:
    keras = {"beta": "bn/beta", "mean": "bn/moving_mean", "variance": "bn/moving_variance"}
    found = []
    for version, root in (("earliest", ""), ("latest", ""), ("earliest", "model_weights/")):
        stream = io.BytesIO()
        with h5py.File(stream, "w", libver=version) as file:
            for name, shape in weight_shapes(mobilenet_v1(0.01), 3).items():
                layer, _, weight = name.rpartition("/")
                values = np.ones(shape, np.float32)
                if layer == "classifier":
                    place = f"dense/dense/{weight}:0"
                else:
                    layer += "" if layer == "layer1/conv" else "_conv"
                    if layer.endswith("depthwise_conv") and weight == "kernel":
                        weight, values = "depthwise_kernel", values[..., None]
                    inner = keras.get(weight, weight)
                    group = f"{layer}/bn" if inner.startswith("bn/") else layer
                    place = f"{group}/{layer}/{inner}:0"
                file.create_dataset(root + place, data=values)
        found.append(stream.getvalue())
    return found


def _onnx() -> list[bytes]:
    def model(*extra: Any) -> onnx.ModelProto:
        values = [
            helper.make_tensor_value_info("patches", TensorProto.FLOAT, ["batch", 4, 3]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 7]),
        ]
        nodes = [
            helper.make_node("ReduceMean", ["patches"], ["means"], axes=[1], keepdims=0),
            helper.make_node("MatMul", ["means", "kernel"], ["logits"]),
            helper.make_node("Sigmoid", ["logits"], ["scores"]),
            *extra,
        ]
        constants = [
            numpy_helper.from_array(np.ones((3, 7), np.float32), "kernel"),
            numpy_helper.from_array(np.array(3), "trips"),
            numpy_helper.from_array(np.array(True), "true"),
        ]
        graph = helper.make_graph(nodes, "g", values[:1], values[1:], constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)

    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], [name]) for name in ("d", "w")],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("c", TensorProto.BOOL, []),
            helper.make_tensor_value_info("v", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info(name, TensorProto.BOOL, []) for name in ("d", "w")],
    )
    loop = helper.make_node("Loop", ["trips", "true", "true"], ["x"], body=body)
    call = model(helper.make_node("F", ["scores"], ["y"], domain="own"))
    opset = helper.make_opsetid("", 13)
    negate = helper.make_node("Neg", ["x"], ["y"])
    call.functions.append(helper.make_function("own", "F", ["x"], ["y"], [negate], [opset]))
    call.opset_import.append(helper.make_opsetid("own", 1))
    return [each.SerializeToString() for each in (model(), model(loop), call)]


# --- sounds ---


@functools.cache
def _sounds() -> tuple[bytes, ...]:
    found = []
    for kind in KINDS.values():
        samples = four_events(kind.rate)[2 * kind.rate : 2 * kind.rate + kind.rate // 4]
        found.append(kind.encode(samples))
    return tuple(found)


def _run_sound(source: Any) -> None:
    with open_audio(source) as audio:
        for number, block in enumerate(audio.blocks()):
            assert np.isfinite(block).all()
            if number == _MOST_BLOCKS:
                break
        assert all(line.isprintable() for line in audio.warnings)


# --- what a run wrote ---

_LAYOUT = ItemLayout(_CLASSES, {"scores": len(_CLASSES)}, per_patch=True)
_PARAMETERS = {"model": "m", "top": "5"}
_STAMP = (1, 2)


@functools.cache
def _journals() -> list[bytes]:
    scores = np.full(len(_CLASSES), 0.5, np.float16)
    tags = (Tag(0, "/m/0", "Speech", 0.5),)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "j"
        with Journal(path, _PARAMETERS, _LAYOUT) as journal:
            for key in ("a.wav", "b.wav"):
                for item in (
                    ClipStart(key, 16_000, 1),
                    PatchTags(0.0, 1.0, tags, scores),
                    ClipEnd(1.0, 1, tags),
                ):
                    journal.write(key, _STAMP, item)
            journal.write("c.wav", _STAMP, ClipFailure("c.wav", "DecodeError", "broken"))
        return [path.read_bytes()]


def _run_journal(path: Path) -> None:
    with Journal(path, _PARAMETERS, _LAYOUT, resume=True) as journal:
        for key in ("a.wav", "b.wav", "c.wav"):
            if journal.state(key, _STAMP):
                list(journal.items(key))
        journal.finish()
    with Journal(path, _PARAMETERS, _LAYOUT):
        pass


@functools.cache
def _scores_files() -> list[bytes]:
    row = np.full(len(_CLASSES), 0.5, np.float32)
    timeline = Timeline(np.stack([row, row]), 23_000)
    plain = Scores({"model": "m"}, _CLASSES, {"a.wav": row, "b.wav": row}, {"c": "x"}, {"d"})
    strong = replace(plain, timelines={"a.wav": timeline}, grid=Grid(16_000, 15_600, 7_680))
    found = []
    for each in (plain, strong):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "s.npz"
            each.write(path)
            found.append(path.read_bytes())
    return found


# --- lists ---

_LISTS = {
    "csv": b"path,labels\na.wav,Speech;Dog\nb/c.wav,Music\n",
    "esc50": b"filename,fold,target,category\na.wav,1,0,dog\nb.wav,2,1,rain\n",
    "urbansound8k": b"slice_file_name,fold,class\na.wav,1,dog_bark\n",
    "fsd50k": b"fname,labels,mids,split\n1,Bark,/m/05tny_,train\n",
    "dcase-weak": b"filename\tevent_labels\na.wav\tSpeech,Dog\n",
    "dcase-strong": b"filename\tonset\toffset\tevent_label\na.wav\t0.5\t1.5\tSpeech\nb.wav\t\t\t\n",
    "audioset": b"# YTID, start_seconds, end_seconds, positive_labels\n"
    b'abc, 0.0, 10.0, "/m/09x0r"\n',
    "audioset-strong": b"segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n"
    b"abc_30000\t0.0\t1.5\t/m/09x0r\n",
}


def _run_list(layout: str | None, path: Path) -> None:
    found = read_set(path, layout)
    for use in (lambda: find_files(found, path.parent), lambda: targets_of(found, _CLASSES)):
        with contextlib.suppress(YamkitError):
            use()


@functools.cache
def _calibrations() -> list[bytes]:
    columns = [
        "index", "mid", "name", "label", "method", "positives", "negatives", "threshold",
        "parameters", "precision", "recall", "f1", "brier_raw", "brier_calibrated", "unit",
        "aggregate", "model", "model_sha256", "schema",
    ]  # fmt: skip
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(columns)
    end = ["0.5", "0.5", "0.5", "0.1", "0.1", "clip", "mean", "m", "0" * 64, "yamkit-calibration/1"]
    writer.writerow([0, "/m/0", "Speech", "Speech", "platt", 10, 10, "0.5", "1.0 0.0", *end])
    writer.writerow([1, "/m/1", "Dog", "Dog", "isotonic", 9, 9, "0.2", "0.0 1.0 0.0 0.5", *end])
    return [stream.getvalue().encode()]


def _run_calibration(path: Path) -> None:
    found = calibration_file.read_calibration(path)
    found.check(found.model_sha256, len(_CLASSES), found.aggregate)
    found.apply(np.linspace(0, 1, 2 * len(_CLASSES)).reshape(2, -1))


def _run_words(path: Path) -> None:
    for read in (
        lambda: class_lists.read_thresholds(path, _CLASSES),
        lambda: class_lists.read_class_list(path, _CLASSES),
        lambda: class_lists.read_class_words(path),
    ):
        with contextlib.suppress(YamkitError):
            read()


def _run_text(path: Path) -> None:
    text = path.read_bytes().decode(errors="surrogateescape")
    assert not {unicodedata.category(each) for each in printable(text)} & _ACTING
    printable(Path(text_to_path(path_to_text(text.replace("\0", "")))))
    is_uri(text)
    find_classes(text[:2000], _CLASSES)


def _run_folder(path: Path) -> None:
    """Make empty files of the names in a list, and search them."""
    root = Path(tempfile.mkdtemp()).resolve()
    try:
        for name in path.read_bytes().split(b"\n")[:50]:
            with contextlib.suppress(OSError, ValueError):
                place = (root / os.fsdecode(name)).resolve()
                if root in place.parents:
                    make_folders(place.parent)
                    place.write_bytes(b"")
        for _ in sound_files(str(root)):
            pass
        read_set(root)
    finally:
        remove_tree(root)


TARGETS = {
    "manifest": Target(_run_manifest, _manifests, ("hostile/toml-*/model.toml",)),
    "class-map": Target(
        lambda path: parse_class_map(path.read_bytes(), "c.csv"),
        lambda: [format_class_map(_CLASSES)],
        ("hostile/*/classes.csv",),
    ),
    "weights-npz": Target(_run_npz, _npz, ("hostile/npz-*/weights.npz",)),
    "weights-h5": Target(read_keras_h5, _h5, ("hostile/h5/*",)),
    "onnx": Target(
        lambda path: read_onnx(path, (4, 3)), _onnx, ("hostile/onnx/*.onnx", "numbers/*.onnx")
    ),
    "sound": Target(_run_sound, _sounds, ("audio/*.*", "hostile/wav*/*", "hostile/float/*")),
    "sound-pipe": Target(
        lambda path: _run_sound(Pipe(path.read_bytes())),
        _sounds,
        ("audio/*.*", "hostile/wav*/*", "hostile/float/*"),
    ),
    "journal": Target(_run_journal, _journals, ("hostile/journal/*",)),
    "scores": Target(read_scores, _scores_files, ("hostile/scores/*.npz",)),
    "calibration": Target(_run_calibration, _calibrations, ("hostile/calibration/*",)),
    "class-list": Target(
        _run_words,
        lambda: [b"Speech\nDog\n", b"name,threshold\nSpeech,0.5\n", b"index,threshold\n1,0.2\n"],
    ),
    "label-map": Target(
        read_label_map, lambda: [b"category,mid\na,/m/0\n", b"category,name\na,Speech\na,Dog\n"]
    ),
    "text": Target(_run_text, lambda: [b"Speech", b"Animal", b'Narration, "monologue",Dog']),
    "folder": Target(
        _run_folder, lambda: [b"dog/a.wav\ncat/b/c.ogg\n", b"a/._x.wav\nb/.c.wav\nd/e.flac\n"]
    ),
    "list": Target(
        functools.partial(_run_list, None),
        lambda: list(_LISTS.values()),
        ("hostile/labels/*", "numbers/*.?sv"),
    ),
    **{
        f"list-{layout}": Target(functools.partial(_run_list, layout), lambda data=data: [data])
        for layout, data in _LISTS.items()
    },
}
"""By name."""
