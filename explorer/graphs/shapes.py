"""Shapes of all results of an ONNX graph, by onnx's own shape inference.

Exporters compute some shapes and paddings in the graph, from the shapes of other results. Shape inference follows only
the simplest of these computations. So small integers that depend on no image are computed by onnx's reference
implementation of a few operators, and take the place of their operators. Numbers with a fraction may come between.
"""

import math
from typing import Any

from explorer.graphs.graph import MAX_VALUES

MAX_ROUNDS = 200
# Each result is at most as large as the product of its inputs.
COMPUTED = frozenset(
    "Abs Add And Cast Ceil Clip Concat ConstantOfShape Div Equal Floor Gather Greater GreaterOrEqual Identity Less "
    "LessOrEqual Max Min Mod Mul Neg Not Or Range ReduceMax ReduceMin ReduceProd ReduceSum Reshape Round Slice Split "
    "Squeeze Sub Transpose Unsqueeze Where".split(" ")
)
OWN_DOMAINS = ("", "ai.onnx")


def infer(model: Any) -> Any:
    """Returns the graph with the shapes of its results, and with constants in place of operators on integers.

    Args:
        model: Model with the shape of its image, and with large weights as inputs. It changes.
    """
    from onnx import shape_inference

    for _round in range(MAX_ROUNDS):
        inferred = shape_inference.infer_shapes(model, check_type=False, strict_mode=False, data_prop=True).graph
        computed = _computed(model, inferred)
        if not computed:
            break
        _replace(model.graph, computed)
    return inferred


def static_shape(tensor: Any) -> list[int] | None:
    """Returns the shape of a value's type; None if a side is unknown."""
    if tensor is None or not tensor.HasField("shape"):
        return None
    dims = tensor.shape.dim
    if any(dim.WhichOneof("value") != "dim_value" for dim in dims):
        return None
    return [dim.dim_value for dim in dims]


def known_integers(model: Any) -> dict[str, Any]:
    """Returns the small integers that a file states as they are, as arrays by their names."""
    stated = _initializers(model)
    for node in model.graph.node:
        if node.op_type == "Constant" and node.domain in OWN_DOMAINS:
            stated |= _constant(node)
    return {name: value for name, value in stated.items() if value.dtype.kind == "i"}


def _initializers(model: Any) -> dict[str, Any]:
    from onnx import numpy_helper

    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer if _is_known(tensor)}


def _computed(model: Any, inferred: Any) -> dict[str, Any]:
    """Returns the integers that are known now by their names."""
    opsets = list(model.opset_import)
    types = {value.name: value.type.tensor_type for value in (*inferred.input, *inferred.value_info)}
    known = _initializers(model)
    found: dict[str, Any] = {}
    for node in model.graph.node:
        if node.domain not in OWN_DOMAINS or len(node.output) == 0:
            continue
        if node.op_type == "Constant":
            known |= _constant(node)
            continue
        values = _results(node, known, types, opsets)
        known |= values
        if values and all(name in values and values[name].dtype.kind in "ib" for name in node.output if name):
            found |= values
    return found


def _is_known(tensor: Any) -> bool:
    """Whether a tensor may be part of a computation of shapes, which may divide and round."""
    limit = MAX_VALUES if tensor.data_type in (tensor.INT64, tensor.INT32, tensor.BOOL) else 1
    return (
        tensor.data_type in (tensor.INT64, tensor.INT32, tensor.BOOL, tensor.FLOAT, tensor.DOUBLE)
        and math.prod(tensor.dims) <= limit
        and tensor.data_location != tensor.EXTERNAL
    )


def _constant(node: Any) -> dict[str, Any]:
    import numpy as np
    from onnx import numpy_helper

    (attribute,) = node.attribute
    if attribute.name == "value" and _is_known(attribute.t):
        return {node.output[0]: numpy_helper.to_array(attribute.t)}
    if attribute.name == "value_float":
        return {node.output[0]: np.array(attribute.f, np.float32)}
    if attribute.name == "value_int":
        return {node.output[0]: np.array(attribute.i)}
    if attribute.name == "value_ints" and len(attribute.ints) <= MAX_VALUES:
        return {node.output[0]: np.array(attribute.ints, np.int64)}
    return {}


def _results(node: Any, known: dict[str, Any], types: dict[str, Any], opsets: list[Any]) -> dict[str, Any]:
    import numpy as np

    if node.op_type == "Shape":
        shape = static_shape(types.get(node.input[0]))
        if shape is not None:
            bounds = {attribute.name: attribute.i for attribute in node.attribute}
            part = shape[bounds.get("start", 0) : bounds.get("end", len(shape))]
            return {node.output[0]: np.array(part, np.int64)}
        return {}
    if node.op_type not in COMPUTED or not all(name in known for name in node.input if name) or not any(node.input):
        return {}
    if node.op_type == "ConstantOfShape" and np.prod(known[node.input[0]].astype(float)) > MAX_VALUES:
        return {}
    if node.op_type == "Range":
        start, limit, step = (float(known[name]) for name in node.input)
        if not step or (limit - start) / step > MAX_VALUES:
            return {}
    from onnx import TypeProto, helper
    from onnx.reference import ReferenceEvaluator  # imported here because most files don't need it

    inputs = [helper.make_value_info(name, TypeProto()) for name in dict.fromkeys(node.input) if name]
    outputs = [helper.make_value_info(name, TypeProto()) for name in node.output if name]
    part = helper.make_model(helper.make_graph([node], "part", inputs, outputs), opset_imports=opsets)
    try:
        results = ReferenceEvaluator(part).run(None, {value.name: known[value.name] for value in inputs})
    except Exception:  # noqa: BLE001  the reference implementation raises errors of many kinds; shapes stay unknown
        return {}
    return {
        value.name: np.asarray(result)
        for value, result in zip(outputs, results, strict=True)
        if isinstance(result, np.ndarray | np.generic) and result.size <= MAX_VALUES
    }


def _replace(graph: Any, computed: dict[str, Any]) -> None:
    from onnx import numpy_helper

    remaining = [node for node in graph.node if not all(name in computed for name in node.output if name)]
    del graph.node[:]
    graph.node.extend(remaining)
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in computed.items())
    # The file's own shapes of these may have a free batch, which would hide the shape that is known now.
    stated = [value for value in graph.value_info if value.name not in computed]
    del graph.value_info[:]
    graph.value_info.extend(stated)
