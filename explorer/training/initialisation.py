"""Initial weights of a training run."""

import math
from typing import Literal

import torch
from torch import nn

RELU_GAIN = math.sqrt(2)
NORMAL_STD = 0.01  # standard deviation: Krizhevsky et al. 2012, section 5


def initialise(network: nn.Module, how: Literal["default", "he", "he_conv", "normal"], gain: float = RELU_GAIN) -> None:
    """Initialises the weights from torch's global generator. Biases become 0, batch norms the identity.

    Args:
        network: Network. Changed in place.
        how: Method. ``default`` keeps PyTorch's initialisation. ``he`` is N(0, gain² / fan) (He et al. 2015,
            section 2.2), with the fan-out for a convolution, so that gradients keep their size, and the fan-in for a
            linear layer, which may have as few outputs as there are classes. ``normal`` is N(0, 0.01). ``he_conv`` is
            ``he`` for convolutions and ``normal`` for linear layers, as torchvision initialises its VGG.
        gain: Gain of the network's activation function, for ``he`` and the convolutions of ``he_conv``.
    """
    if how == "default":
        return
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            if how == "normal" or (how == "he_conv" and isinstance(module, nn.Linear)):
                nn.init.normal_(module.weight, std=NORMAL_STD)
            else:
                mode: Literal["fan_in", "fan_out"] = "fan_out" if isinstance(module, nn.Conv2d) else "fan_in"
                nn.init.kaiming_normal_(module.weight, mode=mode, nonlinearity="relu")
                if gain != RELU_GAIN:
                    with torch.no_grad():
                        module.weight.mul_(gain / RELU_GAIN)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d) and module.affine:
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
