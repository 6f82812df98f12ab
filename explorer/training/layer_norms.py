"""The gradient norm of each layer after a backward pass."""

from collections.abc import Mapping

import torch
from torch import nn


def weighted_modules(network: nn.Module) -> dict[str, nn.Module]:
    """Returns the convolutions and linear layers of a network by name, in the order of registration."""
    return {name: one for name, one in network.named_modules() if isinstance(one, nn.Conv2d | nn.Linear)}


def parameter_norms(network: nn.Module, modules: Mapping[str, nn.Module] | None = None) -> dict[str, float]:
    """Returns the L2 norm of the gradient of each layer's own parameters, by the layer's name.

    Args:
        network: Network after a backward pass.
        modules: Layers to measure; by default all with weights.
    """
    chosen = weighted_modules(network) if modules is None else modules
    norms = {
        name: nn.utils.get_total_norm(gradients)
        for name, one in chosen.items()
        if (gradients := [parameter.grad for parameter in one.parameters(recurse=False) if parameter.grad is not None])
    }
    # One transfer from the device for all layers. A frozen layer has no gradient.
    found = dict(zip(norms, torch.stack(list(norms.values())).tolist(), strict=True)) if norms else {}
    return {name: found.get(name, 0.0) for name in chosen}
