"""ONNX: onnxruntime computes the same as torch at any batch size, from one file with metadata."""

import json
from collections.abc import Iterator
from functools import cache

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
import torch
from torch.onnx._internal.exporter._registration import ONNXRegistry

from explorer.errors import InputError
from explorer.exports import onnx_model as exporter
from explorer.exports.onnx_options import MAX_OPSET, MIN_OPSET, OnnxOptions
from explorer.families import Spec, parse_spec, resolve
from explorer.families.building import build
from tests.helpers.specs import narrow
from tests.helpers.weights import random_weights

pytestmark = pytest.mark.exhaustive

NETWORKS = {
    "lenet5": resolve("lenet5"),
    "mlp": resolve("mnist-fc"),
    "narrow vgg16": resolve("vgg16-cifar10"),
    "lrn and average pools": parse_spec(
        {"family": "vgg", "cfg": [4, "L", "A:3/2p1", "8:1"], "pool_to": 3, "classifier": [6], "image_size": 24}
    ),
    "convolutional head": narrow(resolve("vgg16-conv")),
    "option A": resolve("resnet20"),
    "bottlenecks": parse_spec(
        {"family": "resnet", "blocks": [2, 1], "widths": [4, 8], "block": "bottleneck", "image_size": 64}
    ),
    "inception modules": parse_spec(
        {
            "family": "googlenet",
            "modules": [["a", 4, 2, 6, 2, 4, 2], ["b", 2, 4, 4, 2, 2, 6]],
            "pool_after": ["a"],
            "image_size": 64,
        }
    ),
    "torchvision's mobilenet": resolve("torchvision:mobilenet_v3_small").changed(image_size=64),
}


@pytest.fixture(autouse=True, scope="module")
def _one_registry() -> Iterator[None]:
    """Build PyTorch's registry of ONNX operators once. Each export builds it again, in a seventh of its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(cache(ONNXRegistry.from_torchlib)))
        yield


@pytest.mark.parametrize("name", NETWORKS)
def test_onnxruntime_agrees_with_torch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    spec = NETWORKS[name]
    network = build(spec)
    # PyTorch's initialisation shrinks signals from layer to layer, so all images would get nearly equal logits.
    network.load_state_dict(random_weights(network))
    monkeypatch.setattr(exporter, "build", lambda _spec: network)
    session = onnxruntime.InferenceSession(exporter.onnx_model(spec))
    assert [(value.name, value.shape) for value in session.get_inputs()] == [("image", ["batch", *spec.input_shape])]
    assert [(value.name, value.shape) for value in session.get_outputs()] == [("logits", ["batch", spec.num_classes])]
    for batch in (1, 3):
        images = torch.rand(batch, *spec.input_shape)
        with torch.no_grad():
            expected = network.eval()(images).numpy()
        (got,) = session.run(None, {"image": images.numpy()})
        error = np.abs(got - expected).max()
        assert error <= 1e-4 * np.abs(expected).max()
        if batch > 1:  # the comparison is meaningful only if logits differ between images
            assert np.abs(expected[0] - expected[1]).max() > 20 * error


def model_of(spec: Spec) -> onnx.ModelProto:
    return onnx.load_from_string(exporter.onnx_model(spec))


def test_metadata_of_the_file() -> None:
    spec = resolve("lenet5")
    model = model_of(spec)
    notes = {item.key: item.value for item in model.metadata_props}
    assert parse_spec(json.loads(notes["spec"])) == spec
    assert notes["weights"] == "random, seed 0"
    assert "random" in model.doc_string
    torch.manual_seed(0)
    expected = build(spec).state_dict()
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    assert all(np.array_equal(stored[name], tensor.numpy()) for name, tensor in expected.items())


def test_the_random_state_of_the_caller_is_unchanged() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    exporter.onnx_model(resolve("mnist-fc"))
    assert torch.equal(torch.rand(3), expected)


def test_auxiliary_heads_and_dropout_are_left_out() -> None:
    rows = [["a", 2, 1, 3, 1, 2, 1]]
    model = model_of(parse_spec({"family": "googlenet", "modules": rows, "aux_after": ["a"], "image_size": 64}))
    assert model.graph.initializer
    assert not [tensor.name for tensor in model.graph.initializer if tensor.name.startswith("aux")]
    assert "Dropout" not in {node.op_type for node in model.graph.node}


def test_batch_norm_is_folded_only_on_request() -> None:
    torch.manual_seed(0)
    spec = parse_spec({"family": "resnet", "blocks": [1], "widths": [4], "stem": "cifar", "image_size": 8})
    images = np.random.default_rng(0).random((2, 3, 8, 8), np.float32)
    answers: list[npt.NDArray[np.float32]] = []
    for fold, norms, words in ((False, 3, "3 layers of their own"), (True, 0, "folded into the layers before")):
        content = exporter.onnx_model(spec, OnnxOptions(fold=fold))
        model = onnx.load_from_string(content)
        assert sum(node.op_type == "BatchNormalization" for node in model.graph.node) == norms
        assert {item.key: item.value for item in model.metadata_props}["batch_norm"] == words
        assert words in model.doc_string
        assert {opset.domain for opset in model.opset_import} <= {""}
        if not fold:  # also the tensors that are equal or zero before a training
            tensors = {name for name, tensor in build(spec).state_dict().items() if tensor.is_floating_point()}
            assert tensors <= {tensor.name for tensor in model.graph.initializer}
        answers += onnxruntime.InferenceSession(content).run(None, {"image": images})
    plain, folded = answers
    assert np.allclose(plain, folded, atol=1e-5)


def test_large_images_take_no_memory() -> None:
    raw = {"family": "vgg", "cfg": ["8:7/4", "M"], "classifier": [], "pool_to": 1}
    model = model_of(parse_spec({**raw, "in_channels": 1024, "image_size": 4096}))  # a batch of two takes 137 GB
    assert [size.dim_value for size in model.graph.input[0].type.tensor_type.shape.dim[1:]] == [1024, 4096, 4096]


def test_the_file_contains_no_path_of_this_machine() -> None:
    content = exporter.onnx_model(resolve("torchvision:squeezenet1_0").changed(image_size=64))
    assert b".py" not in content
    assert b"stack_trace" not in content


@pytest.mark.parametrize(
    ("opset", "half", "fold"),
    [(MIN_OPSET, False, False), (17, True, True), (MAX_OPSET, True, False), (MAX_OPSET, False, True)],
)
def test_the_chosen_opset_and_precision(opset: int, half: bool, fold: bool) -> None:
    spec = parse_spec({"family": "resnet", "blocks": [1], "widths": [4], "stem": "cifar", "image_size": 8})
    images = np.random.default_rng(0).random((3, 3, 8, 8), np.float32)
    content = exporter.onnx_model(spec, OnnxOptions(fold, half, opset))
    model = onnx.load_from_string(content)
    assert [one.version for one in model.opset_import if not one.domain] == [opset]
    assert sum(node.op_type == "BatchNormalization" for node in model.graph.node) == (0 if fold else 3)
    weights = [tensor for tensor in model.graph.initializer if len(tensor.dims) == 4]
    kind = onnx.TensorProto.FLOAT16 if half else onnx.TensorProto.FLOAT
    assert {tensor.data_type for tensor in weights} == {kind}
    assert b".py" not in content
    torch.manual_seed(0)
    with torch.no_grad():
        expected = build(spec).eval()(torch.from_numpy(images)).numpy()
    (got,) = onnxruntime.InferenceSession(content).run(None, {"image": images})
    assert got.dtype == np.float32
    assert np.allclose(got, expected, atol=5e-3 if half else 1e-5)


def test_a_layer_without_a_form_in_old_operators_is_said() -> None:
    spec = parse_spec({"family": "vgg", "cfg": [4, "L", "M"], "pool_to": 2, "classifier": [], "image_size": 12})
    with pytest.raises(InputError, match="version 13; choose 18 or newer"):
        exporter.onnx_model(spec, OnnxOptions(opset=13))


@pytest.mark.parametrize("opset", [MIN_OPSET - 1, MAX_OPSET + 1])
def test_an_unknown_opset_is_refused(opset: int) -> None:
    with pytest.raises(InputError, match=f"opset: {opset} is not from"):
        exporter.onnx_model(resolve("mnist-fc"), OnnxOptions(opset=opset))
