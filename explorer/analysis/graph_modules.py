"""Modules on meta for the operators of ONNX files that have weights or windows.

Each rule takes a node with its constants, and returns a function of the node's other inputs, or None if it has none.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.analysis.graph_call import Call, Step, count, with_constants
from explorer.graphs import Constant

Module = TypeVar("Module", bound=nn.Module)

# Convolutions and pools


def _sides(call: Call, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Step:
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
        fits = (
            before == after
            and min(before) >= 0
            and (isinstance(self.module, nn.modules.conv._ConvNd) or max(before) * 2 <= min(self.kernel))
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


def convolution(call: Call, weight: int = 1, bias: int = 2) -> Step | None:
    """Returns the rule of Conv, or of a quantised convolution with weight and bias at other places."""
    found = call.constant(weight)
    if found is None or not 3 <= len(found.shape) <= 5:
        return None
    out, inner, *kernel = found.shape
    rank, groups = len(kernel), call.integer("group", 1)
    stride, dilation = call.integers("strides", [1] * rank), call.integers("dilations", [1] * rank)
    kind: Any = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[rank - 1]
    module = kind(
        inner * groups,
        out,
        tuple(kernel),
        tuple(stride),
        0,
        tuple(dilation),
        groups,
        bias=call.has(bias),
        device="meta",
    )
    return _Windowed(_bound(call, module, weight, bias), _sides(call, kernel, stride, dilation), 0.0)


def deformable_convolution(call: Call) -> Step | None:
    """Returns the rule of DeformConv."""
    found = call.constant(1)
    if found is None or len(found.shape) != 4 or call.constant(4) is not None:
        return None
    stride, dilation = call.integers("strides", [1, 1]), call.integers("dilations", [1, 1])
    pads = call.integers("pads", [0] * 4)
    if pads[:2] != pads[2:]:
        return None
    # Imported here because few files need it; not in run, because its import runs operators, which would be traced.
    from torchvision.ops import deform_conv2d

    has_bias, has_mask = call.has(3), call.has(4)

    def run(image: Tensor, weight: Tensor, offset: Tensor, *others: Tensor) -> Tensor:
        bias = others[0] if has_bias else None
        mask = others[-1] if has_mask else None
        sides = ((first, second) for first, second in (stride, pads[:2], dilation))
        result: Tensor = deform_conv2d(image, offset, weight, bias, *sides, mask)
        return result

    return with_constants(call, "DeformConv2d", run)


class _Cut:
    """A module, and what is added to the sides of its result: less than 0 cuts. As ``functional.pad`` takes it."""

    def __init__(self, module: nn.Module, sides: list[int]) -> None:
        self.module, self.sides = module, sides

    def __call__(self, image: Tensor) -> Tensor:
        return functional.pad(self.module(image), self.sides)


def transposed_convolution(call: Call) -> Step | None:
    """Returns the rule of ConvTranspose."""
    found, before, after = call.constant(1), call.shape(0), call.node.shapes[0]
    if found is None or before is None or after is None or not 3 <= len(found.shape) <= 5:
        return None
    inner, out, *kernel = found.shape
    rank, groups = len(kernel), call.integer("group", 1)
    stride, dilation = call.integers("strides", [1] * rank), call.integers("dilations", [1] * rank)
    extra, pads = call.integers("output_padding", [0] * rank), call.integers("pads", [0] * (2 * rank))
    whole = [
        (size - 1) * s + d * (k - 1) + 1 + e
        for size, s, d, k, e in zip(before[2:], stride, dilation, kernel, extra, strict=True)
    ]
    first, last = pads[:rank], pads[rank:]
    mode = call.attributes.get("auto_pad", "NOTSET")
    if "output_shape" in call.attributes or mode in ("SAME_UPPER", "SAME_LOWER"):
        cut = [max(full - size, 0) for full, size in zip(whole, after[2:], strict=True)]
        first = [total // 2 if mode == "SAME_UPPER" else total - total // 2 for total in cut]
        last = [full - size - side for full, size, side in zip(whole, after[2:], first, strict=True)]
    elif mode == "VALID":
        first = last = [0] * rank
    fits = first == last and min(first) >= 0
    kind: Any = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)[rank - 1]
    sizes = (tuple(entry) for entry in (kernel, stride, first if fits else [0] * rank, extra))
    module: nn.Module = kind(
        inner, out * groups, *sizes, groups, bias=call.has(2), dilation=tuple(dilation), device="meta"
    )
    _bound(call, module)
    return module if fits else _Cut(module, [-side for pair in zip(last, first, strict=True) for side in pair][::-1])


def pool(call: Call) -> Step | None:
    """Returns the rule of MaxPool and AveragePool."""
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


def resize(call: Call) -> Step | None:
    """Returns the rule of Resize and Upsample for the rows and columns of a map."""
    before, after = call.shape(0), call.node.shapes[0]
    mode = {"nearest": "nearest", "linear": "bilinear", "cubic": "bicubic"}.get(
        str(call.attributes.get("mode", "nearest"))
    )
    if mode is None or before is None or after is None or len(after) != 4 or after[:2] != before[:2]:
        return None
    return nn.Upsample((after[2], after[3]), mode=mode)


# Layers with weights


def _bound(call: Call, module: Module, weight: int = 1, bias: int = 2) -> Module:
    """Gives a module the parameters of its node, so that a tensor that several nodes use counts once."""
    for name, position in (("weight", weight), ("bias", bias)):
        if (own := getattr(module, name, None)) is not None:
            setattr(module, name, call.weight(position, tuple(own.shape)))
    return module


def _linear(call: Call, *, transposed: bool, bias: Constant | None) -> nn.Linear:
    found = call.constants[call.node.inputs[1]]
    out, inner = found.shape if transposed else reversed(found.shape)
    module = nn.Linear(inner, out, bias=False, device="meta")
    module.weight = call.weight(1, (out, inner))
    if bias is not None:
        module.bias = call.weight(2, (bias.shape[-1] if bias.shape else 1,))
    return module


def gemm(call: Call) -> Step | None:
    """Returns the rule of Gemm."""
    found = call.constant(1)
    if found is None or len(found.shape) != 2 or call.integer("transA", 0):
        return None
    return _linear(call, transposed=bool(call.integer("transB", 0)), bias=call.constant(2))


def matmul(call: Call) -> Step | None:
    """Returns the rule of MatMul."""
    found = call.constant(1)
    if found is None or len(found.shape) != 2:
        return with_constants(call, "MatMul", torch.matmul)
    return _linear(call, transposed=False, bias=None)


def batch_norm(call: Call) -> Step | None:
    """Returns the rule of BatchNormalization."""
    found = call.constant(1)
    if found is None or len(found.shape) != 1 or call.integer("training_mode", 0):
        return None
    rank = len(call.node.shapes[0] or ()) or 4
    kind = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 5: nn.BatchNorm3d}.get(rank, nn.BatchNorm2d)
    return _bound(call, kind(found.shape[0], device="meta").eval())


def instance_norm(call: Call) -> Step | None:
    """Returns the rule of InstanceNormalization."""
    found, shape = call.constant(1), call.node.shapes[0]
    kinds: dict[int, Any] = {3: nn.InstanceNorm1d, 4: nn.InstanceNorm2d, 5: nn.InstanceNorm3d}
    if found is None or shape is None or len(shape) not in kinds:
        return None
    module: nn.Module = kinds[len(shape)](found.shape[0], affine=True, device="meta")
    return _bound(call, module)


def layer_norm(call: Call) -> Step | None:
    """Returns the rule of LayerNormalization."""
    found = call.constant(1)
    shape = call.node.shapes[0]
    if found is None or shape is None:
        return None
    module = nn.LayerNorm(shape[call.integer("axis", -1) :], bias=call.constant(2) is not None, device="meta")
    return _bound(call, module) if module.weight.numel() == count(found) else None


def group_norm(call: Call) -> Step | None:
    """Returns the rule of GroupNormalization; scale and bias may be in later nodes."""
    found = call.constant(1)
    shape = call.node.shapes[0]
    if shape is None or (call.has(1) and (found is None or count(found) != shape[1])):
        return None
    return _bound(call, nn.GroupNorm(call.integer("num_groups", 1), shape[1], affine=found is not None, device="meta"))


def prelu(call: Call) -> Step | None:
    """Returns the rule of PRelu."""
    found = call.constant(1)
    return None if found is None else _bound(call, nn.PReLU(count(found), device="meta"))


class _Recurrent:
    """A recurrent layer, whose results have the order of axes that ONNX gives them."""

    def __init__(self, module: Any) -> None:
        self.module = module

    def __call__(self, sequence: Tensor, *_first_states: Tensor) -> tuple[Tensor, ...]:
        results, states = self.module(sequence)
        directions = 2 if self.module.bidirectional else 1
        results = results.unflatten(-1, (directions, self.module.hidden_size)).permute(0, 2, 1, 3)
        return (results, *(states if isinstance(states, tuple) else (states,)))


def recurrent(call: Call) -> Step | None:
    """Returns the rule of LSTM, GRU and RNN; the first states are no parameters."""
    found, hidden = call.constant(1), call.integer("hidden_size", 0)
    kinds: dict[str, Any] = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN": nn.RNN}
    if found is None or len(found.shape) != 3 or not hidden or call.constant(2) is None or call.constant(0) is not None:
        return None
    if call.integer("layout", 0) or call.has(7):  # batch first, or an LSTM with peepholes
        return None
    module = kinds[call.node.operator](
        found.shape[2], hidden, bias=call.has(3), bidirectional=found.shape[0] == 2, device="meta"
    )
    return _Recurrent(module)
