"""The output shapes and the costs of operators of ONNX files.

Each rule takes a node with its constants, and returns a function of the node's other inputs. A module among them
becomes a layer of the analysis; a plain function moves data. None means that there is no rule.
"""

from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.analysis import graph_modules
from explorer.analysis.graph_call import Call, Step, count, operation, with_constants


def step(call: Call) -> Step | None:
    """Returns the function of the inputs that are not constant, in their order."""
    operator = call.node.operator
    rule = _RULES.get(operator)
    if rule is not None:
        return rule(call)
    if operator in _MODULES:
        return _MODULES[operator]()
    if operator in _FUNCTIONS:
        return operation(operator, _FUNCTIONS[operator])
    return None


# Arithmetic


def _binary(kind: str, function: Callable[[Any, Any], Tensor]) -> Callable[[Call], Step | None]:
    def rule(call: Call) -> Step | None:
        if len(call.node.inputs) != 2:
            return None
        constants = [found for place in (0, 1) if (found := call.constant(place)) is not None]
        if not constants:
            return operation(kind, function)
        if count(constants[0]) > 1:
            return with_constants(call, kind, function)
        return operation(kind, lambda x: function(x, 1.0))  # the number makes no difference here

    return rule


def _variadic(kind: str, function: Callable[[Any, Any], Tensor]) -> Callable[[Call], Step | None]:
    """Returns the rule of an operator of any number of inputs, which it takes two by two."""

    def rule(call: Call) -> Step | None:
        inputs = len(call.node.inputs)
        if inputs == 1:
            return _same(call)
        if inputs == 2:
            return _binary(kind, function)(call)
        return with_constants(call, kind, lambda *each: reduce(function, each))

    return rule


def _mean(call: Call) -> Step | None:
    inputs = len(call.node.inputs)
    return with_constants(call, "Mean", lambda *each: reduce(torch.add, each) / inputs)


def _clip(call: Call) -> Step | None:
    lowest, highest = (call.values(1, "min") or (None,))[0], (call.values(2, "max") or (None,))[0]
    if call.is_open(1, 2):
        return None
    if (lowest, highest) == (0, 6):
        return nn.ReLU6()
    if lowest is not None and highest is not None and lowest < highest:
        return nn.Hardtanh(lowest, highest)
    return operation("Clip", lambda x: x.clamp(min=0.0))


def _reduce(kind: str, function: Callable[[Tensor, list[int], bool], Tensor]) -> Callable[[Call], Step | None]:
    def rule(call: Call) -> Step | None:
        axes, keep = call.values(1, "axes"), bool(call.integer("keepdims", 1))
        if call.is_open(1) or (not axes and call.integer("noop_with_empty_axes", 0)):
            return None
        return operation(kind, lambda x: function(x, [int(axis) for axis in axes or range(x.dim())], keep))

    return rule


def _maximum(one: Tensor, other: Any) -> Tensor:
    return torch.maximum(one, other) if isinstance(other, Tensor) else one.clamp(min=other)


def _minimum(one: Tensor, other: Any) -> Tensor:
    return torch.minimum(one, other) if isinstance(other, Tensor) else one.clamp(max=other)


def _lp_norm(call: Call) -> Step | None:
    axis, order = call.integer("axis", -1), call.integer("p", 2)
    return operation("Norm", lambda x: x / torch.linalg.vector_norm(x, order, axis, keepdim=True))


def _arg_max(call: Call) -> Step | None:
    axis, keep = call.integer("axis", 0), bool(call.integer("keepdims", 1))
    return lambda x: x.argmax(axis, keep)


def _where(call: Call) -> Step | None:
    return with_constants(call, "Where", lambda choice, one, other: torch.where(choice.bool(), one, other))


def _einsum(call: Call) -> Step | None:
    equation = str(call.attributes.get("equation", ""))
    return with_constants(call, "Einsum", lambda *inputs: torch.einsum(equation, *inputs))


def _concat(call: Call) -> Step | None:
    axis = call.integer("axis", 0)
    return with_constants(call, "Concat", lambda *inputs: torch.cat(inputs, axis))


# Operators that move data


def _reshape(call: Call) -> Step | None:
    shape = call.node.shapes[0]
    return None if shape is None else lambda x: x.reshape(shape)


def _transpose(call: Call) -> Step | None:
    order = call.integers("perm", [])
    return lambda x: x.permute(order or list(reversed(range(x.dim()))))


def _expand(call: Call) -> Step | None:
    shape = call.node.shapes[0]
    return None if shape is None else lambda x: x.expand(shape)


def _split(call: Call) -> Step | None:
    axis, shapes = call.integer("axis", 0), call.node.shapes
    if any(shape is None for shape in shapes):
        return None
    return lambda x: torch.split(x, [shape[axis] for shape in shapes if shape is not None], axis)


def _slice(call: Call) -> Step | None:
    starts, ends = call.values(1, "starts"), call.values(2, "ends")
    axes, steps = call.values(3, "axes"), call.values(4, "steps")
    if starts is None or ends is None or call.is_open(3, 4) or any(step_ < 1 for step_ in steps or ()):
        return None

    def run(x: Tensor) -> Tensor:
        index = [slice(None)] * x.dim()
        for position, (start, end) in enumerate(zip(starts, ends, strict=True)):
            axis = int(axes[position]) if axes else position
            index[axis] = slice(int(start), min(int(end), x.shape[axis]), int(steps[position]) if steps else 1)
        return x[tuple(index)]

    return run


def _gather(call: Call) -> Step | None:
    found, axis = call.constant(1), call.integer("axis", 0)
    if found is None:
        return None
    if found.shape:  # only the shape of the indices matters here
        index = torch.empty(found.shape, dtype=torch.long, device="meta")
        return lambda x: x[(slice(None),) * (axis % x.dim()) + (index,)]
    if not found.values:
        return None
    position = int(found.values[0])
    return lambda x: x.select(axis, position)


def _pad(call: Call) -> Step | None:
    pads = call.values(1, "pads")
    mode = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}.get(
        str(call.attributes.get("mode", "constant"))
    )
    if pads is None or mode is None or call.has(3):
        return None
    half = len(pads) // 2
    sides = [int(side) for axis in reversed(range(half)) for side in (pads[axis], pads[axis + half])]
    if mode != "constant":  # these are for rows and columns only
        if half != 4 or any(sides[4:]):
            return None
        sides = sides[:4]
    return lambda x: functional.pad(x, sides, mode=mode)


def _same(_call: Call) -> Step:
    return lambda x: x


_RULES: dict[str, Callable[[Call], Step | None]] = {
    "Conv": graph_modules.convolution,
    "QLinearConv": lambda call: graph_modules.convolution(call, weight=3, bias=8),
    "ConvInteger": graph_modules.convolution,
    "DeformConv": graph_modules.deformable_convolution,
    "ConvTranspose": graph_modules.transposed_convolution,
    "MaxPool": graph_modules.pool,
    "AveragePool": graph_modules.pool,
    "Resize": graph_modules.resize,
    "Upsample": graph_modules.resize,
    "Gemm": graph_modules.gemm,
    "MatMul": graph_modules.matmul,
    "BatchNormalization": graph_modules.batch_norm,
    "InstanceNormalization": graph_modules.instance_norm,
    "LayerNormalization": graph_modules.layer_norm,
    "GroupNormalization": graph_modules.group_norm,
    "PRelu": graph_modules.prelu,
    "LSTM": graph_modules.recurrent,
    "GRU": graph_modules.recurrent,
    "RNN": graph_modules.recurrent,
    "LRN": lambda call: nn.LocalResponseNorm(call.integer("size", 1)),
    "Add": _binary("Add", torch.add),
    "Sub": _binary("Subtract", torch.sub),
    "Mul": _binary("Multiply", torch.mul),
    "Div": _binary("Divide", torch.div),
    "Pow": _binary("Power", torch.pow),
    "Clip": _clip,
    "Sum": _variadic("Add", torch.add),
    "Mean": _mean,
    "Max": _variadic("Maximum", _maximum),
    "Min": _variadic("Minimum", _minimum),
    "Equal": _binary("Equal", torch.eq),
    "Greater": _binary("Greater", torch.gt),
    "GreaterOrEqual": _binary("Greater", torch.ge),
    "Less": _binary("Less", torch.lt),
    "LessOrEqual": _binary("Less", torch.le),
    "Where": _where,
    "Einsum": _einsum,
    "ReduceMean": _reduce("Mean", lambda x, axes, keep: x.mean(axes, keep)),
    "ReduceSum": _reduce("Sum", lambda x, axes, keep: x.sum(axes, keep)),
    "ReduceMax": _reduce("Maximum", lambda x, axes, keep: x.amax(axes, keep)),
    "ReduceMin": _reduce("Minimum", lambda x, axes, keep: x.amin(axes, keep)),
    "ReduceL2": _reduce("Norm", lambda x, axes, keep: torch.linalg.vector_norm(x, 2, axes, keep)),
    "ReduceL1": _reduce("Norm", lambda x, axes, keep: torch.linalg.vector_norm(x, 1, axes, keep)),
    "LpNormalization": _lp_norm,
    "ArgMax": _arg_max,
    "Softmax": lambda call: nn.Softmax(call.integer("axis", -1)),
    "LogSoftmax": lambda call: nn.LogSoftmax(call.integer("axis", -1)),
    "DepthToSpace": lambda call: nn.PixelShuffle(call.integer("blocksize", 1)),
    "SpaceToDepth": lambda call: nn.PixelUnshuffle(call.integer("blocksize", 1)),
    "Concat": _concat,
    "Reshape": _reshape,
    "Flatten": _reshape,
    "Squeeze": _reshape,
    "Unsqueeze": _reshape,
    "Transpose": _transpose,
    "Expand": _expand,
    "Split": _split,
    "Slice": _slice,
    "Gather": _gather,
    "Pad": _pad,
    "Identity": _same,
    "Dropout": _same,
    "Cast": _same,
    "QuantizeLinear": _same,  # the numbers are those of the network before quantisation
    "DequantizeLinear": _same,
}
_MODULES: dict[str, Callable[[], nn.Module]] = {
    "Relu": nn.ReLU,
    "LeakyRelu": nn.LeakyReLU,
    "Elu": nn.ELU,
    "Selu": nn.SELU,
    "Celu": nn.CELU,
    "Softsign": nn.Softsign,
    "Sigmoid": nn.Sigmoid,
    "Tanh": nn.Tanh,
    "Gelu": nn.GELU,
    "HardSigmoid": nn.Hardsigmoid,
    "HardSwish": nn.Hardswish,
    "Softplus": nn.Softplus,
    "Mish": nn.Mish,
    "Swish": nn.SiLU,
    "GlobalAveragePool": lambda: nn.AdaptiveAvgPool2d(1),
    "GlobalMaxPool": lambda: nn.AdaptiveMaxPool2d(1),
}
_FUNCTIONS: dict[str, Step] = {
    "Sqrt": torch.sqrt,
    "Exp": torch.exp,
    "Log": torch.log,
    "Neg": torch.neg,
    "Erf": torch.erf,
    "Abs": torch.abs,
    "Reciprocal": torch.reciprocal,
    "Sign": torch.sign,
    "Floor": torch.floor,
    "Ceil": torch.ceil,
    "Round": torch.round,
    "Sin": torch.sin,
    "Cos": torch.cos,
}
