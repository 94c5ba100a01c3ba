from __future__ import annotations

import hashlib
import io
import shutil
import sys
from pathlib import Path

import pytest

from tests.yamkit.models.bundles import arguments
from yamkit.errors import BundleError
from yamkit.models import load_bundle
from yamkit.models.folders import cache_folder
from yamkit.models.writing import ModelDescription, write_bundle
from yamkit.networks import mobilenet_v1, weight_shapes
from yamkit.types import NetworkSpec


@pytest.fixture
def folder(tiny, tmp_path) -> Path:
    """A copy of the tiny bundle."""
    return Path(shutil.copytree(tiny.folder, tmp_path / "tiny"))


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "model.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def rehash(folder: Path, name: str) -> None:
    """Make the manifest state the hash that a file has now."""
    path = folder / "model.toml"
    lines = [line for line in path.read_text().splitlines() if not line.startswith(f'"{name}"')]
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    path.write_text("\n".join([*lines, f'"{name}" = "{digest}"']) + "\n")


def test_load_gives_what_was_written(tiny):
    bundle = load_bundle(str(tiny.folder))
    assert bundle == tiny
    assert hash(bundle) == hash(tiny)
    assert bundle.sha256 == hashlib.sha256((tiny.folder / "model.toml").read_bytes()).hexdigest()
    data = (tiny.folder / "weights.npz").read_bytes()
    assert bundle.weights_sha256 == hashlib.sha256(data).hexdigest()
    shapes = weight_shapes(mobilenet_v1(0.25), 6)
    assert {name: array.shape for name, array in bundle.load_weights().items()} == shapes
    bundle.verify()


@pytest.mark.parametrize("place", [0, 5])
def test_a_class_of_silence(tiny, tmp_path, place: int):
    assert (tiny.silence, tiny.silence_index) == (None, None)
    silence = tiny.classes[place]
    bundle = write_bundle(
        tmp_path, ModelDescription(**arguments(tiny), silence=silence), weights=tiny.load_weights()
    )
    assert (bundle.silence, bundle.silence_index) == (silence, place)
    manifest = tmp_path / "model.toml"
    text = manifest.read_text()
    manifest.write_text(text.replace(f'silence = "{silence.mid}"', 'silence = "Dog"'))
    assert load_bundle(tmp_path).silence_index == 2
    manifest.write_text(text.replace(f'silence = "{silence.mid}"', 'silence = "Cat"'))
    with pytest.raises(BundleError, match="silence 'Cat'"):
        load_bundle(tmp_path)


def test_an_onnx_bundle(tiny, tmp_path):
    kwargs = arguments(tiny) | {"network": NetworkSpec("onnx", embedding_size=3)}
    graph = onnx_graph()
    bundle = write_bundle(tmp_path, ModelDescription(**kwargs), network_file=graph)
    assert bundle.network_path().read_bytes() == graph
    assert bundle.weights_sha256 == hashlib.sha256(graph).hexdigest()
    bundle.verify()
    with pytest.raises(BundleError, match="no canonical weights; only mobilenet-v1"):
        bundle.load_weights()
    (tmp_path / "model.onnx").write_bytes(b"other")
    with pytest.raises(BundleError, match=r"model\.onnx: SHA-256"):
        bundle.network_path()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"location": "/etc/hostname"}, r"model\.onnx: the tensor 'w' is in another file"),
        ({"domain": "com.stranger"}, r"model\.onnx: the operator 'Identity' of 'com.stranger'"),
    ],
)
def test_a_graph_that_leaves_its_file_is_refused_though_its_hash_is_right(
    tiny, tmp_path, changes, message
):
    kwargs = arguments(tiny) | {"network": NetworkSpec("onnx", embedding_size=3)}
    bundle = write_bundle(tmp_path, ModelDescription(**kwargs), network_file=onnx_graph(**changes))
    with pytest.raises(BundleError, match=message):
        bundle.network_path()


def onnx_graph(location=None, domain="") -> bytes:
    onnx = pytest.importorskip("onnx")
    tensor = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [1], [1.0])
    if location:
        tensor.ClearField("float_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)
    node = onnx.helper.make_node("Identity", ["w"], ["s"], domain=domain)
    output = onnx.helper.make_tensor_value_info("s", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([node], "g", [], [output], [tensor])
    return onnx.helper.make_model(graph).SerializeToString()


def test_a_network_that_a_plugin_may_know(tiny, tmp_path):
    kwargs = arguments(tiny) | {"network": NetworkSpec("cnn14")}
    bundle = write_bundle(tmp_path, ModelDescription(**kwargs), network_file=b"layers")
    bundle.verify()
    assert bundle.network_path().name == "model.cnn14"
    assert bundle.network_path().read_bytes() == b"layers"
    with pytest.raises(BundleError, match="kind 'cnn14'"):
        bundle.load_weights()


def test_weights_are_no_graph(tiny):
    with pytest.raises(BundleError, match="'mobilenet-v1' has weights"):
        tiny.network_path()


def test_changed_files_are_found(folder):
    bundle = load_bundle(folder)
    data = bytearray((folder / "weights.npz").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "weights.npz").write_bytes(data)
    assert load_bundle(folder).sha256 == bundle.sha256  # weights are hashed when they are used
    for check in (bundle.load_weights, bundle.verify):
        with pytest.raises(BundleError, match=r"weights\.npz: SHA-256"):
            check()


def test_a_changed_class_map_is_found_at_once(folder):
    path = folder / "classes.csv"
    path.write_text(path.read_text().replace("Speech", "Screech"))
    with pytest.raises(BundleError, match=r"classes\.csv: SHA-256"):
        load_bundle(folder)


def test_a_class_map_of_another_length_misfits_the_weights(folder):
    path = folder / "classes.csv"
    path.write_text(path.read_text() + "6,,One more\n")
    rehash(folder, "classes.csv")
    bundle = load_bundle(folder)
    with pytest.raises(BundleError, match=r"classifier/kernel has the shape \[256, 6\]"):
        bundle.load_weights()
    with pytest.raises(BundleError, match=r"must be \[256, 7\]"):
        bundle.verify()


@pytest.mark.parametrize("name", ["model.toml", "classes.csv", "weights.npz"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(BundleError, match=rf"{name}: missing; a bundle is a folder with"):
        load_bundle(folder)
    (folder / name).mkdir()
    with pytest.raises(BundleError, match=f"{name}: missing"):
        load_bundle(folder)


@pytest.mark.parametrize("name", ["model.toml", "classes.csv", "weights.npz"])
def test_a_link_out_of_the_folder_is_refused(folder, name):
    outside = folder.parent / "outside"
    (folder / name).rename(outside)
    (folder / name).symlink_to(outside)
    with pytest.raises(BundleError, match=f"{name}: is outside the bundle"):
        load_bundle(folder)


def test_links_within_the_folder_and_to_it_are_fine(folder):
    (folder / "weights.npz").rename(folder / "w")
    (folder / "weights.npz").symlink_to("w")
    (folder.parent / "link").symlink_to(folder)
    load_bundle(folder.parent / "link").verify()


def test_links_in_a_circle(folder):
    (folder / "weights.npz").unlink()
    (folder / "weights.npz").symlink_to("weights.npz")
    with pytest.raises(BundleError, match=r"weights\.npz"):
        load_bundle(folder)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"weights.npz" =', '"other.npz" =', "kind 'mobilenet-v1' requires weights.npz"),
        ('"weights.npz" =', '"model.onnx" =', "kind 'mobilenet-v1' requires weights.npz"),
        ('kind = "mobilenet-v1"', 'kind = "onnx"', "kind 'onnx' requires model.onnx"),
    ],
)
def test_the_kind_says_which_file_there_must_be(folder, old, new, message):
    edit(folder, old, new)
    with pytest.raises(BundleError, match=message):
        load_bundle(folder)


def test_a_manifest_that_is_no_text_or_too_long(folder):
    (folder / "model.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BundleError, match=r"model\.toml: not UTF-8 text"):
        load_bundle(folder)
    (folder / "model.toml").write_bytes(b"#" * (2**16 + 1))
    with pytest.raises(BundleError, match=r"model\.toml: longer than 65536 bytes"):
        load_bundle(folder)


def test_a_file_that_cannot_be_read(folder, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(BundleError, match=r"model\.toml: Permission denied"):
        load_bundle(folder)


def test_yamnet(yamnet):
    assert len(yamnet.classes) == 521
    assert yamnet.network == NetworkSpec("mobilenet-v1", 1.0, 1e-4, 1024)
    assert yamnet.load_weights()["classifier/kernel"].shape == (1024, 521)


@pytest.fixture
def graph_bundle(tiny, tmp_path):
    kwargs = arguments(tiny) | {"network": NetworkSpec("onnx", embedding_size=3)}
    folder = tmp_path / "graph"
    folder.mkdir()
    return write_bundle(folder, ModelDescription(**kwargs), network_file=onnx_graph())


def test_a_graph_that_has_passed_is_not_parsed_again(graph_bundle, monkeypatch):
    graph_bundle.network_path()
    monkeypatch.setitem(sys.modules, "yamkit.models.onnx_file", None)  # importing it would fail
    path = graph_bundle.network_path()
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(BundleError, match=r"model\.onnx: SHA-256"):
        graph_bundle.network_path()


def test_a_graph_that_is_refused_is_refused_again(tiny, tmp_path):
    kwargs = arguments(tiny) | {"network": NetworkSpec("onnx", embedding_size=3)}
    bundle = write_bundle(
        tmp_path, ModelDescription(**kwargs), network_file=onnx_graph(domain="com.stranger")
    )
    for _ in range(2):
        with pytest.raises(BundleError, match="not standard ONNX"):
            bundle.network_path()
    assert not cache_folder().exists()


@pytest.mark.parametrize("home", ["file/below", "~no-such-user/x"])
def test_a_graph_is_parsed_each_time_where_there_is_no_cache(
    graph_bundle, tmp_path, monkeypatch, home
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("YAMKIT_HOME", home if home[0] == "~" else str(tmp_path / home))
    assert graph_bundle.network_path() == graph_bundle.network_path()


def test_the_hash_of_the_weights_alone(folder, graph_bundle):
    graph_bundle.verify_weights()
    bundle = load_bundle(folder)
    bundle.verify_weights()
    (folder / "classes.csv").write_text("other")
    bundle.verify_weights()
    (folder / "weights.npz").write_bytes(b"other")
    with pytest.raises(BundleError, match=r"weights\.npz: SHA-256"):
        bundle.verify_weights()
    (folder / "weights.npz").unlink()
    with pytest.raises(BundleError, match=r"weights\.npz: missing"):
        bundle.verify_weights()


def test_a_disk_that_fails_while_reading(folder, monkeypatch):
    class Failing(io.BytesIO):
        def read(self, *args):
            raise OSError(5, "Input/output error")

    bundle = load_bundle(folder)
    monkeypatch.setattr(Path, "open", lambda *args: Failing())
    with pytest.raises(BundleError, match=r"weights\.npz: Input/output error"):
        bundle.verify_weights()
    with pytest.raises(BundleError, match=r"model\.toml: Input/output error"):
        load_bundle(folder)


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31m", "a\0b"])
def test_messages_are_one_line_whatever_the_folder_is_called(tmp_path, name):
    with pytest.raises(BundleError, match=r"model\.toml: ") as caught:
        load_bundle(tmp_path / name)
    assert str(caught.value).isprintable()
