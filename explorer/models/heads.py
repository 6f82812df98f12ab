"""Trained dense heads as convolutions, and networks that are asked about images of another size.

A linear layer over a map of 7x7 is a convolution of 7x7 with the same numbers (Simonyan and Zisserman 2015, section
3.2): at the size that it was trained at it gives the same scores, and on larger images it slides, and the scores of all
places are averaged.
"""

from torch import Tensor

from explorer.errors import InputError, SpecError
from explorer.i18n import _
from explorer.models import build
from explorer.models.weights import Card
from explorer.specs import Spec, VggSpec
from explorer.specs.base import MAX_IMAGE

LARGEST = 1024  # pixels a side: of such an image VGG-16 keeps a gigabyte of maps


def convolutional(spec: Spec) -> VggSpec:
    """The same network with a head of convolutions.

    Raises:
        InputError: where it has no dense head, or one that reads another map than the last.
    """
    if not isinstance(spec, VggSpec):
        raise InputError(
            _("head: a {family} has none of dense layers over a map; it takes images of any size as it is").format(
                family=spec.family
            )
        )
    if spec.head == "conv":
        raise InputError(_("head: it is one of convolutions already"))
    if spec.head_size != spec.map_size:
        raise InputError(
            _(
                "head: it reads a map of {head}×{head} that is pooled from {map}×{map}: as convolutions it would give "
                "other scores"
            ).format(head=spec.head_size, map=spec.map_size)
        )
    return spec.changed(head="conv", pool_to=spec.head_size)


def is_dense(spec: Spec) -> bool:
    """Whether a network has a head that can become one of convolutions."""
    return isinstance(spec, VggSpec) and spec.head == "linear" and spec.head_size == spec.map_size > 1


def with_convolutions(tensors: dict[str, Tensor], card: Card) -> tuple[dict[str, Tensor], Card]:
    """Weights whose dense head is one of convolutions, with the same scores at the size of the card.

    Raises:
        InputError: as :func:`convolutional` does.
    """
    spec = convolutional(card.network_spec)
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
    resized: Spec
    if isinstance(spec, VggSpec):
        resized = _resized(spec, size)
    else:
        resized = spec.changed(image_size=size)
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


def _resized(spec: VggSpec, size: int) -> VggSpec:
    if spec.head == "conv":
        return spec.changed(image_size=size, pool_to=spec.head_size)
    try:
        resized = spec.changed(image_size=size, in_features=None)
    except SpecError as error:
        raise InputError(_("image_size: {value} pixels are too few: {fault}").format(value=size, fault=error)) from None
    if resized.head_size != spec.head_size:
        raise InputError(
            _(
                "image_size: its dense head reads a map of {head}×{head}, and {map}×{map} arrive at {value} pixels; "
                "turn the head into convolutions first (python -m explorer weights convolve)"
            ).format(head=spec.head_size, map=resized.map_size, value=size)
        )
    return resized


def _shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in build(spec, "meta").state_dict().items()}
