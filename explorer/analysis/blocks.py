"""Residual blocks and Inception modules (with and without reduction) as lists of convolutions.

Sources: He et al. 2016, Figure 5; Szegedy et al. 2015, Figure 2 and Table 1. Biases and batch norm are left out.
"""

from collections.abc import Iterable
from typing import NamedTuple, cast

from explorer.analysis.kernels import Conv, Kernel
from explorer.families import PRESETS
from explorer.families.googlenet.spec import GoogLeNetSpec, Module
from explorer.specs.arithmetic import window_output

ONE, THREE, FIVE = Kernel(1, 1), Kernel(3, 3), Kernel(5, 5)
EXPANSION = 4
EXAMPLE = "example"

Branches = tuple[tuple[Conv, ...], ...]


def basic(width: int) -> tuple[Conv, ...]:
    """Returns a basic block: two 3x3 convolutions between maps of ``width`` channels."""
    return Conv(THREE, width, width), Conv(THREE, width, width)


def bottleneck(width: int) -> tuple[Conv, ...]:
    """Returns a bottleneck: 1x1, 3x3 and 1x1 convolutions, of which the 3x3 has a quarter of the outer channels."""
    wide = EXPANSION * width
    return Conv(ONE, wide, width), Conv(THREE, width, width), Conv(ONE, width, wide)


class Inception(NamedTuple):
    """An Inception module with an input map of ``side`` x ``side`` cells and ``inputs`` channels."""

    side: int
    inputs: int
    widths: Module

    def naive(self) -> Branches:
        """Returns the branches 1x1, 3x3 and 5x5 on the input, and the pool, which has no weights (Figure 2a)."""
        row = self.widths
        return (
            (Conv(ONE, self.inputs, row.ch1x1),),
            (Conv(THREE, self.inputs, row.ch3x3),),
            (Conv(FIVE, self.inputs, row.ch5x5),),
            (),
        )

    def reduced(self) -> Branches:
        """Returns the branches with 1x1 convolutions before 3x3 and 5x5 and after the pool (Figure 2b)."""
        row = self.widths
        return (
            (Conv(ONE, self.inputs, row.ch1x1),),
            (Conv(ONE, self.inputs, row.ch3x3red), Conv(THREE, row.ch3x3red, row.ch3x3)),
            (Conv(ONE, self.inputs, row.ch5x5red), Conv(FIVE, row.ch5x5red, row.ch5x5)),
            (Conv(ONE, self.inputs, row.pool_proj),),
        )

    def outputs(self, branches: Branches) -> list[int]:
        """Returns the output channels of each branch; a branch without convolutions keeps its input channels."""
        return [branch[-1].outputs if branch else self.inputs for branch in branches]


def weights(convolutions: Iterable[Conv]) -> int:
    """Returns the number of weights of all convolutions."""
    return sum(conv.weights for conv in convolutions)


def macs(convolutions: Iterable[Conv], side: int) -> int:
    """Returns the MACs of all convolutions on maps of one size, for one image."""
    return sum(conv.macs(side) for conv in convolutions)


def all_convolutions(branches: Branches) -> tuple[Conv, ...]:
    """Returns the convolutions of all branches."""
    return tuple(conv for branch in branches for conv in branch)


def quoted_macs(module: Inception) -> int:
    """Returns the MACs of the reduced module as often quoted: with its 3x3 convolution counted twice."""
    three = module.reduced()[1][-1]
    return macs((*all_convolutions(module.reduced()), three), module.side)


def inception_modules() -> dict[str, Inception]:
    """Returns the example on a 28x28x256 map, and the nine modules of GoogLeNet with their inputs."""
    spec = cast(GoogLeNetSpec, PRESETS["googlenet"].spec)
    modules = {EXAMPLE: Inception(28, 256, Module(EXAMPLE, 128, 64, 192, 64, 96, 64))}
    side, inputs = 28, 192
    for row in spec.modules:
        modules[row.name] = module = Inception(side, inputs, row)
        inputs = sum(module.outputs(module.reduced()))
        if row.name in spec.pool_after:
            side = window_output(side, spec.pool_kernel(row.name), 2, ceil=True)
    return modules
