"""Gradient norms layer by layer: how much of the loss's gradient arrives at each layer of a network."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from explorer.errors import InputError
from explorer.families import Spec
from explorer.families.building import AUXILIARY, build
from explorer.i18n import _
from explorer.specs.activation import activation_of
from explorer.training.initialisation import initialise
from explorer.training.layer_norms import weighted_modules
from explorer.training.loop import head_outputs

Init = Literal["default", "he", "he_conv", "normal"]
BATCH = 16  # images: enough for batch statistics, and 56 layers take less than a second


@dataclass(frozen=True, slots=True)
class LayerGradient:
    """The gradient at one layer with weights.

    Attributes:
        layer: Name of the layer.
        kind: Name of its class, such as ``Conv2d``.
        gradient: L2 norm of the loss's gradient with respect to its weight and bias.
        weight: L2 norm of its weight and bias.
        output: L2 norm of the loss's gradient with respect to its output, over the whole batch.
    """

    layer: str
    kind: str
    gradient: float
    weight: float
    output: float


@dataclass(frozen=True, slots=True)
class GradientNorms:
    """The gradients of all layers with weights, in the order in which they run, for one batch.

    Attributes:
        layers: Layers of the network, then those of auxiliary heads.
        loss: Mean loss of the batch, with the share of the auxiliary heads.
        total: L2 norm of the whole gradient.
    """

    layers: tuple[LayerGradient, ...]
    loss: float
    total: float

    @property
    def main(self) -> tuple[LayerGradient, ...]:
        """Layers of the network without those of auxiliary heads."""
        return tuple(one for one in self.layers if not _is_auxiliary(one.layer))

    @property
    def ratio(self) -> float:
        """Norm at the first layer's output divided by that at the last one's: far below 1 it vanishes."""
        first, last = self.main[0], self.main[-1]
        return first.output / last.output if last.output else math.nan

    def clipped(self, limit: float) -> Self:
        """The same norms after the whole gradient is scaled down to a largest norm, as ``clip_norm`` does.

        Args:
            limit: Largest L2 norm of the whole gradient.
        """
        factor = min(1.0, limit / self.total) if self.total else 1.0
        return replace(
            self,
            total=self.total * factor,
            layers=tuple(replace(one, gradient=one.gradient * factor) for one in self.layers),
        )


def gradient_norms(network: nn.Module, images: Tensor, labels: Tensor, *, aux_weight: float = 0.3) -> GradientNorms:
    """Computes the gradient norms of one batch. Gradients of the network's parameters are set to None afterwards.

    Args:
        network: Network, in the mode in which it is to run; training mode uses the batch's own statistics.
        images: Normalised images, (N, C, H, W).
        labels: Position of the class of each image, (N,).
        aux_weight: Factor of each auxiliary head's loss.

    Raises:
        InputError: If the gradient is not finite.
    """
    outputs: dict[str, list[Tensor]] = {}  # squared norms of the gradients of each layer's outputs, in running order

    def keep(name: str, _module: nn.Module, _inputs: object, output: Tensor) -> None:
        squares = outputs.setdefault(name, [])
        # retain_grad would give the gradient behind an in-place activation, a hook gives that of the output itself.
        output.register_hook(lambda gradient: squares.append(gradient.detach().double().square().sum()))

    modules = weighted_modules(network)
    handles = [module.register_forward_hook(partial(keep, name)) for name, module in modules.items()]
    try:
        main, *auxiliary = (cross_entropy(head, labels) for head in head_outputs(network(images)))
    finally:
        for handle in handles:
            handle.remove()
    loss = main + aux_weight * sum(auxiliary)
    network.zero_grad(set_to_none=True)
    loss.backward()
    layers = tuple(
        LayerGradient(
            name, type(modules[name]).__name__,
            _norm([one.grad for one in modules[name].parameters(recurse=False) if one.grad is not None]),
            _norm([one.detach() for one in modules[name].parameters(recurse=False)]),
            math.sqrt(sum(map(float, squares))),
        )
        for name, squares in sorted(outputs.items(), key=lambda one: _is_auxiliary(one[0]))
    )  # fmt: skip
    total = _norm([parameter.grad for parameter in network.parameters() if parameter.grad is not None])
    network.zero_grad(set_to_none=True)
    if not math.isfinite(total):
        raise InputError(_("gradient: it is not finite, because the maps or the loss are too large for 32 bits"))
    return GradientNorms(layers, loss.item(), total)


def _is_auxiliary(layer: str) -> bool:
    return AUXILIARY.fullmatch(layer.partition(".")[0]) is not None


def _norm(tensors: Sequence[Tensor]) -> float:
    """L2 norm of several tensors together, in 64 bits: squares of tiny gradients vanish in 32."""
    return math.sqrt(sum(float(tensor.double().square().sum()) for tensor in tensors))


def initial_gradient_norms(
    spec: Spec,
    *,
    init: Init = "he",
    seed: int = 0,
    batch: int = BATCH,
    images: Tensor | None = None,
    labels: Tensor | None = None,
    aux_weight: float = 0.3,
) -> GradientNorms:
    """Computes the gradient norms of a network with random weights, as its first training step would see them.

    PyTorch's global random state stays as it was. The caller holds a semaphore slot.

    Args:
        spec: Spec of the network.
        init: Initialisation, as in a recipe.
        seed: Seed of the weights, and of images and labels that are not given.
        batch: Number of images that are not given.
        images: Normalised images, (N, C, H, W); by default standard normal noise.
        labels: Positions of the classes, (N,); by default random.
        aux_weight: Factor of each auxiliary head's loss.

    Raises:
        InputError: If the gradient is not finite.
    """
    network = initial_network(spec, init, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if images is None:
            images = torch.randn(batch, *spec.input_shape)
        if labels is None:
            labels = torch.randint(spec.num_classes, (len(images),))
        with torch.enable_grad():
            return gradient_norms(network, images, labels, aux_weight=aux_weight)


def initial_network(spec: Spec, init: Init = "he", seed: int = 0) -> nn.Module:
    """Returns a network as it begins to train with this seed. PyTorch's global random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build(spec)
        initialise(network, init, activation_of(spec).gain)
    return network
