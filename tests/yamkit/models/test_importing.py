from __future__ import annotations

import os
import shutil
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from yamkit.errors import BundleError, ModelExistsError, ParameterError, WeightFileError
from yamkit.models import importing
from yamkit.models.bundle_files import file_sha256
from yamkit.models.catalogue import published
from yamkit.models.importing import ImportOptions, import_model
from yamkit.models.store import find_model, installed
from yamkit.types import NetworkSpec


@pytest.fixture
def small_onnx(tmp_path):
    """A graph over patches of YAMNet, seven classes, no embeddings."""
    patches = helper.make_tensor_value_info("patches", TensorProto.FLOAT, ["n", 96, 64])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 7])
    kernel = numpy_helper.from_array(np.ones((64, 7), "f4"), "kernel")
    nodes = [
        helper.make_node("ReduceMean", ["patches"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["mean", "kernel"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["scores"]),
    ]
    graph = helper.make_graph(nodes, "g", [patches], [scores], [kernel])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path = tmp_path / "Small.ONNX"
    onnx.save(model, path)
    return path


@pytest.fixture
def features_toml(tmp_path):
    """Features of YAMNet's form with 48 patches' frames."""
    path = tmp_path / "features.toml"
    table = vars(replace(published("yamnet").features, patch_frames=48))
    lines = [f"{k} = {v!r}".replace("'", '"') for k, v in table.items()]
    path.write_text("\n".join(["[features]", *lines]))
    return path


@pytest.mark.long(reason="tags many clips")
def test_import_h5(small_h5, small_classes):
    bundle = import_model(small_h5, name="small", options=ImportOptions(classes_path=small_classes))
    assert find_model("small") == bundle
    assert bundle.network == NetworkSpec("mobilenet-v1", 0.25, 1e-4, 256)
    assert bundle.features == published("yamnet").features
    assert bundle.classes[1].name == "Class 1, of 7"
    assert (bundle.version, bundle.licence, bundle.source) == ("1", "unknown", "Small Net.h5")
    assert bundle.source_sha256 == file_sha256(small_h5)
    bundle.verify()


@pytest.mark.long(reason="tags many clips")
def test_importing_twice_gives_the_same_bytes(small_h5, small_classes):
    first = import_model(small_h5, name="small", options=ImportOptions(classes_path=small_classes))
    hashes = (first.sha256, dict(first.files))
    again = import_model(
        small_h5, name="small", options=ImportOptions(classes_path=str(small_classes)), replace=True
    )
    assert (again.sha256, dict(again.files)) == hashes


@pytest.mark.long(reason="tags many clips")
def test_what_the_user_says(small_h5, small_classes, features_toml):
    bundle = import_model(
        small_h5,
        name="small",
        options=ImportOptions(
            classes_path=small_classes,
            features_path=features_toml,
            licence="CC0-1.0",
            version="2.1",
        ),
    )
    assert (bundle.licence, bundle.version) == ("CC0-1.0", "2.1")
    assert bundle.features.patch_shape == (48, 64)


@pytest.mark.long(reason="tags many clips")
def test_the_published_file_is_known_by_its_hash(small_h5, small_classes, monkeypatch):
    entry = replace(published("yamnet"), sha256=file_sha256(small_h5))
    monkeypatch.setattr(importing, "published", lambda name: entry)
    bundle = import_model(small_h5, name="small", options=ImportOptions(classes_path=small_classes))
    assert (bundle.licence, bundle.source) == ("Apache-2.0", entry.source)


@pytest.mark.long(reason="tags many clips")
def test_a_class_map_of_the_wrong_length(small_h5, small_onnx, small_classes, tmp_path):
    message = "7 scores, the class map has {} classes; .* --classes"
    with pytest.raises(WeightFileError, match=message.format(521)):
        import_model(small_h5, name="small")
    short = tmp_path / "short.csv"
    short.write_text("index,mid,display_name\n0,,Dog\n")
    for path in (small_h5, small_onnx):
        with pytest.raises(WeightFileError, match=message.format(1)):
            import_model(path, name="small", options=ImportOptions(classes_path=short))
    assert installed() == []


def test_import_model(small_onnx, small_classes):
    bundle = import_model(
        small_onnx, name="small", options=ImportOptions(classes_path=small_classes, licence="MIT")
    )
    assert bundle.network == NetworkSpec("onnx")
    assert bundle.features == published("yamnet").features
    assert (bundle.version, bundle.licence, bundle.source) == ("1", "MIT", "Small.ONNX")
    assert bundle.network_path().read_bytes() == small_onnx.read_bytes()
    assert bundle.weights_sha256 == bundle.source_sha256 == file_sha256(small_onnx)
    bundle.verify()


@pytest.mark.long(reason="tags many clips")
def test_the_class_of_silence_is_kept_where_the_class_map_has_it(
    small_h5, small_onnx, small_classes, tmp_path
):
    assert published("yamnet").silence.name == find_model("yamnet-mini").silence.name == "Silence"
    bundle = import_model(
        small_h5, name="without", options=ImportOptions(classes_path=small_classes)
    )
    assert bundle.silence is None
    rows = small_classes.read_text().splitlines()
    rows[3] = "2,/m/028v0c,Quiet"
    other = tmp_path / "silent.csv"
    other.write_text("\n".join(rows) + "\n")
    bundle = import_model(small_h5, name="with", options=ImportOptions(classes_path=other))
    assert (bundle.silence.name, bundle.silence_index) == ("Quiet", 2)
    assert (
        import_model(small_onnx, name="copy", options=ImportOptions(like=bundle)).silence
        == bundle.silence
    )


def test_an_onnx_file_needs_a_class_map(small_onnx):
    with pytest.raises(WeightFileError, match=r"a class map with --classes FILE\.csv"):
        import_model(small_onnx, name="small")


def test_an_onnx_file_of_other_features(small_onnx, small_classes, features_toml):
    with pytest.raises(WeightFileError, match=r"\[any, 96, 64\]; must be float32 \[batch, 48"):
        import_model(
            small_onnx,
            name="small",
            options=ImportOptions(classes_path=small_classes, features_path=features_toml),
        )
    assert installed() == []


def test_files_that_are_not_there(tmp_path, small_h5, small_classes):
    with pytest.raises(WeightFileError, match=r"no\.h5: no such file"):
        import_model(tmp_path / "no.h5", name="small")
    with pytest.raises(WeightFileError, match=r"no\.onnx: no such file"):
        import_model(
            tmp_path / "no.onnx", name="small", options=ImportOptions(classes_path=small_classes)
        )
    with pytest.raises(WeightFileError, match="not a file"):
        import_model(tmp_path, name="small")
    with pytest.raises(BundleError, match=r"no\.csv: no such file"):
        import_model(
            small_h5, name="small", options=ImportOptions(classes_path=tmp_path / "no.csv")
        )
    with pytest.raises(BundleError, match=r"no\.toml: no such file"):
        import_model(
            small_h5, name="small", options=ImportOptions(features_path=tmp_path / "no.toml")
        )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_not_waited_for(tmp_path, small_h5):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WeightFileError, match="not a file"):
        import_model(tmp_path / "pipe", name="small")
    with pytest.raises(BundleError, match="not a file"):
        import_model(small_h5, name="small", options=ImportOptions(classes_path=tmp_path / "pipe"))


def test_a_file_that_cannot_be_opened(small_h5, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(WeightFileError, match=r"Small Net\.h5: Permission denied"):
        import_model(small_h5, name="small")


def test_malformed_features_and_class_maps(small_h5, tmp_path):
    odd = tmp_path / "odd"
    odd.write_bytes(b"\xff")
    with pytest.raises(BundleError, match="odd: not UTF-8 text"):
        import_model(small_h5, name="small", options=ImportOptions(features_path=odd))
    odd.write_text("[other]")
    with pytest.raises(BundleError, match="odd: features is missing"):
        import_model(small_h5, name="small", options=ImportOptions(features_path=odd))
    odd.write_bytes(b"#" * (2**16 + 1))
    with pytest.raises(BundleError, match="odd: longer than 65536 bytes"):
        import_model(small_h5, name="small", options=ImportOptions(features_path=odd))
    odd.write_text("name,class\n")
    with pytest.raises(BundleError, match="odd: .* class map must be"):
        import_model(small_h5, name="small", options=ImportOptions(classes_path=odd))


@pytest.mark.long(reason="tags many clips")
def test_names(small_h5, small_classes):
    with pytest.raises(ParameterError, match="model name 'a/b'"):
        import_model(small_h5, name="a/b", options=ImportOptions(classes_path=small_classes))
    import_model(small_h5, name="small", options=ImportOptions(classes_path=small_classes))
    with pytest.raises(ModelExistsError, match="--replace"):
        import_model(small_h5, name="small", options=ImportOptions(classes_path=small_classes))


def test_the_shared_file(yamnet, shared):
    assert yamnet.source_sha256 == file_sha256(shared / "models" / "yamnet.h5")
    assert yamnet.source == "yamnet.h5"  # not the published file, so not its URL
    assert yamnet.classes == published("yamnet").classes


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize(
    ("name", "source"),
    [(b"a\tb", r"a\tb"), (b"a\nb", r"a\nb"), (b"caf\xe9", r"caf\xe9"), ("é".encode(), "é")],
)
@pytest.mark.long(reason="tags many clips")
def test_files_of_any_name(small_h5, small_onnx, small_classes, tmp_path, name, source):
    for kind, path in ((b"h5", small_h5), (b"onnx", small_onnx)):
        odd = tmp_path / os.fsdecode(name + b"." + kind)
        try:
            shutil.copy(path, odd)
        except OSError:
            pytest.skip("this file system takes no such name")
        bundle = import_model(
            odd, name=kind.decode(), options=ImportOptions(classes_path=small_classes)
        )
        assert bundle.source == f"{source}.{kind.decode()}"
        with pytest.raises(WeightFileError) as caught:
            import_model(
                odd.with_name(f"no-{odd.name}"),
                name="no",
                options=ImportOptions(classes_path=small_classes),
            )
        assert str(caught.value).endswith(f"no-{source}.{kind.decode()}: no such file")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize("kind", ["h5", "onnx"])
def test_messages_about_content_are_one_line_whatever_the_file_is_called(
    small_h5, small_classes, tmp_path, kind
):
    odd = tmp_path / f"a\nb.{kind}"
    odd.write_text("no")
    with pytest.raises(WeightFileError, match=rf"a\\nb\.{kind}: not an? ") as caught:
        import_model(odd, name="odd", options=ImportOptions(classes_path=small_classes))
    assert str(caught.value).isprintable()
    for option in ("classes_path", "features_path"):
        with pytest.raises(BundleError, match=rf"a\\nb\.{kind}: ") as caught:
            import_model(small_h5, name="odd", options=ImportOptions(**{option: odd}))
        assert str(caught.value).isprintable()


def test_a_check_that_fails_names_the_users_file(small_onnx, small_classes):
    def check(bundle):
        raise BundleError(f"{bundle.network_path()}: the engine does not take it")

    with pytest.raises(BundleError) as caught:
        import_model(
            small_onnx, name="small", options=ImportOptions(classes_path=small_classes), check=check
        )
    assert str(caught.value) == f"{small_onnx}: the engine does not take it"
    assert installed() == []
