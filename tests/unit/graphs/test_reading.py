"""ONNX files that are damaged, hostile or unusual: one sentence each, or the right numbers."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from explorer.analysis.graphs import analyse_graph
from explorer.errors import InputError
from explorer.graphs import reader
from explorer.graphs.graph import MAX_NODES, Graph
from explorer.graphs.reading import read

FLOAT = TensorProto.FLOAT


def model(
    nodes: list[onnx.NodeProto],
    weights: list[TensorProto] | None = None,
    shape: tuple[int | str | None, ...] = ("batch", 3, 8, 8),
    domains: tuple[str, ...] = (),
    opset: int = 18,
) -> onnx.ModelProto:
    """A model from ``image`` to ``out``."""
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("image", FLOAT, shape)],
        [helper.make_tensor_value_info("out", FLOAT, None)],
        weights or [],
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


def convolution() -> onnx.ModelProto:
    weight = numpy_helper.from_array(np.ones((4, 3, 3, 3), np.float32), "features.0.weight")
    return model([helper.make_node("Conv", ["image", "features.0.weight"], ["out"], pads=[1, 1, 1, 1])], [weight])


def serialized(found: onnx.ModelProto) -> bytes:
    return bytes(found.SerializeToString())


def shapeless(found: onnx.ModelProto) -> onnx.ModelProto:
    """The same model, whose input has a type, but no shape."""
    found.graph.input[0].type.tensor_type.ClearField("shape")
    return found


def truncated() -> bytes:
    return serialized(convolution())[:-20]


def cycle() -> bytes:
    return serialized(
        model([helper.make_node("Add", ["image", "b"], ["a"]), helper.make_node("Add", ["image", "a"], ["b"])])
    )


def too_many() -> bytes:
    names = ["image", *(f"v{number}" for number in range(MAX_NODES)), "out"]
    return serialized(model([helper.make_node("Relu", [one], [two]) for one, two in pairwise(names)]))


def huge_weight() -> bytes:
    found = convolution()
    found.graph.initializer[0].dims[0] = 2**62
    return serialized(found)


def huge_map() -> bytes:
    size = numpy_helper.from_array(np.array([1, 3, 2**31, 2**31]), "size")
    return serialized(model([helper.make_node("Expand", ["image", "size"], ["out"])], [size], (1, 3, 1, 1)))


def exponential_functions() -> bytes:
    """Each function calls the one before twice."""
    found = convolution()
    body = [helper.make_node("Relu", ["x"], ["y"])]
    for number in range(40):
        found.functions.append(
            helper.make_function("local", f"f{number}", ["x"], ["y"], body, [helper.make_opsetid("", 18)])
        )
        if number:
            found.functions[-1].opset_import.append(helper.make_opsetid("local", 1))
        body = [
            helper.make_node(f"f{number}", ["x"], ["m"], domain="local"),
            helper.make_node(f"f{number}", ["m"], ["y"], domain="local"),
        ]
    found.graph.node.append(helper.make_node("f39", ["out"], ["more"], domain="local"))
    found.opset_import.append(helper.make_opsetid("local", 1))
    return serialized(found)


def two_inputs() -> bytes:
    found = convolution()
    found.graph.input.append(helper.make_tensor_value_info("second", FLOAT, (1, 3, 8, 8)))
    return serialized(found)


def future() -> bytes:
    found = convolution()
    found.opset_import[0].version = 999
    return serialized(found)


def missing_attribute() -> bytes:
    return serialized(model([helper.make_node("LRN", ["image"], ["out"], name="norm1")]))


def twice() -> bytes:
    nodes = [helper.make_node("Relu", ["image"], ["same"]), helper.make_node("Relu", ["image"], ["same"])]
    return serialized(model([*nodes, helper.make_node("Relu", ["same"], ["out"])]))


HOSTILE: dict[str, tuple[Callable[[], bytes], tuple[str, ...]]] = {
    "empty": (lambda: b"", ()),
    "text": (lambda: b"this is no model, but a sentence", ()),
    "truncated": (truncated, ()),
    "cycle": (cycle, ("circle", "Add", "'b'")),
    "too many": (too_many, (f"{MAX_NODES + 1:,}", f"{MAX_NODES:,}")),
    "huge weight": (huge_weight, ("features.0.weight",)),
    "huge map": (huge_map, ()),
    "functions": (exponential_functions, (f"{MAX_NODES:,}",)),
    "two inputs": (two_inputs, ("2", "image", "second")),
    "future": (future, ("999",)),
    "twice": (twice, ("same",)),
    "attribute": (missing_attribute, ("norm1",)),
    "free size": (
        lambda: model([helper.make_node("Relu", ["image"], ["out"])], shape=(1, 3, "h", "w")).SerializeToString(),
        ("image", "--image-size"),
    ),
    "no shape": (lambda: serialized(shapeless(convolution())), ("image", "declares no shape", "--image-size")),
    "no channels": (
        lambda: serialized(shapeless(model([helper.make_node("Relu", ["image"], ["out"])]))),
        ("image", "no number of channels", "export"),
    ),
    "vector": (
        lambda: model([helper.make_node("Relu", ["image"], ["out"])], shape=(1, 3)).SerializeToString(),
        ("image", "2"),
    ),
}


@pytest.fixture
def unconfined(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[bytes], Graph]:
    """Runs the reader's work here, without its process and so without its limits."""
    monkeypatch.setattr("explorer.workers.sandbox.limit", lambda **_limits: None)
    monkeypatch.setattr("explorer.workers.sandbox.confine", lambda **_places: None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    def run(content: bytes, image_size: tuple[int, int] | None = None) -> Graph:
        path = tmp_path / "net.onnx"
        path.write_bytes(content)
        request = {"path": str(path), "image_size": image_size, "memory": 0, "seconds": 0}
        return Graph.model_validate(reader.work(request, lambda *_step: None))

    return run


@pytest.mark.parametrize("name", [name for name in HOSTILE if name != "huge map"])
def test_a_faulty_file_is_one_sentence(name: str, unconfined: Callable[[bytes], Graph]) -> None:
    make, places = HOSTILE[name]
    with pytest.raises(InputError) as caught:
        unconfined(make())
    assert all(place in str(caught.value) for place in places)
    assert "\n" not in str(caught.value)


@pytest.mark.process
def test_the_process_keeps_its_limits(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(huge_map())
    with pytest.raises(InputError):
        read(path)


@pytest.mark.process
def test_weights_in_another_file_are_not_opened(tmp_path: Path) -> None:
    found = convolution()
    weight = found.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "../../../../etc/passwd"), ("offset", "0"), ("length", "432")):
        weight.external_data.add(key=key, value=value)
    path = tmp_path / "net.onnx"
    path.write_bytes(found.SerializeToString())
    graph = read(path)
    assert graph.constants["features.0.weight"].shape == (4, 3, 3, 3)
    assert graph.constants["features.0.weight"].values is None
    (node,) = graph.nodes
    assert (node.operator, node.name, node.shapes) == ("Conv", "features.0", ((1, 4, 8, 8),))
    assert (graph.batch, graph.shape) == (None, (1, 3, 8, 8))


def test_a_free_size_can_be_given(unconfined: Callable[..., Graph]) -> None:
    free = model([helper.make_node("Relu", ["image"], ["out"])], shape=("n", 3, "h", "w"))
    assert unconfined(free.SerializeToString(), (20, 30)).shape == (1, 3, 20, 30)
    fixed = model([helper.make_node("Relu", ["image"], ["out"])], shape=(4, 3, 8, 8))
    graph = unconfined(fixed.SerializeToString(), (20, 30))
    assert (graph.shape, graph.batch) == ((1, 3, 8, 8), 4)


@pytest.mark.parametrize("moved", [False, True])
def test_an_input_without_a_shape_is_taken_for_an_image(unconfined: Callable[..., Graph], *, moved: bool) -> None:
    weight = numpy_helper.from_array(np.ones((4, 3, 3, 3), np.float32), "w")
    nodes = [helper.make_node("Transpose", ["image"], ["turned"], perm=[0, 3, 1, 2])] if moved else []
    nodes.append(helper.make_node("Conv", ["turned" if moved else "image", "w"], ["out"], group=2))
    graph = unconfined(serialized(shapeless(model(nodes, [weight]))), (20, 30))
    assert (graph.shape, graph.batch, graph.are_channels_assumed) == ((1, 6, 20, 30), None, True)
    assert graph.nodes[-1].shapes == ((1, 4, 18, 28),)
    (warning,) = (found for found in analyse_graph(graph).warnings if found.code == "channels-assumed")
    assert "6 channels" in warning.message
    assert "20×30" in warning.message


def test_operators_that_onnx_does_not_have_keep_their_names(unconfined: Callable[..., Graph]) -> None:
    nodes = [
        helper.make_node("Invented", ["image"], ["a"]),
        helper.make_node("Odd", ["a"], ["out"], domain="undeclared"),
    ]
    graph = unconfined(serialized(model(nodes)))
    assert [(node.operator, node.shapes) for node in graph.nodes] == [
        ("Invented", (None,)),
        ("undeclared.Odd", (None,)),
    ]


def test_a_free_side_may_be_written_as_minus_one(unconfined: Callable[..., Graph]) -> None:
    free = model([helper.make_node("Relu", ["image"], ["out"])], shape=(-1, 3, -1, 0))
    graph = unconfined(serialized(free), (20, 30))
    assert (graph.shape, graph.batch) == ((1, 3, 20, 30), None)


def test_a_choice_between_graphs_uses_what_they_use(unconfined: Callable[..., Graph]) -> None:
    def branch(weight: str) -> onnx.GraphProto:
        result = helper.make_tensor_value_info(f"{weight}-out", FLOAT, (1, 4, 8, 8))
        tensor = numpy_helper.from_array(np.ones((4, 3, 3, 3), np.float32), weight)
        node = helper.make_node("Conv", ["scaled", weight], [result.name], pads=[1, 1, 1, 1])
        return helper.make_graph([node], weight, [], [result], [tensor])

    nodes = [
        helper.make_node("Relu", ["image"], ["scaled"]),
        helper.make_node("If", ["choice"], ["out"], then_branch=branch("one"), else_branch=branch("two")),
    ]
    graph = unconfined(serialized(model(nodes, [numpy_helper.from_array(np.array([1], bool), "choice")])))
    choice, *others = graph.nodes[1].inputs
    assert (choice, others[1]) == ("choice", "scaled")
    assert [graph.constants[name].shape for name in (others[0], others[2])] == [(4, 3, 3, 3)] * 2
