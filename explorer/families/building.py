"""From a spec to a network: one file per family, under the names of ``explorer.specs``."""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, cast

import torch
from torch import Tensor, nn

from explorer.errors import InputError, shown
from explorer.families import Spec
from explorer.families.registry import part, parts
from explorer.i18n import _

# Heads that run in training only; torchvision calls inception_v3's AuxLogits.
AUXILIARY = re.compile(r"aux[0-9]+|AuxLogits")


def build(spec: Spec, device: str | torch.device = "cpu") -> nn.Module:
    """The network of a spec, in training mode, initialised as PyTorch does; (N, C, H, W) to (N, classes).

    On ``meta`` nothing is allocated and nothing initialised.

    Raises:
        SpecError: where torchvision can't build the model.
    """
    builder = cast(Callable[[Any], nn.Module], _family(spec).build)
    with torch.device(device):
        return builder(spec)


def state_dict(network: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors as the network's state dict, which says beside them of what version each module's layout is.

    Files keep tensors alone, and torchvision's MNASNet loads nothing without that version.
    """
    state = OrderedDict(tensors)
    state._metadata = network.state_dict()._metadata  # type: ignore[attr-defined]
    return state


def fill(network: nn.Module, tensors: Mapping[str, Tensor], *, strict: bool = True, assign: bool = False) -> None:
    """Load tensors that are named and shaped as the network's.

    Args:
        network: to be filled.
        tensors: by name.
        strict: whether each tensor of the network has to be there.
        assign: put the tensors themselves in, instead of copying their numbers.

    Raises:
        InputError: where the network does not take them.
    """
    try:
        network.load_state_dict(state_dict(network, tensors), strict=strict, assign=assign)
    except Exception as error:  # networks of torchvision have their own ways to load
        wanted = network.state_dict()
        asked = tensors if strict else wanted | {name: tensors[name] for name in tensors.keys() & wanted.keys()}
        reason = unfit(network, asked) or _("PyTorch refuses them")
        raise InputError(_("the network does not take these tensors: {reason}").format(reason=reason)) from error


def unfit(network: nn.Module, tensors: Mapping[str, Tensor]) -> str | None:
    """Why tensors are not those of a network, in words; None where they are."""
    wanted = network.state_dict()
    for name in wanted:
        if name not in tensors:
            return _("the tensor {name} is missing").format(name=name)
    for name in tensors:
        if name not in wanted:
            return _("the tensor {name} is not part of the network").format(name=name)
    for name, tensor in wanted.items():
        if tensors[name].shape != tensor.shape:
            return _("the tensor {name} is {found}, and the network's is {needed}").format(
                name=name, found=tuple(tensors[name].shape), needed=tuple(tensor.shape)
            )
        if tensor.is_floating_point() and not tensors[name].is_floating_point():
            return whole_numbers(name, tensors[name])
    return None


def whole_numbers(name: str, tensor: Tensor) -> str:
    """Why a tensor of integers can't be weights."""
    return _("the tensor {name} holds whole numbers ({kind}); weights are floating-point numbers").format(
        name=shown(name), kind=str(tensor.dtype).removeprefix("torch.")
    )


def head_names(spec: Spec) -> tuple[str, ...]:
    """Top-level modules that come after the last map of the feature extractor."""
    return cast(tuple[str, ...], _family(spec).HEAD)


def own_names() -> dict[str, str]:
    """The names of networks beside the presets, as ``resolve`` takes them, each with what it is called in lists.

    torchvision takes a second to import the first time.
    """
    found = (getattr(module, "own_names", None) for module in parts("network").values())
    return {name: title for names in found if names for name, title in names().items()}


def own_names_known() -> bool:
    """Whether :func:`own_names` answers at once."""
    asked = (getattr(module, "own_names_known", None) for module in parts("network").values())
    return all(known() for known in asked if known)


def detach_auxiliary(network: nn.Module) -> dict[str, nn.Module]:
    """Take the auxiliary heads off a network and return them by name; evaluation runs the same without."""
    heads = {name: module for name, module in network.named_children() if AUXILIARY.fullmatch(name)}
    for name in heads:
        setattr(network, name, None)
    return heads


def attach_auxiliary(network: nn.Module, heads: dict[str, nn.Module]) -> None:
    """Put the heads back."""
    for name, module in heads.items():
        setattr(network, name, module)


def _family(spec: Spec) -> ModuleType:
    module = part(spec.family, "network")
    assert module is not None  # noqa: S101  each family has one
    return module
