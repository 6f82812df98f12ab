"""Runs operators on the meta device. The most common ones compute only the shapes of their results.

PyTorch's meta kernels of these operators are written in Python. Some run long decompositions: a batch norm takes half a
millisecond, which is nine tenths of a ResNet's forward pass. The first call of others imports sympy and torch._dynamo,
which takes 1.5 seconds. Unusual calls go to PyTorch, which also raises the errors.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from explorer.specs.arithmetic import window_output

aten = torch.ops.aten
SUMS = 32  # the memory-efficient kernel rounds the number of its sums up to a multiple of this


def run_on_meta(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """The result of an operator on meta tensors."""
    rule = RULES.get(func)
    result = rule(*args, **kwargs) if rule else None
    return func(*args, **kwargs) if result is None else result


def _batch_norm(x: Tensor, _w: Any, _b: Any, _mean: Any, _var: Any, training: bool, *_rest: Any) -> Any:
    statistics = x.shape[1] if training else 0
    return x.new_empty(x.shape), x.new_empty(statistics), x.new_empty(statistics)


def _elementwise(one: Tensor, other: Any, **options: Any) -> Any:
    if not options and isinstance(other, Tensor) and one.shape == other.shape and one.dtype == other.dtype:
        return one.new_empty(one.shape)
    return None


def _empty_like(x: Tensor, **_options: Any) -> Any:
    return x.new_empty(x.shape)


def _addmm(bias: Tensor, one: Tensor, other: Tensor, **options: Any) -> Any:
    fits = not options and one.shape[1] == other.shape[0] and bias.shape == other.shape[1:]
    return one.new_empty(one.shape[0], other.shape[1]) if fits else None


def _convolution(x: Tensor, weight: Tensor, *options: Any) -> Any:
    _bias, stride, padding, dilation, transposed, _extra, groups = options
    if transposed or x.dim() != 4 or x.shape[1] != weight.shape[1] * groups:
        return None
    windows = zip(x.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True)
    sides = [window_output(size, d * (kernel - 1) + 1, s, p) for size, kernel, s, p, d in windows]
    return x.new_empty(x.shape[0], weight.shape[0], *sides) if min(sides) > 0 else None


def _pooled(x: Tensor, kernel: list[int], stride: list[int], padding: list[int], *, ceil: bool) -> Tensor | None:
    if x.dim() != 4:
        return None
    sizes = [pair(entry) for entry in (kernel, stride or kernel, padding)]
    sides = [window_output(size, k, s, p, ceil=ceil) for size, k, s, p in zip(x.shape[2:], *sizes, strict=True)]
    return x.new_empty(*x.shape[:2], *sides) if min(sides) > 0 else None


def pair(value: Any) -> tuple[int, int]:
    """A window's setting for height and width; ATen gives one number for both, or two."""
    entries = list(value) if isinstance(value, list | tuple) else [value]
    return entries[0], entries[-1]


def _max_pool(
    x: Tensor, kernel: Any, stride: Any = (), padding: Any = (0,), dilation: Any = (1,), ceil: Any = False
) -> Any:
    out = _pooled(x, kernel, stride, padding, ceil=ceil) if set(dilation) == {1} else None
    return None if out is None else (out, out.new_empty(out.shape, dtype=torch.int64))


def _avg_pool(x: Tensor, kernel: Any, stride: Any = (), padding: Any = (0,), ceil: Any = False, *_rest: Any) -> Any:
    return _pooled(x, kernel, stride, padding, ceil=ceil)


def _mean(x: Tensor, dims: Any, keep: bool = False, **options: Any) -> Any:
    if options:
        return None
    over = {dim % x.dim() for dim in dims or range(x.dim())}
    sides = [1 if dim in over else size for dim, size in enumerate(x.shape) if keep or dim not in over]
    return x.new_empty(sides)


def _adaptive_avg_pool(x: Tensor, sides: list[int]) -> Any:
    return x.new_empty(*x.shape[:-2], *sides)


def _dropout(x: Tensor, _p: Any, _train: Any) -> Any:
    return x.new_empty(x.shape), x.new_empty(x.shape, dtype=torch.bool)


def _attention_cpu(query: Tensor, *_rest: Any, **_options: Any) -> Any:
    batch, heads, tokens, _width = query.shape
    return torch.empty_like(query), query.new_empty(batch, tokens, heads).transpose(1, 2)


def _attention_flash(query: Tensor, key: Tensor, *_rest: Any, **_options: Any) -> Any:
    seed, unused = query.new_empty(2, dtype=torch.uint64), query.new_empty(0)
    sums = query.new_empty(query.shape[:3])
    return torch.empty_like(query), sums, None, None, query.shape[2], key.shape[2], seed, unused, unused.new_empty(0)


def _attention_efficient(query: Tensor, _key: Any, value: Tensor, *_rest: Any, **_options: Any) -> Any:
    batch, heads, tokens, _width = query.shape
    attended = query.new_empty(batch, tokens, heads, value.shape[3]).transpose(1, 2)
    seed = query.new_empty((), dtype=torch.int64)
    return attended, query.new_empty(batch, heads, -(-tokens // SUMS) * SUMS), seed, seed.new_empty(())


def _activation(x: Tensor, *_settings: Any, **_options: Any) -> Any:
    return x.new_empty(x.shape) if x.is_floating_point() else None


def _layer_norm(x: Tensor, normalized: list[int], *_rest: Any) -> Any:
    axes = len(normalized)
    if x.dtype != torch.float32 or not axes or tuple(x.shape[-axes:]) != tuple(normalized):
        return None
    statistics = [*x.shape[:-axes], *[1] * axes]
    return x.new_empty(x.shape), x.new_empty(statistics), x.new_empty(statistics)


def _group_norm(x: Tensor, _w: Any, _b: Any, batch: int, channels: int, _area: int, groups: int, _eps: float) -> Any:
    if x.dtype != torch.float32 or channels % groups or tuple(x.shape[:2]) != (batch, channels):
        return None
    return x.new_empty(x.shape), x.new_empty(batch, groups), x.new_empty(batch, groups)


def _in_place(x: Tensor, *_rest: Any, **_options: Any) -> Any:
    return x


RULES: dict[Any, Callable[..., Any]] = {
    aten.native_batch_norm.default: _batch_norm,
    aten.add.Tensor: _elementwise,
    aten.addmm.default: _addmm,
    aten.convolution.default: _convolution,
    aten.max_pool2d_with_indices.default: _max_pool,
    aten.avg_pool2d.default: _avg_pool,
    aten._adaptive_avg_pool2d.default: _adaptive_avg_pool,
    aten.mean.dim: _mean,
    aten.native_layer_norm.default: _layer_norm,
    aten.native_group_norm.default: _group_norm,
    aten.relu.default: _activation,
    aten.leaky_relu.default: _activation,
    aten._prelu_kernel.default: _activation,
    aten.elu.default: _activation,
    aten.softplus.default: _activation,
    aten.mish.default: _activation,
    aten.hardtanh.default: _activation,
    aten.hardsigmoid.default: _activation,
    aten.hardswish.default: _activation,
    aten.gelu.default: _activation,
    aten.silu.default: _activation,
    aten.tanh.default: _activation,
    aten.sigmoid.default: _activation,
    aten.leaky_relu_.default: _in_place,
    aten.elu_.default: _in_place,
    # Dropout in training: a mask of zeros and 1/(1 - p), times the input.
    aten.empty_like.default: _empty_like,
    aten.bernoulli_.float: _in_place,
    aten.div_.Scalar: _in_place,
    aten.mul.Tensor: _elementwise,
    aten.native_dropout.default: _dropout,
    aten._scaled_dot_product_flash_attention_for_cpu.default: _attention_cpu,
    aten._scaled_dot_product_efficient_attention.default: _attention_efficient,
    aten._scaled_dot_product_flash_attention.default: _attention_flash,
}
