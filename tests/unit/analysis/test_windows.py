"""Output sizes, dropped columns and invalid windows compared with PyTorch, for every small combination."""

from itertools import product

import pytest
import torch
from torch.nn import functional

from explorer.analysis.windows import Windows, formula_lines, validated
from explorer.errors import InputError

SIZES, KERNELS, STRIDES, PADDINGS, DILATIONS = range(1, 11), range(1, 6), range(1, 5), range(4), (1, 2, 3)


def read_by_gradient(output: torch.Tensor, image: torch.Tensor) -> set[int]:
    (gradient,) = torch.autograd.grad(output.sum(), image)
    return set(gradient.flatten().nonzero().flatten().tolist())


def check(windows: Windows, output: torch.Tensor, image: torch.Tensor) -> None:
    assert validated(windows).count == output.shape[-1], windows
    read = read_by_gradient(output, image)
    assert windows.unread == tuple(sorted(set(range(windows.size)) - read)), windows
    last = max(read, default=-1)
    if windows.dilation == 1 and windows.stride <= windows.kernel:  # no pixels between windows
        assert windows.unread == windows.dropped == tuple(range(last + 1, windows.size)), windows


@pytest.mark.parametrize("size", SIZES)
def test_convolutions(size: int) -> None:
    image = torch.ones(1, 1, size, dtype=torch.float64, requires_grad=True)
    for kernel, stride, padding, dilation in product(KERNELS, STRIDES, PADDINGS, DILATIONS):
        windows = Windows(size, kernel, stride, padding, dilation)
        weight = torch.ones(1, 1, kernel, dtype=torch.float64)
        try:
            output = functional.conv1d(image, weight, None, stride, padding, dilation)
        except RuntimeError:
            with pytest.raises(InputError, match="does not fit"):
                validated(windows)
            continue
        check(windows, output, image)


@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_pools(size: int, ceil: bool) -> None:
    image = torch.ones(1, 1, size, dtype=torch.float64, requires_grad=True)
    for kernel, stride, padding in product(KERNELS, STRIDES, PADDINGS):
        windows = Windows(size, kernel, stride, padding, ceil=ceil)
        if not ceil and padding > kernel // 2:
            continue  # invalid only for pools
        try:
            output = functional.avg_pool1d(image, kernel, stride, padding, ceil_mode=ceil)
        except RuntimeError:
            with pytest.raises(InputError):
                validated(windows)
            continue
        check(windows, output, image)


@pytest.mark.parametrize("size", SIZES)
def test_dilated_pools_in_ceil_mode(size: int) -> None:
    image = torch.rand(1, 1, size, dtype=torch.float64)
    for kernel, stride, padding, dilation in product(KERNELS, STRIDES, PADDINGS, DILATIONS):
        windows = Windows(size, kernel, stride, padding, dilation, ceil=True)
        try:
            output = functional.max_pool1d(image, kernel, stride, padding, dilation, ceil_mode=True)
        except RuntimeError:
            with pytest.raises(InputError):
                validated(windows)
            continue
        assert validated(windows).count == output.shape[-1], windows


def test_windows_start_before_the_end() -> None:
    windows = Windows(6, 3, 2, ceil=True)
    assert [list(windows.taps(window)) for window in range(windows.count)] == [[0, 1, 2], [2, 3, 4], [4, 5, 6]]
    assert windows.end == 7


@pytest.mark.parametrize(
    ("windows", "last"),
    [
        (Windows(224, 7, 2, 3), "out = 111 + 1 = 112"),
        (Windows(8, 3, 2), "out = 2 + 1 = 3"),
        (Windows(112, 3, 2, ceil=True), "out = 55 + 1 = 56"),  # 109/2 rounded up, as in GoogLeNet
        (Windows(1, 1, 2, ceil=True), "out = 0 + 1 = 1"),
    ],
)
def test_the_formula_has_its_values(windows: Windows, last: str) -> None:
    assert formula_lines(windows)[-1] == last


def test_a_window_that_would_start_in_the_padding_is_left_out() -> None:
    windows = Windows(3, 2, 4, 1, ceil=True)
    assert functional.max_pool1d(torch.zeros(1, 1, 3), 2, 4, 1, ceil_mode=True).shape[-1] == windows.count == 1
    assert formula_lines(windows)[-2:] == ["out = 1 + 1 = 2", "out = 2 − 1 = 1"]
