"""Networks of torchvision, and random weights that give different images different scores."""

import math

import torch
from torch import Tensor, nn
from torchvision import models

from explorer.weights.torchvision import TorchvisionWeights


def random_weights(network: nn.Module) -> dict[str, Tensor]:
    """Random weights that preserve the scale of activations, so that outputs differ between images."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            state[name] = torch.rand(tensor.shape, generator=generator) + 0.5
        elif tensor.dim() > 1:
            bound = math.sqrt(6 / tensor[0].numel())
            state[name] = torch.empty(tensor.shape).uniform_(-bound, bound, generator=generator)
        elif tensor.is_floating_point():
            state[name] = torch.rand(tensor.shape, generator=generator) * 0.5 + (0.5 if "weight" in name else 0)
        else:
            state[name] = torch.zeros(tensor.shape, dtype=tensor.dtype)
    return state


def theirs(source: TorchvisionWeights) -> torch.nn.Module:
    """torchvision's network on meta."""
    options = {"init_weights": False} if source.model == "googlenet" else {}
    with torch.device("meta"):
        network: torch.nn.Module = models.get_model(source.model, **options)
    return network.eval()
