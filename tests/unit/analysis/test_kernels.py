"""One kernel and a stack: published comparisons, and PyTorch's counts."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from explorer.analysis.kernels import MAX_KERNEL, MIN_KERNEL, Kernel, Replacement, Stack, replacement, single
from explorer.errors import InputError

ODD = range(3, MAX_KERNEL + 1, 2)


def network(stack: Stack, channels: int) -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(channels, channels, k, padding="same", bias=False, device="meta") for k in stack.kernels)
    )


def test_seven_against_three_threes_as_published() -> None:
    """Simonyan and Zisserman 2015, section 2.3: 49·C² against 27·C², 81% more."""
    one, many = single(7), replacement(7, Replacement.THREE)
    assert (one.cells, many.cells) == (49, 27)
    assert len(many.kernels) == 3
    assert f"{one.cells / many.cells - 1:.0%}" == "81%"


def test_fields_of_three_threes_are_r0s() -> None:
    assert [field.rows for field in reversed(replacement(7, Replacement.THREE).fields)] == [1, 3, 5, 7]


def test_savings_of_szegedy_2016() -> None:
    """Section 3.1: a 5x5 costs 25/18 of two 3x3; section 3.2: 3x1 after 1x3 saves a third."""
    assert (single(5).cells, replacement(5, Replacement.THREE).cells) == (25, 18)
    assert replacement(3, Replacement.SPLIT).cells / single(3).cells == pytest.approx(2 / 3)


@pytest.mark.parametrize("kind", Replacement)
@pytest.mark.parametrize("side", range(MIN_KERNEL, MAX_KERNEL + 1))
def test_every_replacement_sees_what_the_kernel_sees(side: int, kind: Replacement) -> None:
    possible = kind is Replacement.SPLIT or side in ODD[1:] or (side == 3 and kind is Replacement.THREE)
    if not possible:
        with pytest.raises(InputError, match="k: "):
            replacement(side, kind)
        return
    stack = replacement(side, kind)
    assert stack.fields[0] == (side, side)
    assert stack.fields[-1] == (1, 1)


@pytest.mark.parametrize("side", [-1, 0, 1, 16, 10**9])
def test_kernels_out_of_range(side: int) -> None:
    with pytest.raises(InputError, match=f"k: {side} is not between 2 and 15"):
        replacement(side, Replacement.SPLIT)


@pytest.mark.parametrize(
    "stack",
    [single(7), replacement(7, Replacement.THREE), replacement(9, Replacement.FIVE), replacement(5, Replacement.SPLIT)],
    ids=str,
)
def test_weights_and_macs_are_pytorchs(stack: Stack) -> None:
    channels, side = 6, 13
    model = network(stack, channels)
    assert stack.weights(channels) == sum(parameter.numel() for parameter in model.parameters())
    with FlopCounterMode(display=False) as counter:
        model(torch.empty(1, channels, side, side, device="meta"))
    assert 2 * stack.macs(channels, side) == counter.get_total_flops()


@pytest.mark.parametrize(
    "stack", [single(4), replacement(7, Replacement.FIVE), replacement(5, Replacement.SPLIT)], ids=str
)
def test_fields_agree_with_autograd(stack: Stack) -> None:
    """In every map, the gradient of an output cell is non-zero exactly on its field."""
    maps = [torch.ones(1, 1, 20, 20, dtype=torch.float64, requires_grad=True)]
    for kernel in stack.kernels:
        maps.append(nn.functional.conv2d(maps[-1], torch.ones(1, 1, *kernel, dtype=torch.float64)))
    gradients = torch.autograd.grad(maps[-1][0, 0, 1, 2], maps)
    for gradient, field in zip(gradients, stack.fields, strict=True):
        rows, columns = gradient[0, 0].nonzero(as_tuple=True)
        assert Kernel(len(rows.unique()), len(columns.unique())) == field
        assert (int(rows.min()), int(columns.min())) == (1, 2)
