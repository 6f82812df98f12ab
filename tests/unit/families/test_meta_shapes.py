"""The shape rules against PyTorch: each result has the shape and type that the real operator returns."""

from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn

from explorer.analysis.trace import MetaMode
from explorer.families import PRESETS
from explorer.families.building import build, detach_auxiliary
from explorer.families.meta_shapes import RULES, run_on_meta
from tests.helpers.specs import narrow, traced
from tests.tiers import mostly_exhaustive

aten = torch.ops.aten
sizes, small = st.integers(1, 12), st.integers(1, 4)


def check_shapes(func: Any, *args: object, **options: object) -> None:
    """Check that an operator on the CPU and on meta gives the same shapes, or raises on both."""
    try:
        real = func(*args, **options)
    except RuntimeError:
        real = None
    on_meta = [argument.to("meta") if isinstance(argument, Tensor) else argument for argument in args]
    try:
        got = run_on_meta(func, on_meta, options)
    except (RuntimeError, IndexError):
        assert real is None
        return
    assert real is not None, "PyTorch refuses this"
    pairs = zip(real, got, strict=True) if isinstance(real, tuple) else [(real, got)]
    for one, other in pairs:
        assert (one.shape, one.dtype) == (other.shape, other.dtype)


@given(sizes, sizes, small, small, small, st.integers(0, 3), small, st.sampled_from([1, 2]))
def test_convolution(
    height: int, width: int, down: int, across: int, stride: int, padding: int, dilation: int, groups: int
) -> None:
    x, weight = torch.rand(2, 4, height, width), torch.rand(6, 4 // groups, down, across)
    options = ([stride, stride], [padding, padding], [dilation, dilation], False, [0, 0], groups)
    check_shapes(aten.convolution.default, x, weight, torch.rand(6), *options)
    check_shapes(aten.convolution.default, x, torch.rand(6, 3, down, across), None, *options)


@given(sizes, sizes, small, small, st.integers(0, 2), st.booleans())
def test_pools(height: int, width: int, kernel: int, stride: int, padding: int, ceil: bool) -> None:
    assume(2 * padding <= kernel)
    x = torch.rand(1, 2, height, width)
    check_shapes(aten.max_pool2d_with_indices.default, x, [kernel], [stride], [padding], [1], ceil)
    check_shapes(aten.max_pool2d_with_indices.default, x, [kernel, kernel], [], [padding, padding], [2, 2], ceil)
    check_shapes(aten.avg_pool2d.default, x, [kernel, kernel], [stride, stride], [padding, padding], ceil)
    check_shapes(aten._adaptive_avg_pool2d.default, x, [kernel, stride])


@given(small, small, small)
def test_products_and_sums(rows: int, inner: int, columns: int) -> None:
    check_shapes(aten.addmm.default, torch.rand(columns), torch.rand(rows, inner), torch.rand(inner, columns))
    check_shapes(aten.addmm.default, torch.rand(columns), torch.rand(rows, inner), torch.rand(inner + 1, columns))
    check_shapes(aten.addmm.default, torch.rand(1), torch.rand(rows, inner), torch.rand(inner, columns))
    one, other = torch.rand(rows, inner), torch.rand(rows, inner)
    for func in (aten.add.Tensor, aten.mul.Tensor):
        check_shapes(func, one, other)
        check_shapes(func, one, torch.rand(1, inner))
        check_shapes(func, one, torch.rand(rows, inner + 2))
        check_shapes(func, one, torch.ones(rows, inner, dtype=torch.int64))
    check_shapes(aten.add.Tensor, one, other, alpha=2)


@given(st.lists(small, min_size=2, max_size=4), st.data())
def test_means(shape: list[int], data: st.DataObject) -> None:
    dims = data.draw(st.lists(st.integers(-len(shape), len(shape) - 1), max_size=2, unique_by=lambda d: d % len(shape)))
    check_shapes(aten.mean.dim, torch.rand(shape), dims, data.draw(st.booleans()))
    check_shapes(aten.mean.dim, torch.rand(shape), dims, dtype=torch.float64)


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm(training: bool) -> None:
    statistics = [torch.rand(3), torch.rand(3), torch.rand(3), torch.rand(3)]
    check_shapes(aten.native_batch_norm.default, torch.rand(2, 3, 4, 4), *statistics, training, 0.1, 1e-5)


def test_layer_norm_and_group_norm() -> None:
    x, weight = torch.rand(2, 6, 4, 5), torch.rand(6)
    for normalized in ([5], [4, 5], [6, 4, 5], [4], [4, 4]):
        check_shapes(aten.native_layer_norm.default, x, normalized, None, None, 1e-5)
    for groups in (1, 3, 6, 4):
        check_shapes(aten.native_group_norm.default, x, weight, weight, 2, 6, 20, groups, 1e-5)
    check_shapes(aten.native_group_norm.default, x, weight, weight, 1, 6, 40, 3, 1e-5)


def test_dropout_in_training() -> None:
    x = torch.rand(2, 3, requires_grad=True)
    with MetaMode():
        out = nn.Dropout(0.5)(x.to("meta"))
    assert (out.shape, out.dtype) == (x.shape, x.dtype)


def test_activations() -> None:
    x = torch.rand(2, 3, 4, 4)
    names = "relu leaky_relu elu softplus mish hardtanh hardsigmoid hardswish gelu silu tanh sigmoid".split(" ")
    for func in (getattr(aten, name).default for name in names):
        check_shapes(func, x)
        check_shapes(func, x.half())
    for func in (aten.relu.default, aten.hardtanh.default, aten.tanh.default, aten.sigmoid.default):
        check_shapes(func, x.long())
    check_shapes(aten._prelu_kernel.default, x, torch.rand(1, 3, 1, 1))
    check_shapes(aten.gelu.default, x, approximate="tanh")
    check_shapes(aten.leaky_relu_.default, x, 0.01)
    check_shapes(aten.elu_.default, x)


def test_every_rule_is_checked_here() -> None:
    checked = {
        "native_batch_norm", "add", "mul", "addmm", "convolution", "max_pool2d_with_indices", "avg_pool2d",
        "_adaptive_avg_pool2d", "mean", "bernoulli_", "div_", "empty_like",
        "native_layer_norm", "native_group_norm", "relu", "leaky_relu", "_prelu_kernel", "elu", "softplus", "mish",
        "hardtanh", "hardsigmoid", "hardswish", "gelu", "silu", "tanh", "sigmoid", "leaky_relu_", "elu_",
        # attention on a device: tests/unit/analysis/test_memory.py compares them with the tensors that PyTorch saves
        "native_dropout", "_scaled_dot_product_flash_attention", "_scaled_dot_product_efficient_attention",
        "_scaled_dot_product_flash_attention_for_cpu",
    }  # fmt: skip
    assert {func._schema.name.removeprefix("aten::") for func in RULES} == checked


@pytest.mark.parametrize("preset", mostly_exhaustive(PRESETS))
def test_every_layer_of_every_preset_has_pytorchs_shape(preset: str) -> None:
    spec = narrow(PRESETS[preset].spec)
    network = build(spec).eval()
    detach_auxiliary(network)
    real: dict[str, torch.Size] = {}
    for name, module in network.named_modules():
        if not list(module.children()):
            module.register_forward_hook(lambda _m, _a, out, name=name: real.update({name: out.shape}))
    with torch.no_grad():
        network(torch.rand(1, 1, *spec.sides))
    trace, _states = traced(spec)
    rows = {row.name: row.output.shape for row in trace.layers}
    assert {name: tuple(shape) for name, shape in real.items()} == {name: rows[name] for name in real}
