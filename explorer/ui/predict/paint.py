"""Heat maps, overlays and frames as pixels: all uint8, (3, H, W)."""

from functools import cache

import numpy as np
import torch
from plotly.colors import sample_colorscale, unlabel_rgb
from torch import Tensor
from torch.nn.functional import interpolate

from explorer.prediction.maps import Window

MIN_SIDE = 320  # smallest longer side of an enlarged picture, in pixels
FRAME = 3  # pixels


@cache
def _viridis() -> Tensor:
    colours = sample_colorscale("Viridis", list(np.linspace(0, 1, 256)))
    return torch.tensor([unlabel_rgb(colour) for colour in colours]).round().byte()


def heat(values: Tensor) -> Tensor:
    """Return the colours of values, (H, W), from 0, dark purple, to 1, yellow."""
    return _viridis()[(values.clamp(0, 1) * 255).round().long()].permute(2, 0, 1)


def enlarged(pixels: Tensor) -> Tensor:
    """Return a picture, (1 or 3, H, W), in colour. Each pixel of a small picture becomes a square."""
    scale = -(-MIN_SIDE // max(pixels.shape[-2:]))
    return pixels.expand(3, -1, -1).repeat_interleave(scale, 1).repeat_interleave(scale, 2)


def smooth(values: Tensor, side: int) -> Tensor:
    """Return values, (H, W), interpolated to another size."""
    return interpolate(values[None, None], (side, side), mode="bilinear")[0, 0]


def overlay(pixels: Tensor, values: Tensor, share: float) -> Tensor:
    """Return heat over a picture. ``share`` is the opacity of the heat."""
    below = enlarged(pixels).float()
    above = heat(smooth(values, below.shape[-1])).float()
    return below.lerp(above, share).round().byte()


def with_frame(pixels: Tensor, window: Window | None, colour: str, *, dim: bool) -> Tensor:
    """Return a picture, enlarged and with a frame around some of its pixels.

    Args:
        pixels: Picture, (1 or 3, H, W).
        window: Pixels inside the frame. None means no frame.
        colour: Colour of the frame, as ``#RRGGBB``.
        dim: Whether the other pixels are darkened.
    """
    scale = -(-MIN_SIDE // max(pixels.shape[-2:]))
    enlarged_pixels = enlarged(pixels)
    result = (enlarged_pixels * 0.4).byte() if dim else enlarged_pixels.clone()
    if window is None:
        return result
    top, left = window.top * scale, window.left * scale
    bottom, right = (window.bottom + 1) * scale, (window.right + 1) * scale
    result[:, top:bottom, left:right] = enlarged_pixels[:, top:bottom, left:right]
    rgb = torch.tensor(list(bytes.fromhex(colour[1:])), dtype=torch.uint8)[:, None, None]
    rows, columns = slice(max(top - FRAME, 0), bottom + FRAME), slice(max(left - FRAME, 0), right + FRAME)
    outer = result[:, rows, columns]
    for edge in (outer[:, :FRAME], outer[:, -FRAME:], outer[:, :, :FRAME], outer[:, :, -FRAME:]):
        edge.copy_(rgb)
    return result
