"""Small modules that several families share."""

import torch
from torch import Tensor, nn


class Add(nn.Module):
    """Adds a residual branch to its shortcut: ``y = F(x) + x`` (He et al. 2016, equation 1)."""

    def forward(self, residual: Tensor, shortcut: Tensor) -> Tensor:
        return residual + shortcut


class Concat(nn.Module):
    """Concatenates branches along the channels."""

    def forward(self, branches: list[Tensor]) -> Tensor:
        return torch.cat(branches, 1)


class PadShortcut(nn.Module):
    """Shortcut A: subsamples the map and pads new channels with zeros (He et al. 2016, section 3.3)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.new_channels = out_channels - in_channels

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new_channels))

    def extra_repr(self) -> str:
        return f"stride={self.stride}, new_channels={self.new_channels}"
