"""Gradient norms along the depth of plain and residual networks with random weights, as the first step sees them."""

import math
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from explorer.families import PRESETS, Spec
from explorer.training.gradient_norms import GradientNorms, Init, initial_gradient_norms, initial_network

IMAGE = {"image_size": 16, "num_classes": 10}
WIDTHS = (8, 16, 32)
BATCH = 8
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def signed(value: float) -> str:
    """Returns a slope with three decimals and a minus sign that is as long as a plus."""
    return f"{value:.3f}".replace("-", "−")


def amount(value: float) -> str:
    """Returns a positive number with two or three digits, a small one as a power of ten."""
    if value >= 100 or value == 0:
        return f"{value:,.0f}"
    if value >= 0.001:
        return f"{value:.3g}"
    exponent = math.floor(math.log10(value))
    return f"{value / 10.0**exponent:.1f}·10{str(exponent).translate(SUPERSCRIPTS)}"


class NetworkOptions(NamedTuple):
    """Options of the plain and the residual network.

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


def network(options: NetworkOptions, *, residual: bool) -> Spec:
    """Returns the spec of the plain or the residual network."""
    blocks = (options.depth - 2) // 6
    return PRESETS["resnet20"].spec.changed(
        blocks=[blocks] * len(WIDTHS), widths=list(WIDTHS), residual=residual, batch_norm=options.batch_norm,
        activation=options.activation, **IMAGE,
    )  # fmt: skip


@lru_cache(maxsize=64)
def norms(options: NetworkOptions, *, residual: bool) -> GradientNorms:
    """Computes the gradient norms of one of the networks.

    Raises:
        InputError: If the gradient is not finite.
    """
    spec = network(options, residual=residual)
    return initial_gradient_norms(spec, init=options.init, seed=options.seed, batch=BATCH)


class Slope(NamedTuple):
    """How a residual block changes along one direction, chosen by lot: H′ = F′ + 1.

    Attributes:
        block: Name of the block.
        inner: Slope of F, the block without its shortcut.
        outer: Slope of H, with it, as PyTorch computes it; not the sum of the other two numbers.
    """

    block: str
    inner: float
    outer: float


@lru_cache(maxsize=64)
def slope(options: NetworkOptions) -> Slope:
    """Measures the slopes of the residual network's middle block, among those whose shortcut is the identity."""
    spec = network(options, residual=True)
    module = initial_network(spec, options.init, options.seed)
    names = [name for name, _module in module.named_modules()]
    blocks = [name.removesuffix(".add") for name in names if name.endswith(".add")]
    blocks = [name for name in blocks if f"{name}.downsample" not in names]
    block = blocks[len(blocks) // 2]
    found: dict[str, Tensor] = {}

    def begin(_module: object, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        found["x"] = inputs[0].detach().requires_grad_()
        return (found["x"],)

    def end(_module: object, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        # Copies, because the activation that follows may work in place.
        found["F"], found["H"] = inputs[0].clone(), output.clone()

    module.get_submodule(block).register_forward_pre_hook(begin)
    module.get_submodule(f"{block}.add").register_forward_hook(end)
    random = torch.Generator().manual_seed(options.seed)
    images = torch.randn(BATCH, *spec.input_shape, generator=random)
    with torch.enable_grad():
        module(images)
        direction = torch.randn(found["x"].shape, generator=random, dtype=torch.float32)
        direction /= direction.norm()
        inner, outer = (
            float((torch.autograd.grad(found[name], found["x"], direction, retain_graph=True)[0] * direction).sum())
            for name in ("F", "H")
        )
    return Slope(block, inner, outer)
