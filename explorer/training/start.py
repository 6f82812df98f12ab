"""Starting weights: tensors that fit are loaded, and a head for other classes is newly initialised."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from torch import nn

from explorer.data.preprocessing import Preprocessing
from explorer.errors import InputError
from explorer.families import Spec
from explorer.families.building import AUXILIARY, build, fill, tensor_shapes
from explorer.i18n import _
from explorer.recipes.recipe import Recipe
from explorer.training.freezing import freeze
from explorer.weights.files import read, read_card
from explorer.weights.registry import find

Shapes = Mapping[str, tuple[int, ...]]


class TensorMatch(NamedTuple):
    """The tensors that a network can load from weights.

    Attributes:
        loadable: Names of the tensors that the network can load.
        notes: Sentences about what is left out.
    """

    loadable: frozenset[str]
    notes: tuple[str, ...]


def load_starting_weights(network: nn.Module, weights: str) -> list[str]:
    """Loads the weights of a file into a network, except last layers with another number of classes.

    Returns:
        Sentences about what was left out.

    Raises:
        InputError: If the file is missing or belongs to another network. Names the tensor and both shapes.
    """
    path = find(weights)
    tensors, _card = read(path)
    found = match_tensors(network, {name: tuple(tensor.shape) for name, tensor in tensors.items()}, str(path))
    notes = list(found.notes)
    loaded = {}
    for name in sorted(found.loadable):
        if tensors[name].isnan().all():  # torchvision's VGG16_Weights.IMAGENET1K_FEATURES ends with such layers
            notes.append(_("{name} is initialised anew: the weights hold no numbers for it.").format(name=name))
        elif not tensors[name].isfinite().all():
            raise InputError(
                _("weights: {name} in {file} holds numbers that are not finite").format(name=name, file=path)
            )
        else:
            loaded[name] = tensors[name]
    fill(network, loaded, strict=False)
    return notes


def match_tensors(network: nn.Module, shapes: Shapes, source: str) -> TensorMatch:
    """Returns which tensors a network can load, by their names and shapes alone.

    Args:
        network: Network to start from the weights. It may be on the meta device.
        shapes: Shapes of the tensors by name.
        source: Name of the weights for messages.

    Raises:
        InputError: If the weights belong to another network. Names the tensor and both shapes.
    """
    own = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    last = last_layers(network)
    loadable, notes = set(), dict[str, None]()
    for name in sorted(own.keys() | shapes.keys()):
        layer, top = name.rpartition(".")[0], name.partition(".")[0]
        if AUXILIARY.fullmatch(top) and not (name in own and name in shapes):
            notes[
                _("The auxiliary head {head} is initialised anew: the weights have none.").format(head=top)
                if name in own
                else _("The auxiliary head {head} of the weights is left out: the network has none.").format(head=top)
            ] = None
        elif name not in shapes:
            raise InputError(
                _("weights: {file} has no tensor {name}: it belongs to another network").format(file=source, name=name)
            )
        elif name not in own:
            raise InputError(
                _(
                    "weights: {file} has a tensor {name} that the network doesn't have: it belongs to another network"
                ).format(file=source, name=name)
            )
        elif own[name] == shapes[name]:
            loadable.add(name)
        elif layer in last and own[name][1:] == shapes[name][1:]:
            notes[
                _(
                    "The last layer {name} is initialised anew: the weights are for {theirs:,} classes, the data has "
                    "{ours:,}."
                )
                .format(name=layer, theirs=shapes[name][0], ours=own[name][0])
            ] = None  # fmt: skip
        else:
            raise InputError(
                _("weights: {name} is {found} in {file}, and {needed} in the network").format(
                    name=name, found=shapes[name], file=source, needed=own[name]
                )
            )
    return TensorMatch(frozenset(loadable), tuple(notes))


def last_layers(network: nn.Module) -> frozenset[str]:
    """Returns the names of the layers that output logits: of the main head and of each auxiliary head."""
    heads: dict[str, str] = {}  # the last layer of each head
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            top = name.partition(".")[0]
            heads[top if AUXILIARY.fullmatch(top) else ""] = name
    return frozenset(heads.values())


@lru_cache(maxsize=512)
def match_specs(spec: Spec, source_spec: Spec, source: str) -> TensorMatch:
    """Returns which tensors a network can load from another network's weights, by the two specs alone.

    Args:
        spec: Spec of the network to start from the weights.
        source_spec: Spec of the network that the weights belong to.
        source: Name of the weights for messages.

    Raises:
        InputError: If the weights belong to another network. Names the tensor and both shapes.
    """
    return match_tensors(build(spec, "meta"), tensor_shapes(source_spec), source)


@lru_cache(maxsize=512)
def trainable(spec: Spec, frozen: tuple[str, ...]) -> int:
    """Returns the number of parameters that train while parts are frozen, auxiliary heads included.

    Raises:
        InputError: If a name holds no parameters, or nothing is left to train.
    """
    sizes = _sizes(spec)
    frozen_names = [{name for name in sizes if f"{name}.".startswith(f"{part}.")} for part in frozen]
    if not all(frozen_names) or len(set().union(*frozen_names)) == len(sizes):
        freeze(build(spec, "meta"), frozen)  # raises the error
    return sum(size for name, size in sizes.items() if not any(name in names for names in frozen_names))


@lru_cache(maxsize=256)
def _sizes(spec: Spec) -> Mapping[str, int]:
    """Returns the size of each parameter. Cached, because a page asks about many choices of frozen parts."""
    return {name: parameter.numel() for name, parameter in build(spec, "meta").named_parameters()}


def check(spec: Spec, recipe: Recipe) -> None:
    """Checks before training that a recipe's starting weights and frozen parts belong to a network.

    Raises:
        InputError: If they don't. Names the tensor or the part.
    """
    if recipe.weights is not None:
        path = find(recipe.weights)
        match_specs(spec, read_card(path).network_spec, str(path))
    trainable(spec, recipe.freeze)


def starting_preprocessing(recipe: Recipe) -> Preprocessing | None:
    """Returns the preprocessing with which the starting weights were trained. None without starting weights.

    Raises:
        InputError: If the weights are missing.
    """
    return None if recipe.weights is None else read_card(find(recipe.weights)).inputs
