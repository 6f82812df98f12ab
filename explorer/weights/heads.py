"""Converts trained dense heads to convolutions, and networks to another image size.

A linear layer on a 7x7 map equals a 7x7 convolution with the same weights (Simonyan and Zisserman 2015, section 3.2).
At the training size it gives the same scores. On larger images the convolution slides, and the scores of all positions
are averaged.
"""

from torch import Tensor

from explorer.errors import InputError
from explorer.families import Spec
from explorer.families.building import tensor_shapes
from explorer.i18n import _
from explorer.specs.size import MAX_IMAGE, Size, height_width
from explorer.weights.files import Card

MAX_SIDE = 1024  # pixels; VGG-16's maps for such an image take a gigabyte


def has_dense_head(spec: Spec) -> bool:
    """Returns whether a network has a dense head that can be converted to convolutions."""
    try:
        spec.with_convolutional_head()
    except InputError:
        return False
    return spec.dense_map is not None and spec.dense_map[1].area > 1


def with_convolutions(tensors: dict[str, Tensor], card: Card) -> tuple[dict[str, Tensor], Card]:
    """Converts the dense head of weights to convolutions. The scores at the card's image size stay the same.

    Raises:
        InputError: As in ``Spec.with_convolutional_head``.
    """
    spec = card.network_spec.with_convolutional_head()
    shapes = tensor_shapes(spec)
    converted = {name: tensor.reshape(shapes[name]) for name, tensor in tensors.items()}
    made_by = card.made_by | {"head": "linear layers as convolutions"}
    return converted, card.model_copy(update={"spec": spec.to_dict(), "made_by": made_by})


def at_size(card: Card, size: int | Size | None) -> Card:
    """Returns the card for the same weights and another image size.

    Args:
        card: Card of the weights.
        size: Size of the images in pixels. None returns the card unchanged.

    Raises:
        InputError: If the network can't take images of that size with these weights.
    """
    spec, inputs = card.network_spec, card.inputs
    if size is None or size == spec.image_size:
        return card
    limit = min(max(MAX_SIDE, *spec.sides), MAX_IMAGE)
    if not all(1 <= side <= limit for side in height_width(size)):
        raise InputError(_("image_size: {value} is not between 1 and {limit} pixels").format(value=size, limit=limit))
    if inputs.permutation_seed is not None:
        raise InputError(_("image_size: the pixels of its images are shuffled, which fixes their number"))
    resized = spec.at_size(size)
    if tensor_shapes(resized) != tensor_shapes(spec):
        raise InputError(
            _("image_size: {value} is not the size that its weights are for, {size}").format(
                value=size, size=spec.image_size
            )
        )
    resize = inputs.resize
    if resize is not None:  # the crop shows the same part of the image
        longer = max(height_width(size))
        resize = max(round(resize * longer / max(inputs.sides)), longer)
    preprocessing = inputs._replace(size=resized.image_size, resize=resize).to_dict()
    return card.model_copy(update={"spec": resized.to_dict(), "preprocessing": preprocessing})
