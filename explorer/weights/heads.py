"""Trained dense heads as convolutions, and networks that are asked about images of another size.

A linear layer over a map of 7x7 is a convolution of 7x7 with the same numbers (Simonyan and Zisserman 2015, section
3.2): at the size that it was trained at it gives the same scores, and on larger images it slides, and the scores of all
places are averaged.
"""

from torch import Tensor

from explorer.errors import InputError
from explorer.families import Spec
from explorer.families.building import build
from explorer.i18n import _
from explorer.specs.base import MAX_IMAGE
from explorer.weights.files import Card

LARGEST = 1024  # pixels a side: of such an image VGG-16 keeps a gigabyte of maps


def is_dense(spec: Spec) -> bool:
    """Whether a network has a head that can become one of convolutions."""
    try:
        spec.with_convolutional_head()
    except InputError:
        return False
    return spec.dense_map is not None and spec.dense_map[1] > 1


def with_convolutions(tensors: dict[str, Tensor], card: Card) -> tuple[dict[str, Tensor], Card]:
    """Weights whose dense head is one of convolutions, with the same scores at the size of the card.

    Raises:
        InputError: as ``Spec.with_convolutional_head`` does.
    """
    spec = card.network_spec.with_convolutional_head()
    shapes = {name: tensor.shape for name, tensor in build(spec, "meta").state_dict().items()}
    turned = {name: tensor.reshape(shapes[name]) for name, tensor in tensors.items()}
    made_by = card.made_by | {"head": "linear layers as convolutions"}
    return turned, card.model_copy(update={"spec": spec.to_dict(), "made_by": made_by})


def at_size(card: Card, size: int | None) -> Card:
    """The card for images of another size, whose network has the same weights.

    Args:
        card: of the weights.
        size: side of the images in pixels; None leaves the card as it is.

    Raises:
        InputError: where the network can't take images of that size with these weights.
    """
    spec, inputs = card.network_spec, card.inputs
    if size in (None, spec.image_size):
        return card
    limit = min(max(LARGEST, spec.image_size), MAX_IMAGE)
    if not 1 <= size <= limit:
        raise InputError(_("image_size: {value} is not between 1 and {limit} pixels").format(value=size, limit=limit))
    if inputs.permutation_seed is not None:
        raise InputError(_("image_size: the pixels of its images are shuffled, which fixes their number"))
    resized = spec.at_size(size)
    if _shapes(resized) != _shapes(spec):
        raise InputError(
            _("image_size: {value} is not the size that its weights are for, {size}").format(
                value=size, size=spec.image_size
            )
        )
    preprocessing = inputs.to_dict() | {"size": size}
    if inputs.resize is not None:  # as much of the picture as before
        preprocessing["resize"] = max(round(inputs.resize * size / inputs.size), size)
    return card.model_copy(update={"spec": resized.to_dict(), "preprocessing": preprocessing})


def _shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in build(spec, "meta").state_dict().items()}
