"""The pictures on the cards of lessons, drawn from computed data."""

import math

import torch

from explorer.analysis import analyse
from explorer.analysis.kernels import Replacement, replacement
from explorer.analysis.layer_list import parse_layers
from explorer.analysis.recursion import forward
from explorer.analysis.sliding import KERNELS, digit, slide
from explorer.analysis.windows import Windows
from explorer.data.altered import patch_colour
from explorer.data.digits import BRIGHTEST
from explorer.drawing import kinds, panels, sketches
from explorer.families import PRESETS
from explorer.lessons.mistakes import TIMES

SIDE = 8


def _digit(label: int) -> panels.Colours:
    return panels.grey([[round(255 * value / BRIGHTEST) for value in row] for row in digit(label)])


def kernel_slides(*, dark: bool) -> str:
    """A digit, and the output of a kernel that slides over it."""
    output = slide(digit(4), KERNELS["vertical"], "", Windows(SIDE, 3), (0, 0)).output
    most = max(abs(value) for row in output for value in row)
    shades = [[round(127.5 + 127.5 * value / most) for value in row] for row in output]
    return sketches.window(_digit(4), panels.grey(shades), 3, dark=dark)


def nested_fields(*, dark: bool) -> str:
    """The receptive fields of one, two and three 3x3 convolutions."""
    fields = replacement(7, Replacement.THREE).fields
    return sketches.nested([field.rows for field in fields], dark=dark)


def receptive_fields(*, dark: bool) -> str:
    """Fields of the layers of a small network, the deepest on top."""
    sizes = [step.size for step in forward(parse_layers("3, 3, pool 2, 3, 3"))]
    return sketches.fields([*dict.fromkeys([1, *sizes])], dark=dark)


def permuted_digit(*, dark: bool) -> str:
    """A digit, and the same one with permuted pixels."""
    rows = _digit(5)
    flat = [colour for row in rows for colour in row]
    order = torch.randperm(len(flat), generator=torch.Generator().manual_seed(0)).tolist()
    moved = [[flat[order[row * SIDE + column]] for column in range(SIDE)] for row in range(SIDE)]
    return sketches.pictures([rows, moved], dark=dark)


def parameters(*, dark: bool) -> str:
    """Parameters of VGG-16, layer by layer."""
    layers = [layer for layer in analyse(PRESETS["vgg16"].spec).layers if layer.params]
    groups = [kinds.group_of(layer.kind) for layer in layers]
    return sketches.bars(groups, [math.sqrt(layer.params) for layer in layers], dark=dark)


def vanishing(*, dark: bool) -> str:
    """The largest share of a gradient behind sigmoids, whose slope is at most 1/4, and behind identities."""
    return sketches.lines([[0.25**depth for depth in range(8, -1, -1)], [1.0] * 9], dark=dark, log=True)


def residual_blocks(*, dark: bool) -> str:
    """Blocks with shortcuts."""
    return sketches.shortcuts(3, dark=dark)


def inception_branches(*, dark: bool) -> str:
    """The four branches of GoogLeNet's first module, as thick as they have channels."""
    _name, first, _reduce3, second, _reduce5, third, pooled = PRESETS["googlenet"].spec.to_dict()["modules"][0]
    return sketches.branches([first, second, third, pooled], dark=dark)


def rates(*, dark: bool) -> str:
    """Gradient descent on a parabola with three rates: too small, right, and nearly too large."""
    return sketches.lines(
        [[1 - (1 - rate) ** (2 * step) for step in range(12)] for rate in (0.03, 0.2, 0.6)], dark=dark
    )


def marked_digit(*, dark: bool) -> str:
    """A digit with a mark, and heat at the mark."""
    mark = panels.rgb([[patch_colour(8, 10, 3)]])[0][0]
    rows = [list(row) for row in _digit(7)]
    rows[1][1] = mark
    heat = [[math.exp(-((row - 1) ** 2 + (column - 1) ** 2) / 4) for column in range(SIDE)] for row in range(SIDE)]
    return sketches.pictures([rows, panels.warm(heat)], dark=dark)


def memory(*, dark: bool) -> str:
    """Accuracy on training images with random labels, which rises, and on test images, which stays at chance."""
    learnt = [1 - 0.9 * math.exp(-step / 3) for step in range(12)]
    return sketches.lines([learnt, [0.1] * 12], dark=dark)


def misfit(*, dark: bool) -> str:
    """A head that reads more features than arrive."""
    return sketches.misfit(1, TIMES, dark=dark)
