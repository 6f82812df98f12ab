"""What layers make of a picture: feature maps, first-layer filters, and what a unit sees."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from explorer.analysis import Field
from explorer.data.preprocessing import Normalise, Preprocessing
from explorer.errors import InputError
from explorer.i18n import _
from explorer.prediction.checks import check_numbers
from explorer.prediction.hooks import Place, tapped
from explorer.prediction.networks import Network


def as_read(seen: Tensor, inputs: Preprocessing) -> Tensor:
    """The pixels in the order in which the network reads them: uint8, (C, size, size)."""
    plain = Normalise(inputs._replace(mean=(0.0,), std=(1.0,)), seen.device)(seen[None])[0]
    return (plain * 255).round().byte()


@torch.inference_mode()
def feature_maps(network: Network, place: Place, seen: Tensor) -> Tensor:
    """What a layer makes of a picture. The network stays as it is; who calls holds a turn.

    Args:
        network: that is looked into.
        place: the layer.
        seen: 8-bit values, (C, size, size), as the network sees them before they are normalised.

    Returns:
        float32, (channels, rows, columns).

    Raises:
        InputError: where the network gives no numbers.
    """
    module, tap = tapped(network.module, place)
    kept: list[Tensor] = []
    tap.register_forward_hook(lambda _tap, _inputs, maps: kept.append(maps[0].clone()))
    module(Normalise(network.card.inputs, seen.device)(seen[None]))
    maps = kept[0]
    check_numbers(maps, network.card)
    return maps


def strength(maps: Tensor) -> Tensor:
    """How strongly channels answer: the mean of the absolute values, (channels,)."""
    return maps.abs().mean((1, 2))


def between(values: Tensor, *, each: bool) -> Tensor:
    """Values scaled to run from 0, the least, to 1, the greatest.

    Args:
        values: (channels, rows, columns).
        each: whether every channel has a scale of its own; else all have one.
    """
    over = (1, 2) if each else (0, 1, 2)
    least, most = values.amin(over, keepdim=True), values.amax(over, keepdim=True)
    return (values - least) / (most - least).clamp_min(torch.finfo(values.dtype).tiny)


class Filters(NamedTuple):
    """Weights of the first layer as pictures.

    Attributes:
        weights: float32, (filters, channels, rows, columns).
        layer: its name.
    """

    weights: Tensor
    layer: str


def filters(network: Network) -> Filters:
    """The weights that meet the pixels: of a convolution its kernels, of a linear layer one picture for each unit.

    Raises:
        InputError: where neither reads the picture first.
    """
    spec = network.card.network_spec
    picture = (spec.in_channels, spec.image_size, spec.image_size)
    for name, module in network.module.named_modules():
        if isinstance(module, nn.Conv2d) and module.in_channels == spec.in_channels:
            return Filters(module.weight.detach(), name)
        if isinstance(module, nn.Linear) and module.in_features == picture[0] * picture[1] * picture[2]:
            return Filters(module.weight.detach().view(-1, *picture), name)
    raise InputError(_("no convolution or linear layer of this network reads the picture itself"))


def around_zero(weights: Tensor, *, each: bool) -> Tensor:
    """Weights as 8-bit pictures, zero in the middle grey: uint8, (filters, channels, rows, columns).

    Args:
        weights: (filters, channels, rows, columns).
        each: whether every filter is scaled by its own greatest weight; else all by the greatest of the layer.
    """
    most = weights.abs().amax((1, 2, 3), keepdim=True) if each else weights.abs().max()
    share = weights / most.clamp_min(torch.finfo(weights.dtype).tiny)
    return (127.5 + 127.5 * share).round().byte()


class Window(NamedTuple):
    """What a unit sees: its first and last row and column, those beyond the border included."""

    top: int
    bottom: int
    left: int
    right: int

    def within(self, size: int) -> "Window | None":
        """The part that lies on a picture of ``size`` pixels a side; none where all of it is padding."""
        part = Window(max(self.top, 0), min(self.bottom, size - 1), max(self.left, 0), min(self.right, size - 1))
        return part if min(part.size) > 0 else None

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.bottom - self.top + 1, self.right - self.left + 1


def window(field: Field, row: int, column: int) -> Window:
    """The pixels that a unit can depend on, by the closed form (Araujo et al. 2019); exact away from the border."""
    across = field.columns or (field.size, field.stride, field.padding)
    top, left = row * field.stride - field.padding, column * across[1] - across[2]
    return Window(top, top + field.size - 1, left, left + across[0] - 1)
