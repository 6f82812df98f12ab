"""Heads that people put on trunks of torchvision's models: linear layers with batch norms between them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from explorer.families.recognition.adapting import PYTORCH_EPSILON
from explorer.families.recognition.layers import Norm, Shape, Unit, layer_of, modules_between

Step = Unit | Norm  # a linear layer or a batch norm


@dataclass(frozen=True)
class Head:
    """The layers of a head, in running order.

    Attributes:
        layers: Steps of each layer. Steps without an activation between them equal one linear layer.
    """

    layers: tuple[tuple[Step, ...], ...]

    @property
    def in_features(self) -> int:
        """Input features, which the trunk has to produce."""
        return self.layers[0][0].before

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of all layers but the last."""
        return tuple(layer[-1].after for layer in self.layers[:-1])

    @property
    def is_single_layer(self) -> bool:
        """Whether the head is a single linear layer."""
        return len(self.layers) == 1 and len(self.layers[0]) == 1

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return self.layers[-1][-1].after


def read(modules: Mapping[str, Mapping[str, tuple[str, Shape]]]) -> Head | None:
    """The head that some modules form; None if they are no chain of linear layers and batch norms.

    Args:
        modules: Modules by name, in running order; each maps the last part of a tensor's name to full name and shape.
    """
    steps: list[Step] = []
    for name, tensors in modules.items():
        shapes = {leaf: shape for leaf, (_full, shape) in tensors.items()}
        step = layer_of(name, shapes, {leaf: full for leaf, (full, _shape) in tensors.items()})
        if step is None or (isinstance(step, Unit) and step.kernel):
            return None
        steps.append(step)
    if not any(map(_is_linear, steps)) or any(first.after != second.before for first, second in pairwise(steps)):
        return None
    layers: list[list[Step]] = [[steps[0]]]
    for index, (before, step) in enumerate(pairwise(steps)):
        between = modules_between(before.name, step.name)
        is_complete = any(map(_is_linear, layers[-1]))
        # One module between two linear layers is the activation; others are dropout.
        is_activated = is_complete and between != 0 and (between is not None or _is_linear(step))
        if is_activated and any(map(_is_linear, steps[index + 1 :])):
            layers.append([])
        layers[-1].append(step)
    return Head(tuple(map(tuple, layers)))


def _is_linear(step: Step) -> bool:
    return isinstance(step, Unit)


def merge(steps: Sequence[Step], theirs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Weight (out, in) and bias (out,) of the one linear layer that equals the steps.

    Args:
        steps: Steps of one layer, without activations between them.
        theirs: Tensors of the checkpoint by name.
    """
    weight = torch.eye(steps[0].before, dtype=torch.float64)
    bias = torch.zeros(steps[0].before, dtype=torch.float64)
    for step in steps:
        tensors = {leaf: theirs[name].double() for leaf, name in step.tensors.items()}
        if _is_linear(step):
            weight, bias = tensors["weight"] @ weight, tensors["weight"] @ bias + tensors.get("bias", torch.zeros(1))
        else:
            scale = tensors.get("weight", torch.ones(1)) / (tensors["running_var"] + PYTORCH_EPSILON).sqrt()
            bias = (bias - tensors["running_mean"]) * scale + tensors.get("bias", torch.zeros(1))
            weight = weight * scale.expand(step.after)[:, None]
    return weight.float(), bias.float()


def names(steps: Sequence[Step]) -> Iterator[str]:
    """Full names of all tensors of the steps."""
    return (name for step in steps for name in step.tensors.values())
