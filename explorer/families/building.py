"""Builds networks from specs; each family's ``network`` module does the work."""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import lru_cache
from types import ModuleType
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from explorer.errors import InputError, shown
from explorer.families import Spec
from explorer.families.registry import required_part
from explorer.i18n import _

# Names of heads that run only in training; torchvision calls that of inception_v3 AuxLogits.
AUXILIARY = re.compile(r"aux[0-9]+|AuxLogits")


def build(spec: Spec, device: str | torch.device = "cpu") -> nn.Module:
    """The network of a spec, in training mode, initialised as PyTorch does; (N, C, H, W) to (N, classes).

    Args:
        spec: Spec of the network.
        device: Device of the tensors; ``meta`` allocates and initialises nothing.

    Raises:
        SpecError: If torchvision can't build the model.
    """
    builder = cast(Callable[[Any], nn.Module], _family(spec).build)
    with torch.device(device):
        if torch.device(device).type != "meta":
            return builder(spec)
        with _NoInitialisation():
            return builder(spec)


class _NoInitialisation(TorchFunctionMode):
    """Skips what fills tensors on the meta device: they have no numbers, and it takes half the time of a build."""

    _FILLING = frozenset(
        {nn.init.uniform_, nn.init.normal_, nn.init.constant_, nn.init.kaiming_uniform_}
        | {Tensor.uniform_, Tensor.normal_, Tensor.fill_, Tensor.zero_}
        | {Tensor.erfinv_, Tensor.mul_, Tensor.add_, Tensor.clamp_}  # steps of nn.init.trunc_normal_
    )

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in self._FILLING:
            tensor = args[0] if args else kwargs["tensor"]
            if tensor.is_meta:
                return tensor
        return func(*args, **(kwargs or {}))


@lru_cache(maxsize=512)
def tensor_shapes(spec: Spec) -> Mapping[str, tuple[int, ...]]:
    """Shapes of the tensors of a network by name, with those of auxiliary heads.

    Raises:
        SpecError: If torchvision can't build the model.
    """
    return {name: tuple(tensor.shape) for name, tensor in build(spec, "meta").state_dict().items()}


def state_dict(network: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict of the tensors, with the layout version of each of the network's modules.

    Files store no versions, and torchvision's MNASNet can't load a state dict without them.
    """
    state = OrderedDict(tensors)
    state._metadata = network.state_dict()._metadata  # type: ignore[attr-defined]
    return state


def current_name(spec: Spec, name: str) -> str:
    """The name that a tensor has in our network; old files may have another name for it."""
    rename: Callable[[str], str] | None = getattr(_family(spec), "current_name", None)
    return rename(name) if rename else name


def shared_copy(network: nn.Module) -> nn.Module:
    """A copy that has modules of its own, for hooks, and shares the network's tensors. It can't be trained."""
    shared: dict[int, Tensor] = {
        id(one): nn.Parameter(one.detach(), requires_grad=False) for one in network.parameters()
    }
    shared |= {id(one): one for one in network.buffers()}
    return deepcopy(network, shared)


def fill(network: nn.Module, tensors: Mapping[str, Tensor], *, strict: bool = True, assign: bool = False) -> None:
    """Load tensors with the network's names and shapes into it.

    Args:
        network: Network to fill.
        tensors: Tensors by name.
        strict: Whether every tensor of the network is required.
        assign: Whether the network takes the tensors themselves instead of copies of their numbers.

    Raises:
        InputError: If the tensors don't fit the network.
    """
    try:
        network.load_state_dict(state_dict(network, tensors), strict=strict, assign=assign)
    except Exception as error:  # some networks of torchvision override loading and raise errors of other types
        wanted = network.state_dict()
        candidates = tensors if strict else wanted | {name: tensors[name] for name in tensors.keys() & wanted.keys()}
        reason = unfit(network, candidates) or _("PyTorch refuses them")
        raise InputError(_("the network does not take these tensors: {reason}").format(reason=reason)) from error


def unfit(network: nn.Module, tensors: Mapping[str, Tensor]) -> str | None:
    """The reason why tensors don't fit a network, as a message; None if they fit."""
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
            return integer_weights_message(name, tensors[name])
    return None


def integer_weights_message(name: str, tensor: Tensor) -> str:
    """The reason why a tensor of integers can't be weights, as a message."""
    return _("the tensor {name} holds whole numbers ({kind}); weights are floating-point numbers").format(
        name=shown(name), kind=str(tensor.dtype).removeprefix("torch.")
    )


def head_names(spec: Spec) -> tuple[str, ...]:
    """Names of the top-level modules after the last map of the feature extractor."""
    return cast(tuple[str, ...], _family(spec).HEAD)


def detach_auxiliary(network: nn.Module) -> dict[str, nn.Module]:
    """Remove the auxiliary heads, which run only in training, from a network and return them by name."""
    heads = {name: module for name, module in network.named_children() if AUXILIARY.fullmatch(name)}
    for name in heads:
        setattr(network, name, None)
    return heads


def attach_auxiliary(network: nn.Module, heads: dict[str, nn.Module]) -> None:
    """Put the auxiliary heads back into the network."""
    for name, module in heads.items():
        setattr(network, name, module)


def _family(spec: Spec) -> ModuleType:
    return required_part(spec.family, "network")
