"""From a spec to a network: one file per family, under the names of ``explorer.specs``."""

import re
from collections.abc import Callable
from types import ModuleType
from typing import Any, cast

import torch
from torch import nn

from explorer.models import googlenet, resnet, vgg, zoo
from explorer.specs import Spec

FAMILIES: dict[str, ModuleType] = {"vgg": vgg, "resnet": resnet, "googlenet": googlenet, "torchvision": zoo}
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


def head_names(spec: Spec) -> tuple[str, ...]:
    """Top-level modules that come after the last map of the feature extractor."""
    return cast(tuple[str, ...], _family(spec).HEAD)


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
    return FAMILIES[spec.family]
