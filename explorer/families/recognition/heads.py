"""Heads that people put behind a trunk of torchvision's: linear layers with batch norms between them."""

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
    """A layer of a head that computes: a linear one, or a batch norm in evaluation.

    Attributes:
        name: of the module.
        before: features that it reads.
        after: those that it makes.
        tensors: leaf to full name.
    """

    name: str
    before: int
    after: int
    tensors: dict[str, str]

    @property
    def linear(self) -> bool:
        """Whether it is a linear layer."""
        return "running_mean" not in self.tensors


@dataclass(frozen=True)
class Head:
    """Layers of a head in the order in which they run, those between two activations together.

    Attributes:
        layers: each is one linear layer once its steps are put together.
    """

    layers: tuple[tuple[Step, ...], ...]

    @property
    def reads(self) -> int:
        """Features that the trunk has to make."""
        return self.layers[0][0].before

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of all layers but the last."""
        return tuple(layer[-1].after for layer in self.layers[:-1])

    @property
    def single(self) -> bool:
        """Whether it is one linear layer and nothing else."""
        return len(self.layers) == 1 and len(self.layers[0]) == 1

    @property
    def classes(self) -> int:
        """Outputs."""
        return self.layers[-1][-1].after


def read(modules: Mapping[str, Mapping[str, tuple[str, Shape]]]) -> Head | None:
    """The head that modules make in their order, or None where they are no chain of linear layers and batch norms.

    Args:
        modules: by name; each leaf's full name and shape.
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
        # Of what stands between two linear layers one module is the activation; others are dropout.
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
    """How many modules without tensors stand between two of one ``Sequential``; None where names don't tell."""
    paths = parts(first), parts(second)
    numbers = [path[-1] if path else "" for path in paths]
    if paths[0][:-1] != paths[1][:-1] or not all(number.isdecimal() and len(number) < 6 for number in numbers):
        return None
    return max(int(numbers[1]) - int(numbers[0]) - 1, 0)


def merged(steps: Sequence[Step], theirs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Weight (out, in) and bias (out,) of the one linear layer that steps without activations between them are."""
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
    """Names of all tensors of steps."""
    return (name for step in steps for name in step.tensors.values())
