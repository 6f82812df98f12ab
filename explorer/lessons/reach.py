"""The effective field of a unit on one picture, with random weights and with trained ones.

Source: Luo et al. 2016, Understanding the effective receptive field in deep convolutional neural networks.
"""

from functools import cache, lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from explorer.analysis.effective_field import GaussianFit, effective_field, effective_pixels, fit_gaussian
from explorer.data.preprocessing import Normalise, fitted
from explorer.errors import InputError, shown
from explorer.i18n import _
from explorer.prediction import gallery
from explorer.prediction.hooks import MapLayer, map_layers
from explorer.prediction.maps import Window, window
from explorer.prediction.networks import Network, shipped, with_random_weights
from explorer.prediction.pictures import Picture

NETWORK = "resnet20-cifar10"
SEED = 0  # of the random weights


class Measured(NamedTuple):
    """The effective field of a unit.

    Attributes:
        shares: Mean absolute gradient of each pixel as a share of the largest one, (side, side).
        pixels: Number of pixels that count as effective.
        fit: Fitted Gaussian; None if there is none.
    """

    shares: list[list[float]]
    pixels: int
    fit: GaussianFit | None


class Reach(NamedTuple):
    """The fields of the unit in the middle of a layer.

    Attributes:
        layer: Name of the layer.
        picture: Red, green and blue values of the picture as the network sees it, (side, side, 3).
        theory: The part of the theoretical field that is inside the picture.
        random: Field with random weights, before training.
        trained: Field with the trained weights.
    """

    layer: str
    picture: list[list[list[int]]]
    theory: Window
    random: Measured
    trained: Measured

    @property
    def seen(self) -> int:
        """Pixels of the theoretical field inside the picture."""
        rows, columns = self.theory.size
        return rows * columns


@cache
def layers() -> dict[str, MapLayer]:
    """Returns the first layer and the outputs of the blocks, by name, in the order in which they run."""
    network = shipped(NETWORK)
    found = map_layers(network.module, network.analysis)
    return {name: one for place, (name, one) in enumerate(found.items()) if not place or name.endswith(".add")}


def pixels_of(picture: Picture) -> bytes:
    """Returns the picture as the network reads it: bytes of (3, side, side).

    Raises:
        InputError: If the picture can't be read.
    """
    card = shipped(NETWORK).card
    return bytes(
        fitted(picture.original(card.network_spec.in_channels)[None], card.inputs)[0].byte().flatten().tolist()
    )


@lru_cache(maxsize=32)
def sample(name: str) -> bytes:
    """Returns a picture of the gallery as the network reads it.

    Raises:
        InputError: If there is no picture of this name.
    """
    return pixels_of(gallery.picture(name))


@lru_cache(maxsize=128)
def reach(layer: str, pixels: bytes) -> Reach:
    """Measures both fields. The caller holds a semaphore slot.

    Args:
        layer: Name of one of :func:`layers`.
        pixels: Picture from :func:`pixels_of`.

    Raises:
        InputError: If there is no such layer.
    """
    if layer not in layers():
        names = ", ".join(layers())
        raise InputError(_("layer: {value} is not one of {names}").format(value=shown(layer), names=names))
    network = shipped(NETWORK)
    size = network.card.inputs.sides
    image = torch.tensor(list(pixels), dtype=torch.uint8).view(-1, *size)
    place = layers()[layer]
    field = place.layer.field
    if field is None:
        raise InputError(_("layer: {name} has no receptive field").format(name=layer))
    whole = Window(0, size.height - 1, 0, size.width - 1)
    theory = window(field, place.shape[1] // 2, place.shape[2] // 2).within(size) or whole
    random, trained = (_measure(one, place, image.float()) for one in (with_random_weights(network, SEED), network))
    return Reach(layer, image.permute(1, 2, 0).tolist(), theory, random, trained)


def _measure(network: Network, place: MapLayer, image: Tensor) -> Measured:
    pixels = Normalise(network.card.inputs, image.device)(image[None])
    found = effective_field(network.module, pixels, place.module, call=place.call, shape=place.shape).absolute
    most = float(found.max()) or 1.0
    return Measured((found / most).tolist(), effective_pixels(found), fit_gaussian(found))
