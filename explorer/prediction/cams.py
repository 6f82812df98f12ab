"""Class activation maps: which places of a picture speak for a class, as a layer sees it."""

from enum import StrEnum
from importlib import import_module

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from explorer.data.preprocessing import Normalise
from explorer.errors import InputError
from explorer.i18n import _
from explorer.prediction.checks import check_class, check_numbers
from explorer.prediction.hooks import Place, tapped
from explorer.prediction.networks import Network

MEMORY = 2_000_000_000  # bytes of activations that are kept for the backward pass
EIGEN_SIDE = 32  # the library's decomposition takes memory of the fourth power of a map's side


class Method(StrEnum):
    """How the maps of a layer are weighed; the values stand in links."""

    GRADCAM = "gradcam"
    GRADCAM_PLUS_PLUS = "gradcam-plus-plus"
    HIRESCAM = "hirescam"
    LAYERCAM = "layercam"
    EIGENCAM = "eigencam"

    @property
    def of_class(self) -> bool:
        """Whether the map is that of one class; else it is the same for all."""
        return self is not Method.EIGENCAM


def warm() -> None:
    """Import what the maps are made with, which takes seconds the first time: to be called before a turn is held."""
    import_module("pytorch_grad_cam")


def cam(network: Network, place: Place, seen: Tensor, index: int, method: Method = Method.GRADCAM) -> Tensor:
    """The class activation map of one picture, by pytorch_grad_cam, of the class's score before the softmax.

    The network stays as it is. Who calls holds a turn.

    Args:
        network: that is explained.
        place: the layer.
        seen: 8-bit values, (C, size, size), as the network sees them before they are normalised.
        index: of the class.
        method: of weighing.

    Returns:
        float32, (size, size), from 0 to 1: 0 at the place that speaks least for the class, 1 at that which speaks
        most. All are 0 where no place speaks for it, or all speak alike. A permutation of the pixels is not undone.

    Raises:
        InputError: where there is no such class, where the gradients would take too much memory, where they are no
            numbers.
    """
    import pytorch_grad_cam as library
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    check_class(index, network.card)
    _check_memory(network, place)
    module, tap = tapped(network.module, place)
    classes = {
        Method.GRADCAM: library.GradCAM,
        Method.GRADCAM_PLUS_PLUS: library.GradCAMPlusPlus,
        Method.HIRESCAM: library.HiResCAM,
        Method.LAYERCAM: library.LayerCAM,
        Method.EIGENCAM: library.EigenCAM,
    }
    maker = classes[method](module, [tap], reshape_transform=None if method.of_class else _small)
    with torch.set_grad_enabled(method.of_class):
        images = Normalise(network.card.inputs, seen.device)(seen[None])
        heat = torch.from_numpy(maker(images, [ClassifierOutputTarget(index)]))[0]
    check_numbers(heat, network.card)
    return heat.clamp(0, 1)


def _small(maps: Tensor) -> Tensor:
    """Maps averaged down to a side that the decomposition can take."""
    return adaptive_avg_pool2d(maps, (min(maps.shape[-2], EIGEN_SIDE), min(maps.shape[-1], EIGEN_SIDE)))


def _check_memory(network: Network, place: Place) -> None:
    layers = network.analysis.layers
    behind = layers[[layer.name for layer in layers].index(place.layer.name) :]
    needed = sum(layer.activation_bytes for layer in behind)
    if needed > MEMORY:
        raise InputError(
            _(
                "layer: from {name} on a gradient takes {needed:.1f} GB, and {limit:.1f} is allowed; take a later one"
            ).format(name=place.layer.name, needed=needed / 1e9, limit=MEMORY / 1e9)
        )
