"""Class activation maps: the places of a picture that support a class, as a layer sees it."""

from enum import StrEnum
from importlib import import_module

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from explorer.data.preprocessing import Normalise
from explorer.errors import InputError
from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.prediction.checks import check_class, check_numbers
from explorer.prediction.hooks import MapLayer, with_hook_point
from explorer.prediction.networks import Network

MAX_ACTIVATION_BYTES = 2_000_000_000  # for the backward pass
EIGEN_SIDE = 32  # the memory of the library's decomposition grows with the fourth power of a map's side


class Method(StrEnum):
    """The weighting of a layer's maps. The values occur in links."""

    GRADCAM = "gradcam"
    GRADCAM_PLUS_PLUS = "gradcam-plus-plus"
    HIRESCAM = "hirescam"
    LAYERCAM = "layercam"
    EIGENCAM = "eigencam"

    @property
    def is_class_specific(self) -> bool:
        """Whether the map belongs to one class. Otherwise it is the same for all classes."""
        return self is not Method.EIGENCAM


def import_library() -> None:
    """Imports pytorch_grad_cam, which takes seconds. Call it before you take a semaphore slot."""
    import_module("pytorch_grad_cam")


def cam(network: Network, map_layer: MapLayer, image: Tensor, index: int, method: Method = Method.GRADCAM) -> Tensor:
    """Computes the class activation map of a picture, for the class's score before the softmax, with pytorch_grad_cam.

    The network stays unchanged. The caller holds a semaphore slot.

    Args:
        network: Network to explain.
        map_layer: Layer.
        image: 8-bit values, (C, height, width), as the network sees them before normalisation.
        index: Position of the class.
        method: Weighting of the maps.

    Returns:
        Map, float32, (height, width), from 0 at the place with the least support for the class to 1 at the place with
        the most. All values are 0 if no place supports it, or all places equally. A permutation of the pixels is not
        undone.

    Raises:
        InputError: If there is no such class, the gradients would take too much memory, or they are not finite.
    """
    import pytorch_grad_cam as library
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    check_class(index, network.card)
    _check_memory(network, map_layer)
    module, hook_point = with_hook_point(network.module, map_layer)
    classes = {
        Method.GRADCAM: library.GradCAM,
        Method.GRADCAM_PLUS_PLUS: library.GradCAMPlusPlus,
        Method.HIRESCAM: library.HiResCAM,
        Method.LAYERCAM: library.LayerCAM,
        Method.EIGENCAM: library.EigenCAM,
    }
    compute = classes[method](module, [hook_point], reshape_transform=None if method.is_class_specific else _small)
    with torch.set_grad_enabled(method.is_class_specific):
        images = Normalise(network.card.inputs, image.device)(image[None])
        heat = torch.from_numpy(compute(images, [ClassifierOutputTarget(index)]))[0]
    check_numbers(heat, network.card)
    return heat.clamp(0, 1)


def _small(maps: Tensor) -> Tensor:
    """Averages maps down to a side that the decomposition can handle."""
    return adaptive_avg_pool2d(maps, (min(maps.shape[-2], EIGEN_SIDE), min(maps.shape[-1], EIGEN_SIDE)))


def _check_memory(network: Network, map_layer: MapLayer) -> None:
    layers = network.analysis.layers
    first = [layer.name for layer in layers].index(map_layer.layer.name)
    needed = sum(layer.activation_bytes for layer in layers[first:])
    if needed > MAX_ACTIVATION_BYTES:
        raise InputError(
            _(
                "layer: a gradient at {name} takes {needed}, and at most {limit} are allowed; choose a later layer"
            ).format(name=map_layer.layer.name, needed=bytes_short(needed), limit=bytes_short(MAX_ACTIVATION_BYTES))
        )
