"""Receptive fields and MACs through what people write by hand: gates, writes into parts, pieces of an image."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

import explorer

Function = Callable[[Tensor], Tensor]


class Between(nn.Module):
    """A function between two 3x3 convolutions, whose field is 5 if the function moves nothing."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 4, 3, padding=1)
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(self.function(self.first(x)))
        return out


def mean(x: Tensor) -> Tensor:
    return x.mean((2, 3), keepdim=True)


GATES: dict[str, Function] = {
    "expanded": lambda x: x * mean(x).sigmoid().expand_as(x),
    "repeated": lambda x: x * mean(x).repeat(1, 1, *x.shape[2:]),
    "enlarged": lambda x: x * functional.interpolate(mean(x), size=x.shape[2:], mode="bilinear"),
    "without the batch": lambda x: x * mean(x).view(-1, 1, 1),
    "pooled by a window": lambda x: functional.avg_pool2d(x, x.shape[2:]).sigmoid() * x,
    "added": lambda x: x + mean(x),
    "normalised by hand": lambda x: (x - mean(x)) / (x.var((2, 3), keepdim=True) + 1e-5).sqrt(),
    "norm": lambda x: x * torch.linalg.vector_norm(x, dim=(2, 3), keepdim=True),
}


@pytest.mark.parametrize("name", GATES)
def test_a_gate_in_any_spelling_is_left_out_and_said(name: str) -> None:
    found = explorer.analyse(Between(GATES[name]), image_size=(16, 20))
    assert found.field is not None
    assert found.field.size == 5
    assert "whole image" in found.field_note


def shifted(x: Tensor) -> Tensor:
    out = torch.zeros_like(x)
    out[:, :4] = x[:, 4:]
    out[:, 4:] = functional.max_pool2d(x, 3, 1, 1)[:, :4]
    return out


def bordered(x: Tensor) -> Tensor:
    out = x.new_zeros(*x.shape[:2], x.shape[2] + 4, x.shape[3] + 2)
    out[:, :, 2:-2, 1:-1] = x
    return out


def in_halves(x: Tensor) -> Tensor:
    out = torch.empty_like(x)
    for half, part in zip(out.chunk(2, 1), x.chunk(2, 1), strict=True):
        half.copy_(part)
    return out


def in_steps(x: Tensor) -> Tensor:
    out = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    out[:, :, ::2, ::2] = x
    return out


def changed(x: Tensor) -> Tensor:
    y = x.clone()
    y[:, :4] += functional.max_pool2d(x, 3, 1, 1)[:, :4]
    return y


OTHERS: dict[str, tuple[Function, int | None]] = {
    "attention over places": (lambda x: x * x.max(1, keepdim=True)[0].sigmoid(), 5),
    "stacked": (lambda x: torch.stack([x, functional.max_pool2d(x, 3, 1, 1)], 1).sum(1), 7),
    "channels chosen": (lambda x: x[:, [7, 6, 5, 4, 3, 2, 1, 0]].flip(1).roll(1, 1), 5),
    "written by channels": (shifted, 7),
    "written into the middle": (bordered, 5),
    "written in halves": (in_halves, 5),
    "added to a part": (changed, 7),
    "circular": (lambda x: functional.pad(x, (1, 1, 1, 1), mode="circular"), 5),
    "mirrored": (lambda x: x.flip(3), None),
    "rolled as one line": (lambda x: x.roll(1), None),
    "written in steps": (in_steps, None),
}


@pytest.mark.parametrize("name", OTHERS)
def test_fields_follow_what_moves_no_rows_and_columns(name: str) -> None:
    function, size = OTHERS[name]
    found = explorer.analyse(Between(function), image_size=(16, 20))
    assert (found.field and found.field.size) == size
    assert ("untraced" in [warning.code for warning in found.warnings]) == (size is None)


def test_a_tensor_that_is_written_row_by_row_takes_no_longer_than_its_rows() -> None:
    def rows(x: Tensor) -> Tensor:
        out = torch.zeros_like(x)
        for row in range(x.shape[2]):
            out[:, :, row] = x[:, :, row]
        return out

    found = explorer.analyse(Between(rows), image_size=64)  # 2**64 ways lead from the last layer to the first
    assert found.field is None
    assert [warning.code for warning in found.warnings] == ["untraced"]


class Pieces(nn.Module):
    """Cuts the image into pieces, and convolves them as a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.up = nn.Conv2d(3, 4, 3, padding=1), nn.ConvTranspose2d(4, 2, 2, 2)

    def forward(self, x: Tensor) -> Tensor:
        pieces = functional.unfold(x, 8, stride=8).transpose(1, 2).reshape(-1, 3, 8, 8)
        out: Tensor = self.up(self.conv(pieces))
        return out


def test_convolutions_of_pieces_count_for_each_piece() -> None:
    found = explorer.analyse(Pieces(), image_size=(16, 24))
    module = Pieces().to("meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(torch.empty(1, 3, 16, 24, device="meta"))
    assert found.totals.macs == counter.get_total_flops() / 2
    assert found.layers[0].formulas["macs"].startswith("6·3·3·3·4·8·8 = ")
