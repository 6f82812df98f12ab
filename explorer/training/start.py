"""Starting weights: what fits is taken over, a head for other classes stays new."""

from torch import nn

from explorer.errors import InputError
from explorer.i18n import _
from explorer.models import AUXILIARY, fill
from explorer.models.library import find
from explorer.models.weights import read


def start_from(network: nn.Module, weights: str) -> list[str]:
    """Give a network the weights of a file, except for last layers that have another number of classes.

    Returns:
        What was left out, in words.

    Raises:
        InputError: where the file is not there or belongs to another network; names the tensor and both shapes.
    """
    path = find(weights)
    tensors, _card = read(path)
    own = network.state_dict()
    heads = {name for name in own if _is_last(network, name)}
    notes = []
    for name in sorted(own.keys() | tensors.keys()):
        if AUXILIARY.fullmatch(name.partition(".")[0]) and not (name in own and name in tensors):
            tensors.pop(name, None)
        elif name not in tensors:
            raise InputError(
                _("weights: {file} has no tensor {name}: it belongs to another network").format(file=path, name=name)
            )
        elif name not in own:
            raise InputError(
                _("weights: {file} has a tensor {name} that the network has not: it belongs to another one").format(
                    file=path, name=name
                )
            )
        elif own[name].shape != tensors[name].shape:
            if name not in heads:
                raise InputError(
                    _("weights: {name} is {found} in {file}, and {needed} in the network").format(
                        name=name, found=tuple(tensors[name].shape), file=path, needed=tuple(own[name].shape)
                    )
                )
            del tensors[name]
            notes.append(_("{name} starts anew: the weights are for other classes.").format(name=name))
        elif tensors[name].isnan().all():  # torchvision's VGG16_Weights.IMAGENET1K_FEATURES ends with such layers
            del tensors[name]
            notes.append(_("{name} starts anew: the weights hold no numbers for it.").format(name=name))
        elif not tensors[name].isfinite().all():
            raise InputError(
                _("weights: {name} in {file} holds numbers that are not finite").format(name=name, file=path)
            )
    fill(network, tensors, strict=False)
    return notes


def _is_last(network: nn.Module, name: str) -> bool:
    """Whether a tensor belongs to the layer that gives the logits, of the main head or of an auxiliary one."""
    module = name.rpartition(".")[0]
    top = name.partition(".")[0]
    layers = [
        other
        for other, layer in network.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv2d)
        and (
            other.partition(".")[0] == top
            if AUXILIARY.fullmatch(top)
            else not AUXILIARY.fullmatch(other.partition(".")[0])
        )
    ]
    return bool(layers) and layers[-1] == module
