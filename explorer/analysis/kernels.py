"""One large kernel and stacks of small kernels with the same receptive field.

All convolutions have stride 1, no bias, and C input and output channels: a kernel of R x K cells has R·K·C² weights,
and each weight multiplies once for every cell of the map (Simonyan and Zisserman 2015, section 2.3; Szegedy et al.
2016, "Rethinking the Inception architecture", sections 3.1 and 3.2).
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
        """Factors of the number of weights."""
        return (*self.kernel, self.inputs, self.outputs)

    @property
    def weights(self) -> int:
        """Number of weights."""
        return math.prod(self.factors)

    def macs(self, side: int) -> int:
        """Returns the MACs for one image, with an output map of ``side`` x ``side`` cells."""
        return self.weights * side**2


class Replacement(StrEnum):
    """A kind of stack that replaces the large kernel."""

    THREE = "3x3"
    FIVE = "5x5"
    SPLIT = "1xk"


class Stack(NamedTuple):
    """Convolutions in sequence, each followed by a ReLU, all with C input and output channels."""

    kernels: tuple[Kernel, ...]

    @property
    def cells(self) -> int:
        """Number of kernel cells of all layers: the factor of C² in the number of weights."""
        return sum(math.prod(kernel) for kernel in self.kernels)

    def weights(self, channels: int) -> int:
        """Returns the number of weights of all layers."""
        return self.cells * channels**2

    def macs(self, channels: int, side: int) -> int:
        """Returns the MACs for one image on maps of ``side`` x ``side`` cells."""
        return self.weights(channels) * side**2

    @property
    def fields(self) -> tuple[Kernel, ...]:
        """Receptive field of an output unit in each map, from the input to the output.

        At stride 1, every layer adds the side of its kernel minus one.
        """
        seen = [Kernel(1, 1)]
        for kernel in reversed(self.kernels):
            seen.append(Kernel(seen[-1].rows + kernel.rows - 1, seen[-1].columns + kernel.columns - 1))
        return tuple(reversed(seen))


def single(side: int) -> Stack:
    """Returns one convolution with a square kernel.

    Raises:
        InputError: If the side is out of range.
    """
    if not MIN_KERNEL <= side <= MAX_KERNEL:
        raise InputError(
            _("k: {side} is not between {least} and {most}").format(side=side, least=MIN_KERNEL, most=MAX_KERNEL)
        )
    return Stack((Kernel(side, side),))


def replacement(side: int, kind: Replacement) -> Stack:
    """Returns the stack of small kernels with the receptive field of a ``side`` x ``side`` kernel.

    Raises:
        InputError: If no stack of this kind has this field.
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
