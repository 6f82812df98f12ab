"""One large kernel against a stack of small ones that sees the same pixels.

Everything here is at stride 1, between maps of C channels: a convolution of R x K cells has R·K·C² weights, and
each weight multiplies once for every cell of the map (Simonyan and Zisserman 2015, section 2.3; Szegedy et al.
2016, "Rethinking the Inception architecture", sections 3.1 and 3.2). Biases are not counted.
"""

import math
from enum import StrEnum
from typing import NamedTuple

from explorer.errors import InputError
from explorer.i18n import _

MIN_KERNEL = 2
MAX_KERNEL = 15


class Kernel(NamedTuple):
    """Rows and columns of a convolution's window."""

    rows: int
    columns: int

    def __str__(self) -> str:
        return f"{self.rows}×{self.columns}"


class Conv(NamedTuple):
    """A convolution without bias."""

    kernel: Kernel
    inputs: int
    outputs: int

    @property
    def factors(self) -> tuple[int, ...]:
        """What the number of weights is the product of."""
        return (*self.kernel, self.inputs, self.outputs)

    @property
    def weights(self) -> int:
        """Kernel cells times input channels, for each output channel."""
        return math.prod(self.factors)

    def macs(self, side: int) -> int:
        """Multiply-accumulates of one image, for an output map of ``side`` x ``side``."""
        return self.weights * side**2


class Replacement(StrEnum):
    """What stands in for the large kernel."""

    THREE = "3x3"
    FIVE = "5x5"
    SPLIT = "1xk"


class Stack(NamedTuple):
    """Convolutions one after the other, each followed by a ReLU, all between maps of C channels."""

    kernels: tuple[Kernel, ...]

    @property
    def cells(self) -> int:
        """Kernel cells of all layers: the factor before C²."""
        return sum(math.prod(kernel) for kernel in self.kernels)

    def weights(self, channels: int) -> int:
        """Weights of all layers."""
        return self.cells * channels**2

    def macs(self, channels: int, side: int) -> int:
        """Multiply-accumulates of one image on maps of ``side`` x ``side``."""
        return self.weights(channels) * side**2

    @property
    def fields(self) -> tuple[Kernel, ...]:
        """What one unit of the output sees of each map: first of the input, last of the output, which is itself.

        At stride 1 every layer adds its kernel's side less one.
        """
        seen = [Kernel(1, 1)]
        for kernel in reversed(self.kernels):
            seen.append(Kernel(seen[-1].rows + kernel.rows - 1, seen[-1].columns + kernel.columns - 1))
        return tuple(reversed(seen))


def single(side: int) -> Stack:
    """One convolution with a square kernel.

    Raises:
        InputError: where the side is out of range.
    """
    if not MIN_KERNEL <= side <= MAX_KERNEL:
        raise InputError(
            _("k: {side} is not between {least} and {most}").format(side=side, least=MIN_KERNEL, most=MAX_KERNEL)
        )
    return Stack((Kernel(side, side),))


def replacement(side: int, kind: Replacement) -> Stack:
    """The stack of small kernels that sees as much as one ``side`` x ``side`` kernel.

    Raises:
        InputError: where no stack of this kind sees exactly as much.
    """
    single(side)
    if kind is Replacement.SPLIT:
        return Stack((Kernel(1, side), Kernel(side, 1)))
    if side % 2 == 0:
        raise InputError(
            _(
                "k: {side} is even, but every odd kernel of a stack widens the field by an even number: it sees "
                "{below} or {above}, never {side}. Take one of these, or 1×k and k×1"
            ).format(side=side, below=side - 1, above=side + 1)
        )
    fives = (side - 1) // 4 if kind is Replacement.FIVE else 0
    if kind is Replacement.FIVE and not fives:
        raise InputError(_("k: a 5×5 already sees more than {side}×{side}; take k = 5 or more").format(side=side))
    threes = (side - 1 - 4 * fives) // 2
    return Stack((Kernel(5, 5),) * fives + (Kernel(3, 3),) * threes)
