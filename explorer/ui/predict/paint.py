"""Pixels of heat, overlays and frames: all uint8, (3, H, W)."""

from functools import cache

import numpy as np
import torch
from plotly.colors import sample_colorscale, unlabel_rgb
from torch import Tensor
from torch.nn.functional import interpolate

from explorer.prediction.maps import Window

SIDE = 320  # pixels at least of a picture that is looked at close up


@cache
def _viridis() -> Tensor:
    colours = sample_colorscale("Viridis", list(np.linspace(0, 1, 256)))
    return torch.tensor([unlabel_rgb(colour) for colour in colours]).round().byte()


def heat(values: Tensor) -> Tensor:
    """Colours of values from 0, dark purple, to 1, yellow: (H, W)."""
    return _viridis()[(values.clamp(0, 1) * 255).round().long()].permute(2, 0, 1)


def enlarged(pixels: Tensor) -> Tensor:
    """A picture in colour, each pixel of a small one a square: (1 or 3, H, W)."""
    times = -(-SIDE // max(pixels.shape[-2:]))
    return pixels.expand(3, -1, -1).repeat_interleave(times, 1).repeat_interleave(times, 2)


def smooth(values: Tensor, side: int) -> Tensor:
    """Values, (H, W), at another size."""
    return interpolate(values[None, None], (side, side), mode="bilinear")[0, 0]


def overlay(pixels: Tensor, values: Tensor, share: float) -> Tensor:
    """Heat on a picture; ``share`` is that of the heat."""
    below = enlarged(pixels).float()
    above = heat(smooth(values, below.shape[-1])).float()
    return below.lerp(above, share).round().byte()


def framed(pixels: Tensor, window: Window | None, colour: str, *, dim: bool) -> Tensor:
    """A picture enlarged, with a frame around some of its pixels.

    Args:
        pixels: (1 or 3, H, W).
        window: within the picture, framed on its outside; none where there is nothing to frame.
        colour: of the frame, as ``#RRGGBB``.
        dim: whether the rest is darkened.
    """
    times = -(-SIDE // max(pixels.shape[-2:]))
    big = enlarged(pixels)
    height, width = big.shape[-2:]
    shown = (big * 0.4).byte() if dim else big.clone()
    if window is None:
        return shown
    top, left = window.top * times, window.left * times
    bottom, right = (window.bottom + 1) * times, (window.right + 1) * times
    shown[:, top:bottom, left:right] = big[:, top:bottom, left:right]
    ink = torch.tensor(list(bytes.fromhex(colour[1:])), dtype=torch.uint8)[:, None, None]
    thick = 3
    outer = shown[
        :, max(top - thick, 0) : min(bottom + thick, height), max(left - thick, 0) : min(right + thick, width)
    ]
    for edge in (outer[:, :thick], outer[:, -thick:], outer[:, :, :thick], outer[:, :, -thick:]):
        edge.copy_(ink)
    return shown
