"""Gradient norms along the depth of plain and residual networks with random weights, as the first step sees them."""

import math
from functools import lru_cache
from typing import NamedTuple

from explorer.families import PRESETS, Spec
from explorer.training.gradient_norms import GradientNorms, Init, initial_gradient_norms

IMAGE = {"image_size": 16, "num_classes": 10}
WIDTHS = (8, 16, 32)
BATCH = 8
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def amount(value: float) -> str:
    """Returns a positive number with two or three digits, a small one as a power of ten."""
    if value >= 100 or value == 0:
        return f"{value:,.0f}"
    if value >= 0.001:
        return f"{value:.3g}"
    exponent = math.floor(math.log10(value))
    return f"{value / 10.0**exponent:.1f}·10{str(exponent).translate(SUPERSCRIPTS)}"


class Setting(NamedTuple):
    """What is chosen for the network.

    Attributes:
        depth: Layers with weights: 8, 20, 56 and so on, 2 more than a multiple of 6.
        activation: Name of the activation.
        batch_norm: Whether every convolution is followed by batch norm.
        init: Initialisation, as in a recipe.
        seed: Seed of the weights and images.
    """

    depth: int
    activation: str
    batch_norm: bool
    init: Init
    seed: int


def network(setting: Setting, *, residual: bool) -> Spec:
    """Returns the spec of the plain or the residual network."""
    blocks = (setting.depth - 2) // 6
    return PRESETS["resnet20"].spec.changed(
        blocks=[blocks] * len(WIDTHS), widths=list(WIDTHS), residual=residual, batch_norm=setting.batch_norm,
        activation=setting.activation, **IMAGE,
    )  # fmt: skip


@lru_cache(maxsize=64)
def norms(setting: Setting, *, residual: bool) -> GradientNorms:
    """Computes the gradient norms of one of the networks.

    Raises:
        InputError: If the gradient is not finite.
    """
    spec = network(setting, residual=residual)
    return initial_gradient_norms(spec, init=setting.init, seed=setting.seed, batch=BATCH)
