"""Heat maps and overlays as pixels: all uint8, (3, H, W)."""

from functools import cache

import numpy as np
import torch
from plotly.colors import sample_colorscale, unlabel_rgb
from torch import Tensor
from torch.nn.functional import interpolate

MIN_SIDE = 320  # smallest longer side of an enlarged picture, in pixels


@cache
def palette() -> Tensor:
    """Return the colours of heat from the least value to the largest: uint8, (256, 3)."""
    colours = sample_colorscale("Viridis", list(np.linspace(0, 1, 256)))
    return torch.tensor([unlabel_rgb(colour) for colour in colours]).round().byte()


def heat(values: Tensor) -> Tensor:
    """Return the colours of values, (H, W), from 0, dark purple, to 1, yellow."""
    return palette()[(values.clamp(0, 1) * 255).round().long()].permute(2, 0, 1)


def enlarged(pixels: Tensor) -> Tensor:
    """Return a picture, (1 or 3, H, W), in colour. Each pixel of a small picture becomes a square."""
    scale = -(-MIN_SIDE // max(pixels.shape[-2:]))
    return pixels.expand(3, -1, -1).repeat_interleave(scale, 1).repeat_interleave(scale, 2)


def smooth(values: Tensor, pixels: Tensor) -> Tensor:
    """Return values, (H, W), interpolated to the size of a picture, (C, H, W)."""
    return interpolate(values[None, None], pixels.shape[-2:], mode="bilinear")[0, 0]


def overlay(pixels: Tensor, values: Tensor, share: float) -> Tensor:
    """Return heat over a picture. ``share`` is the opacity of the heat."""
    below = enlarged(pixels).float()
    above = heat(smooth(values, below)).float()
    return below.lerp(above, share).round().byte()
