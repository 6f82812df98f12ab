"""Views into a network: feature maps, first-layer filters, and the receptive field of a unit."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from explorer.analysis import ReceptiveField
from explorer.data.preprocessing import Normalise, Preprocessing
from explorer.errors import InputError
from explorer.i18n import _
from explorer.prediction.checks import check_numbers
from explorer.prediction.hooks import MapLayer, with_hook_point
from explorer.prediction.networks import Network
from explorer.specs.size import Size


def in_network_order(image: Tensor, inputs: Preprocessing) -> Tensor:
    """Returns the pixels in the order in which the network reads them: uint8, (C, height, width)."""
    plain = Normalise(inputs._replace(mean=(0.0,), std=(1.0,)), image.device)(image[None])[0]
    return (plain * 255).round().byte()


@torch.inference_mode()
def feature_maps(network: Network, map_layer: MapLayer, image: Tensor) -> Tensor:
    """Computes the maps of a layer for a picture. The network stays unchanged; the caller holds a semaphore slot.

    Args:
        network: Network to look into.
        map_layer: Layer.
        image: 8-bit values, (C, height, width), as the network sees them before normalisation.

    Returns:
        Maps, float32, (channels, rows, columns).

    Raises:
        InputError: If the maps are not finite.
    """
    module, hook_point = with_hook_point(network.module, map_layer)
    outputs: list[Tensor] = []
    hook_point.register_forward_hook(lambda _hook_point, _inputs, maps: outputs.append(maps[0].clone()))
    module(Normalise(network.card.inputs, image.device)(image[None]))
    maps = outputs[0]
    check_numbers(maps, network.card)
    return maps


def channel_strengths(maps: Tensor) -> Tensor:
    """Returns the strength of each channel, (channels,): the mean of its absolute values."""
    return maps.abs().mean((1, 2))


class Filters(NamedTuple):
    """Weights of the first layer as pictures.

    Attributes:
        weights: Weights, float32, (filters, channels, rows, columns).
        layer: Name of the layer.
    """

    weights: Tensor
    layer: str


def filters(network: Network) -> Filters:
    """Returns the first layer's weights: a convolution's kernels, or one picture for each unit of a linear layer.

    Raises:
        InputError: If the first layer is neither.
    """
    spec = network.card.network_spec
    picture = spec.input_shape
    for name, module in network.module.named_modules():
        if isinstance(module, nn.Conv2d) and module.in_channels == spec.in_channels:
            return Filters(module.weight.detach(), name)
        if isinstance(module, nn.Linear) and module.in_features == picture[0] * picture[1] * picture[2]:
            return Filters(module.weight.detach().view(-1, *picture), name)
    raise InputError(_("no convolution or linear layer of this network reads the picture itself"))


def weights_to_pixels(weights: Tensor, *, each: bool) -> Tensor:
    """Converts weights to 8-bit pictures with zero as middle grey: uint8, (filters, channels, rows, columns).

    Args:
        weights: Weights, (filters, channels, rows, columns).
        each: Whether to scale each filter by its own largest weight. Otherwise by the largest weight of the layer.
    """
    most = weights.abs().amax((1, 2, 3), keepdim=True) if each else weights.abs().max()
    share = weights / most.clamp_min(torch.finfo(weights.dtype).tiny)
    return (127.5 + 127.5 * share).round().byte()


class Window(NamedTuple):
    """The receptive field of a unit: its first and last row and column. It may reach beyond the border."""

    top: int
    bottom: int
    left: int
    right: int

    def within(self, size: Size) -> "Window | None":
        """Returns the part inside a picture. None if all of it is padding."""
        bottom, right = min(self.bottom, size.height - 1), min(self.right, size.width - 1)
        part = Window(max(self.top, 0), bottom, max(self.left, 0), right)
        return part if min(part.size) > 0 else None

    @property
    def size(self) -> Size:
        """Number of rows and columns."""
        return Size(self.bottom - self.top + 1, self.right - self.left + 1)


def window(field: ReceptiveField, row: int, column: int) -> Window:
    """Computes the pixels that a unit can depend on. Exact away from the border.

    Source: the closed form of Araujo et al. 2019.
    """
    across = field.columns or (field.size, field.stride, field.padding)
    top, left = row * field.stride - field.padding, column * across[1] - across[2]
    return Window(top, top + field.size - 1, left, left + across[0] - 1)
