"""Heads that people put on trunks of torchvision's models: linear layers with batch norms between them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from explorer.families.recognition.adapting import PYTORCH_EPSILON
from explorer.families.recognition.layers import Shape, parts

NORM = {"running_mean", "running_var"}


@dataclass(frozen=True)
class Step:
    """A linear layer or a batch norm of a head.

    Attributes:
        name: Name of the module.
        before: Input features.
        after: Output features.
        tensors: Full names of the tensors by the last part of the name.
    """

    name: str
    before: int
    after: int
    tensors: dict[str, str]

    @property
    def linear(self) -> bool:
        """Whether the step is a linear layer."""
        return "running_mean" not in self.tensors


@dataclass(frozen=True)
class Head:
    """The layers of a head, in running order.

    Attributes:
        layers: Steps of each layer; there is no activation between the steps of one, so they equal one linear layer.
    """

    layers: tuple[tuple[Step, ...], ...]

    @property
    def reads(self) -> int:
        """Input features, which the trunk has to produce."""
        return self.layers[0][0].before

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of all layers but the last."""
        return tuple(layer[-1].after for layer in self.layers[:-1])

    @property
    def single(self) -> bool:
        """Whether the head is a single linear layer."""
        return len(self.layers) == 1 and len(self.layers[0]) == 1

    @property
    def classes(self) -> int:
        """Number of classes."""
        return self.layers[-1][-1].after


def read(modules: Mapping[str, Mapping[str, tuple[str, Shape]]]) -> Head | None:
    """The head of some modules; None if they are no chain of linear layers and batch norms.

    Args:
        modules: Modules by name, in running order; each maps the last part of a tensor's name to full name and shape.
    """
    steps = [_step(name, tensors) for name, tensors in modules.items()]
    known = [step for step in steps if step is not None]
    if len(known) < len(steps) or not any(step.linear for step in known):
        return None
    if any(first.after != second.before for first, second in pairwise(known)):
        return None
    layers: list[list[Step]] = [[known[0]]]
    for place, (before, step) in enumerate(pairwise(known)):
        between = _between(before.name, step.name)
        closed = any(one.linear for one in layers[-1])
        # One module between two linear layers is the activation; others are dropout.
        acts = closed and between != 0 and (between is not None or step.linear)
        if acts and any(one.linear for one in known[place + 1 :]):
            layers.append([])
        layers[-1].append(step)
    return Head(tuple(map(tuple, layers)))


def _step(name: str, tensors: Mapping[str, tuple[str, Shape]]) -> Step | None:
    shapes = {leaf: shape for leaf, (_full, shape) in tensors.items() if leaf != "num_batches_tracked"}
    names = {leaf: full for leaf, (full, _shape) in tensors.items()}
    weight = shapes.get("weight", ())
    if len(weight) == 2 and shapes.keys() <= {"weight", "bias"}:
        return Step(name, weight[1], weight[0], names)
    mean = shapes.get("running_mean", ())
    if len(mean) == 1 and shapes.keys() >= NORM and all(shape == mean for shape in shapes.values()):
        return Step(name, mean[0], mean[0], names)
    return None


def _between(first: str, second: str) -> int | None:
    """The number of modules without tensors between two modules of one ``Sequential``; None if names don't show it."""
    paths = parts(first), parts(second)
    numbers = [path[-1] if path else "" for path in paths]
    if paths[0][:-1] != paths[1][:-1] or not all(number.isdecimal() and len(number) < 6 for number in numbers):
        return None
    return max(int(numbers[1]) - int(numbers[0]) - 1, 0)


def merged(steps: Sequence[Step], theirs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Weight (out, in) and bias (out,) of the one linear layer that equals the steps.

    Args:
        steps: Steps of one layer, without activations between them.
        theirs: Tensors of the checkpoint by name.
    """
    weight = torch.eye(steps[0].before, dtype=torch.float64)
    bias = torch.zeros(steps[0].before, dtype=torch.float64)
    for step in steps:
        tensors = {leaf: theirs[name].double() for leaf, name in step.tensors.items()}
        if step.linear:
            weight, bias = tensors["weight"] @ weight, tensors["weight"] @ bias + tensors.get("bias", torch.zeros(1))
        else:
            scale = tensors.get("weight", torch.ones(1)) / (tensors["running_var"] + PYTORCH_EPSILON).sqrt()
            bias = (bias - tensors["running_mean"]) * scale + tensors.get("bias", torch.zeros(1))
            weight = weight * scale.expand(step.after)[:, None]
    return weight.float(), bias.float()


def names(steps: Sequence[Step]) -> Iterator[str]:
    """Full names of all tensors of the steps."""
    return (name for step in steps for name in step.tensors.values())
