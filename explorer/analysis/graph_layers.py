"""Modules on meta for the operators of ONNX files: what they do to shapes, and what they cost.

Each function takes a node and the shapes of its constants, and returns a function of the node's inputs. A module among
them becomes a layer of the analysis; a plain function moves data. None means that there is no rule.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.analysis.trace import UNKNOWN
from explorer.graphs import Constant, Node

Step = Callable[..., Any]
Parameter = Callable[[str], nn.Parameter]  # of the name of a constant; the same for the same name


def _unknown(inputs: list[Tensor], shape: list[int], _name: str) -> Tensor:
    return inputs[0].new_empty(shape)


if not hasattr(torch.ops.explorer, "unknown"):  # Streamlit imports a module again when its file has changed
    torch.library.define(UNKNOWN, "(Tensor[] inputs, int[] shape, str name) -> Tensor")
    torch.library.impl(UNKNOWN, "default", _unknown)


class Operation(nn.Module):
    """A function of its inputs and of at most one constant tensor, as a layer."""

    def __init__(self, function: Step, weight: nn.Parameter | None = None) -> None:
        super().__init__()
        self.function = function
        self.weight = weight

    def forward(self, *inputs: Tensor) -> Any:
        """Applies the function."""
        return self.function(*inputs)


def operation(kind: str, function: Step, weight: nn.Parameter | None = None) -> nn.Module:
    """Returns a layer whose kind is the name of an operator."""
    made: nn.Module = type(kind, (Operation,), {})(function, weight)
    return made


def unknown(node: Node) -> nn.Module:
    """Returns a layer for an operator without a rule; its outputs have the shapes of the file."""
    shapes = [list(shape) for shape in node.shapes if shape is not None]

    def run(*inputs: Tensor) -> Any:
        results = tuple(torch.ops.explorer.unknown(inputs, shape, node.operator) for shape in shapes)
        return results if len(results) > 1 else results[0]

    return operation(node.operator, run)


def step(node: Node, constants: dict[str, Constant], parameter: Parameter) -> Step | None:
    """Returns the function of the inputs that are not constant, in their order."""
    rule = _RULES.get(node.operator)
    if rule is not None:
        return rule(_Call(node, constants, parameter))
    if node.operator in _MODULES:
        return _MODULES[node.operator]()
    if node.operator in _FUNCTIONS:
        return operation(node.operator, _FUNCTIONS[node.operator])
    return None


class _Call:
    """A node with its constants."""

    def __init__(self, node: Node, constants: dict[str, Constant], parameter: Parameter) -> None:
        self.node, self.constants, self.parameter = node, constants, parameter
        self.attributes = node.attributes

    def constant(self, position: int) -> Constant | None:
        inputs = self.node.inputs
        return self.constants.get(inputs[position]) if position < len(inputs) else None

    def weight(self, position: int) -> nn.Parameter:
        return self.parameter(self.node.inputs[position])

    def values(self, position: int, attribute: str = "") -> tuple[Any, ...] | None:
        """Returns the numbers of a constant input, or of the attribute that older versions have in its place."""
        found = self.constant(position)
        if found is not None:
            return found.values
        listed = self.attributes.get(attribute)
        return listed if isinstance(listed, tuple) else None if listed is None else (listed,)

    def integer(self, name: str, default: int) -> int:
        value = self.attributes.get(name, default)
        return int(value) if isinstance(value, int | float) else default

    def integers(self, name: str, default: Sequence[int]) -> list[int]:
        value = self.attributes.get(name)
        return [int(one) for one in value] if isinstance(value, tuple) else list(default)


# Convolutions and pools


def _sides(call: _Call, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Step:
    """Returns the padding of an image, as ``functional.pad`` takes it, as a function of its shape."""
    mode, rank = call.attributes.get("auto_pad", "NOTSET"), len(kernel)
    explicit = call.integers("pads", [0] * (2 * rank))

    def sides(shape: Sequence[int]) -> list[int]:
        pairs = [(explicit[axis], explicit[axis + rank]) for axis in range(rank)]
        if mode in ("SAME_UPPER", "SAME_LOWER"):
            pairs = []
            for size, k, s, d in zip(shape[2:], kernel, stride, dilation, strict=True):
                total = max((-(-size // s) - 1) * s + d * (k - 1) + 1 - size, 0)
                small, large = total // 2, total - total // 2
                pairs.append((small, large) if mode == "SAME_UPPER" else (large, small))
        elif mode == "VALID":
            pairs = [(0, 0)] * rank
        return [side for pair in reversed(pairs) for side in pair]

    return sides


class _Windowed:
    """A convolution or pool with its padding: inside the module if it is symmetric, otherwise before it."""

    def __init__(self, module: Any, sides: Step, value: float) -> None:
        self.module, self.sides, self.value = module, sides, value
        self.padding = 0  # the largest, once it has run

    def __call__(self, image: Tensor) -> Tensor:
        sides = self.sides(image.shape)
        before, after = sides[-2::-2], sides[-1::-2]
        self.padding = max(map(abs, sides))
        fits = before == after and (
            isinstance(self.module, nn.modules.conv._ConvNd) or max(before) * 2 <= min(self.kernel)
        )
        if fits:
            self.module.padding = tuple(before)
        else:
            self.module.padding = (0,) * len(before)
            image = functional.pad(image, sides, value=self.value)
        result: Tensor = self.module(image)
        return result

    @property
    def kernel(self) -> tuple[int, ...]:
        return tuple(self.module.kernel_size)


def window_side(run: Step) -> int:
    """Returns the longer side of a step's window, with the padding before it; 1 if it has none."""
    return max(*run.kernel, run.padding) if isinstance(run, _Windowed) else 1


def _convolution(call: _Call) -> Step | None:
    found = call.constant(1)
    if found is None or not 3 <= len(found.shape) <= 5:
        return None
    out, inner, *kernel = found.shape
    rank, groups = len(kernel), call.integer("group", 1)
    stride, dilation = call.integers("strides", [1] * rank), call.integers("dilations", [1] * rank)
    kind: Any = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[rank - 1]
    has_bias = len(call.node.inputs) > 2 and bool(call.node.inputs[2])
    module = kind(
        inner * groups, out, tuple(kernel), tuple(stride), 0, tuple(dilation), groups, bias=False, device="meta"
    )
    module.weight = call.weight(1)
    if has_bias:
        module.bias = nn.Parameter(torch.empty(out, device="meta"))
    return _Windowed(module, _sides(call, kernel, stride, dilation), 0.0)


def _pool(call: _Call) -> Step | None:
    kernel = call.integers("kernel_shape", [])
    rank = len(kernel)
    if rank == 3 and call.node.operator == "AveragePool" and not any(call.integers("pads", [])):
        strides = call.integers("strides", [1] * rank)
        return nn.AvgPool3d((kernel[0], kernel[1], kernel[2]), (strides[0], strides[1], strides[2]))
    if rank != 2 or len(call.node.outputs) > 1:
        return None
    stride, dilation = call.integers("strides", [1] * rank), call.integers("dilations", [1] * rank)
    ceil = bool(call.integer("ceil_mode", 0))
    if call.node.operator == "MaxPool":
        maximum = nn.MaxPool2d(tuple(kernel), tuple(stride), 0, tuple(dilation), ceil_mode=ceil)
        return _Windowed(maximum, _sides(call, kernel, stride, dilation), float("-inf"))
    if any(one != 1 for one in dilation):
        return None
    average = nn.AvgPool2d(
        (kernel[0], kernel[1]),
        (stride[0], stride[1]),
        0,
        ceil,
        count_include_pad=bool(call.integer("count_include_pad", 0)),
    )
    return _Windowed(average, _sides(call, kernel, stride, dilation), 0.0)


# Layers with weights


def _linear(weight: nn.Parameter, *, transposed: bool, bias: int | None) -> nn.Linear:
    out, inner = weight.shape if transposed else reversed(weight.shape)
    module = nn.Linear(inner, out, bias=False, device="meta")
    module.weight = weight if transposed else nn.Parameter(torch.empty(out, inner, device="meta"))
    if bias is not None:
        module.bias = nn.Parameter(torch.empty(bias, device="meta"))
    return module


def _gemm(call: _Call) -> Step | None:
    found = call.constant(1)
    if found is None or len(found.shape) != 2 or call.integer("transA", 0):
        return None
    bias = call.constant(2)
    size = None if bias is None else bias.shape[-1] if bias.shape else 1
    return _linear(call.weight(1), transposed=bool(call.integer("transB", 0)), bias=size)


def _matmul(call: _Call) -> Step | None:
    found = call.constant(1)
    if found is None:
        return operation("MatMul", torch.matmul) if call.constant(0) is None else None
    return _linear(call.weight(1), transposed=False, bias=None) if len(found.shape) == 2 else None


def _batch_norm(call: _Call) -> Step | None:
    found = call.constant(1)
    if found is None or len(found.shape) != 1 or call.integer("training_mode", 0):
        return None
    rank = len(call.node.shapes[0] or ()) or 4
    kind = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 5: nn.BatchNorm3d}.get(rank, nn.BatchNorm2d)
    return kind(found.shape[0], device="meta").eval()


def _layer_norm(call: _Call) -> Step | None:
    found = call.constant(1)
    shape = call.node.shapes[0]
    if found is None or shape is None:
        return None
    module = nn.LayerNorm(shape[call.integer("axis", -1) :], bias=call.constant(2) is not None, device="meta")
    return module if module.weight.numel() == _count(found) else None


def _count(constant: Constant) -> int:
    return torch.Size(constant.shape).numel()


def _group_norm(call: _Call) -> Step | None:
    found = call.constant(1)
    if found is None or call.node.shapes[0] is None:
        return None
    return nn.GroupNorm(call.integer("num_groups", 1), call.node.shapes[0][1], device="meta")


def _prelu(call: _Call) -> Step | None:
    found = call.constant(1)
    return None if found is None else nn.PReLU(_count(found), device="meta")


# Arithmetic


def _binary(kind: str, function: Callable[[Any, Any], Tensor]) -> Callable[[_Call], Step | None]:
    def rule(call: _Call) -> Step | None:
        if len(call.node.inputs) != 2:
            return None
        places = [place for place in (0, 1) if call.constant(place) is not None]
        if not places:
            return operation(kind, function)
        (place,) = places
        found = call.constant(place)
        assert found is not None  # noqa: S101  for the type checker
        other: Any = 1.0
        weight = None
        if _count(found) > 1:
            other = weight = call.weight(place)
        if place:
            return operation(kind, lambda x: function(x, other), weight)
        return operation(kind, lambda x: function(other, x) if weight is not None else function(x, other), weight)

    return rule


def _clip(call: _Call) -> Step | None:
    lowest, highest = (call.values(1, "min") or (None,))[0], (call.values(2, "max") or (None,))[0]
    if (lowest, highest) == (0, 6):
        return nn.ReLU6()
    if lowest is not None and highest is not None and lowest < highest:
        return nn.Hardtanh(lowest, highest)
    return operation("Clip", lambda x: x.clamp(min=0.0))


def _mean(call: _Call) -> Step | None:
    axes = call.values(1, "axes")
    keep = bool(call.integer("keepdims", 1))
    return operation("Mean", lambda x: x.mean([int(axis) for axis in axes or range(x.dim())], keep))


def _softmax(call: _Call) -> Step | None:
    return nn.Softmax(call.integer("axis", -1))


def _concat(call: _Call) -> Step | None:
    axis = call.integer("axis", 0)
    constant = [place for place in range(len(call.node.inputs)) if call.constant(place) is not None]
    if not constant:
        return operation("Concat", lambda *inputs: torch.cat(inputs, axis))
    if len(constant) > 1:
        return None
    weight = call.weight(constant[0])  # a class token

    def run(*inputs: Tensor) -> Tensor:
        parts: list[Tensor] = list(inputs)
        parts.insert(constant[0], weight)
        return torch.cat(parts, axis)

    return operation("Concat", run, weight)


# Operators that move data


def _reshape(call: _Call) -> Step | None:
    shape = call.node.shapes[0]
    return None if shape is None else lambda x: x.reshape(shape)


def _transpose(call: _Call) -> Step | None:
    order = call.integers("perm", [])
    return lambda x: x.permute(order or list(reversed(range(x.dim()))))


def _expand(call: _Call) -> Step | None:
    shape = call.node.shapes[0]
    return None if shape is None else lambda x: x.expand(shape)


def _split(call: _Call) -> Step | None:
    axis, shapes = call.integer("axis", 0), call.node.shapes
    if any(shape is None for shape in shapes):
        return None
    return lambda x: torch.split(x, [shape[axis] for shape in shapes if shape is not None], axis)


def _slice(call: _Call) -> Step | None:
    starts, ends = call.values(1, "starts"), call.values(2, "ends")
    axes, steps = call.values(3, "axes"), call.values(4, "steps")
    if starts is None or ends is None or any(step_ < 1 for step_ in steps or ()):
        return None

    def run(x: Tensor) -> Tensor:
        index = [slice(None)] * x.dim()
        for position, (start, end) in enumerate(zip(starts, ends, strict=True)):
            axis = int(axes[position]) if axes else position
            index[axis] = slice(int(start), min(int(end), x.shape[axis]), int(steps[position]) if steps else 1)
        return x[tuple(index)]

    return run


def _gather(call: _Call) -> Step | None:
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


def _pad(call: _Call) -> Step | None:
    pads = call.values(1, "pads")
    if pads is None or call.attributes.get("mode", "constant") != "constant" or call.constant(3) is not None:
        return None
    half = len(pads) // 2
    sides = [int(side) for axis in reversed(range(half)) for side in (pads[axis], pads[axis + half])]
    return lambda x: functional.pad(x, sides)


def _same(_call: _Call) -> Step:
    return lambda x: x


_RULES: dict[str, Callable[[_Call], Step | None]] = {
    "Conv": _convolution,
    "MaxPool": _pool,
    "AveragePool": _pool,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "GroupNormalization": _group_norm,
    "PRelu": _prelu,
    "LRN": lambda call: nn.LocalResponseNorm(call.integer("size", 1)),
    "Add": _binary("Add", torch.add),
    "Sub": _binary("Subtract", torch.sub),
    "Mul": _binary("Multiply", torch.mul),
    "Div": _binary("Divide", torch.div),
    "Pow": _binary("Power", torch.pow),
    "Clip": _clip,
    "ReduceMean": _mean,
    "Softmax": _softmax,
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
}
_MODULES: dict[str, Callable[[], nn.Module]] = {
    "Relu": nn.ReLU,
    "LeakyRelu": nn.LeakyReLU,
    "Elu": nn.ELU,
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
    "Max": torch.maximum,
    "Min": torch.minimum,
}
