from __future__ import annotations

import contextlib

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from yamkit.errors import WeightFileError
from yamkit.models.onnx_file import read_onnx

FRAMES, BANDS, CLASSES, EMBEDDING = 4, 3, 7, 3
FLOAT = TensorProto.FLOAT


def graph(
    shape=("batch", FRAMES, BANDS), outputs=("scores", "embeddings"), kind=FLOAT, listed=False
) -> onnx.ModelProto:
    """Mean over the frames, a dense layer, a sigmoid."""
    patches = helper.make_tensor_value_info("patches", kind, shape)
    kernel = numpy_helper.from_array(np.ones((EMBEDDING, CLASSES), "f4"), "kernel")
    nodes = [
        helper.make_node("ReduceMean", ["patches"], ["embeddings"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["embeddings", "kernel"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["scores"]),
        helper.make_node("Transpose", ["scores"], ["turned"], perm=[1, 0]),
    ]
    columns = {"scores": CLASSES, "logits": CLASSES, "embeddings": EMBEDDING, "turned": "batch"}
    infos = [helper.make_tensor_value_info(n, FLOAT, ["batch", columns[n]]) for n in outputs]
    inputs = [patches]
    if listed:
        inputs.append(helper.make_tensor_value_info("kernel", FLOAT, [EMBEDDING, CLASSES]))
    built = helper.make_graph(nodes, "g", inputs, infos, [kernel])
    return helper.make_model(built, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


@pytest.fixture
def check(tmp_path):
    """Write a graph and read it."""

    def run(model: onnx.ModelProto | bytes):
        path = tmp_path / "m.onnx"
        path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
        return read_onnx(path, (FRAMES, BANDS))

    return run


def output_names(data: bytes) -> list[str]:
    return [value.name for value in onnx.load_model_from_string(data).graph.output]


def test_a_sound_graph_is_kept_byte_for_byte(check):
    model = graph()
    result = check(model)
    assert (result.classes, result.embedding_size) == (CLASSES, EMBEDDING)
    assert result.data == model.SerializeToString()


@pytest.mark.parametrize(
    ("outputs", "expected", "embedding_size"),
    [
        (("embeddings", "scores"), ["scores", "embeddings"], EMBEDDING),
        (("logits", "scores", "embeddings"), ["scores", "embeddings"], EMBEDDING),
        (("logits", "scores"), ["scores", "logits"], CLASSES),
        (("scores", "turned", "logits"), ["scores"], 0),
        (("scores",), ["scores"], 0),
        (("logits",), ["logits"], 0),
    ],
)
def test_outputs_are_put_in_order(check, outputs, expected, embedding_size):
    result = check(graph(outputs=outputs))
    assert output_names(result.data) == expected
    assert (result.classes, result.embedding_size) == (CLASSES, embedding_size)
    onnx.checker.check_model(onnx.load_model_from_string(result.data))
    assert check(graph(outputs=outputs)).data == result.data


def test_free_axes_and_weights_among_the_inputs(check):
    assert check(graph(shape=(None, "frames", None))).classes == CLASSES
    assert check(graph(listed=True)).classes == CLASSES


def test_shapes_of_outputs_are_inferred(check):
    model = graph()
    for value in model.graph.output:
        for axis in value.type.tensor_type.shape.dim:
            axis.Clear()
    result = check(model)
    assert (result.classes, result.embedding_size) == (CLASSES, EMBEDDING)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"shape": ("n", 96, 64)},
            r"'patches' is float32 \[any, 96, 64\]; must be float32 \[ba",
        ),
        ({"shape": ("n", FRAMES, 5)}, r"is float32 \[any, 4, 5\]; must be"),
        ({"shape": ("n",)}, r"is float32 \[any\], a recording .* \[batch, 4, 3\]"),
        ({"shape": ("n", FRAMES, BANDS, 1)}, r"is float32 \[any, 4, 3, 1\]; must be"),
        ({"shape": None}, "invalid ONNX graph: Field 'shape'"),
        ({"shape": (1, FRAMES, BANDS)}, "export it with a dynamic first axis"),
        ({"kind": TensorProto.DOUBLE}, "is double|invalid ONNX graph"),
        ({"outputs": ("embeddings",)}, "its first output is 'embeddings'; name the other 'scores'"),
        ({"outputs": ("logits", "turned", "embeddings")}, "has 3 outputs; name two of them"),
        (
            {"outputs": ("turned",)},
            r"'turned' is float32 \[7, any\]; must be float32 \[batch, a f",
        ),
    ],
)
def test_what_does_not_fit_is_named(check, options, message):
    with pytest.raises(WeightFileError, match=message) as caught:
        check(graph(**options))
    assert "\n" not in str(caught.value)


def test_types_that_are_not_float32(check):
    model = graph()
    del model.graph.node[1:]
    del model.graph.initializer[:]
    for value in (model.graph.input[0], model.graph.output[1]):
        value.type.tensor_type.elem_type = TensorProto.FLOAT16
    del model.graph.output[0]
    model.graph.node[0].output[0] = model.graph.output[0].name = "scores"
    with pytest.raises(WeightFileError, match=r"'patches' is float16 \[any, 4, 3\]; must be"):
        check(model)
    sequence = helper.make_tensor_sequence_value_info("patches", FLOAT, None)
    model.graph.node[0].CopyFrom(helper.make_node("SequenceLength", ["patches"], ["scores"]))
    model.graph.input[0].CopyFrom(sequence)
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("scores", TensorProto.INT64, []))
    with pytest.raises(WeightFileError, match="'patches' is undefined of unknown shape; must"):
        check(model)


def test_the_number_of_inputs_and_outputs(check):
    model = graph()
    model.graph.input.append(helper.make_tensor_value_info("more", FLOAT, [1]))
    with pytest.raises(WeightFileError, match="has 2 inputs"):
        check(model)
    model = graph()
    del model.graph.output[:]
    with pytest.raises(WeightFileError, match="has no output|not a sound"):
        check(model)


@pytest.mark.parametrize("data", [b"", b"text", b"\x00" * 100, b"\x89HDF\r\n\x1a\n"])
def test_files_of_something_else(check, data):
    with pytest.raises(WeightFileError, match=r"m\.onnx: not an ONNX file"):
        check(data)


def test_a_missing_file_and_a_very_long_one(tmp_path, check, monkeypatch):
    with pytest.raises(WeightFileError, match=r"absent\.onnx: No such file"):
        read_onnx(tmp_path / "absent.onnx", (FRAMES, BANDS))
    monkeypatch.setattr("yamkit.models.onnx_file._MAX_BYTES", 10)
    with pytest.raises(WeightFileError, match="longer than 10 bytes"):
        check(graph())


def test_tensors_in_other_files_are_refused(check):
    for inside in ("initializer", "attribute"):
        model = graph()
        if inside == "initializer":
            tensor = model.graph.initializer[0]
        else:
            node = helper.make_node(
                "Constant", [], ["c"], value=numpy_helper.from_array(np.ones(3))
            )
            model.graph.node.append(node)
            tensor = model.graph.node[-1].attribute[0].t
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="../secret")
        tensor.name = "far"
        with pytest.raises(WeightFileError, match="the tensor 'far' is in another file"):
            check(model)


def test_operators_of_others_are_refused(check):
    model = graph()
    model.graph.node[2].domain = "com.example"
    with pytest.raises(
        WeightFileError, match="operator 'Sigmoid' of 'com.example' is not standard"
    ):
        check(model)


def test_an_unsound_graph_is_refused(check):
    model = graph()
    model.graph.node[1].input[1] = "nothing"
    with pytest.raises(WeightFileError, match="invalid ONNX graph: ") as caught:
        check(model)
    assert "\n" not in str(caught.value)


@settings(
    max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_damage_gives_a_graph_or_an_error(check, data):
    whole = bytearray(graph().SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(WeightFileError):
        assert check(bytes(whole)).classes > 0


def test_functions_of_the_file_itself_are_fine_and_nothing_else_of_their_domain(check):
    opset = helper.make_opsetid("", 13)
    squash = helper.make_function(
        "com.example", "Squash", ["x"], ["y"], [helper.make_node("Sigmoid", ["x"], ["y"])], [opset]
    )
    model = graph()
    model.functions.append(squash)
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    model.graph.node[2].op_type = "Squash"
    model.graph.node[2].domain = "com.example"
    assert check(model).classes == CLASSES
    model.graph.node[2].op_type = "Native"
    with pytest.raises(WeightFileError, match="operator 'Native' of 'com.example' is not standard"):
        check(model)


@pytest.mark.parametrize(
    "domain",
    ["", "ai.onnx", "ai.onnx.ml", "com.microsoft", "Com.Microsoft.nchwc", "com.ms.x", "trt"],
)
def test_domains_of_engines_belong_to_them(check, domain):
    model = graph()
    body = [helper.make_node("Neg", ["x"], ["y"])]
    opset = helper.make_opsetid("", 13)
    model.functions.append(helper.make_function(domain, "Gelu", ["x"], ["y"], body, [opset]))
    with pytest.raises(WeightFileError, match="a domain that belongs to an engine"):
        check(model)


def test_a_recording_of_any_length_is_no_batch_of_windows(check):
    with pytest.raises(WeightFileError, match=r"yamkit passes windows"):
        check(graph(shape=("samples",)))
