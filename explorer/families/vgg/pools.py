"""Guesses the positions of pools in a chain of convolutions from names and shapes."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from math import prod
from typing import Literal, NamedTuple

from explorer.families import PRESETS
from explorer.families.recognition.layers import Path, Unit
from explorer.families.vgg.spec import VggSpec
from explorer.specs.arithmetic import window_output
from explorer.specs.cfg import Conv, Pool, Token, format_token, tokens
from explorer.specs.size import Size, height_width

# Sides of the images in pixels: the usual ones by channels, then rarer ones.
USUAL = {1: (28, 32), 3: (224, 32)}
SIDES = (64, 96, 128, 256, 227, 299, 160, 192, 48, 28, 512)
MAX_MACS = 300_000_000  # most MACs of a layout that is only tried; narrow VGG-16s have 20 million
MOST_PADDED = 2  # candidates of :func:`_paddings` that preserve the size of most maps
WIDEST = 11  # side of AlexNet's first kernels, which have stride 4 (Krizhevsky et al. 2012, section 3.5)
KINDS: tuple[Literal["M", "A"], ...] = ("M", "A")  # max-pools and average pools

_NUMBERED = re.compile(r"([^\W\d_]*\d{1,3})[._-][^\W\d_]*\d{1,3}")


class Layout(NamedTuple):
    """A candidate for the network: a cfg list and the size of the images in pixels."""

    cfg: tuple[int | str, ...]
    image_size: int | Size


def layouts(convolutions: Sequence[Unit], cells: int, image_size: int | Size | None) -> Iterator[Layout]:
    """All layouts in which images of a usual size end in a map of so many cells, the likeliest first.

    Args:
        convolutions: Convolutions in running order.
        cells: Number of cells of the map that the head reads.
        image_size: Size of the images in pixels; None if unknown.
    """
    if cells == 1 and (cut := _first_dense(convolutions)):
        dense = [format_token(Conv(unit.after, unit.kernel, 1, 0)) for unit in convolutions[cut:]]
        for layout in layouts(convolutions[:cut], convolutions[cut].kernel ** 2, image_size):
            yield Layout((*layout.cfg, *dense), layout.image_size)
    usual = USUAL.get(convolutions[0].before, (32,))
    all_paddings = _paddings(convolutions)
    # A map of one cell is probably the mean of a larger map; convolutions without padding seldom leave a single cell.
    paddings = all_paddings if cells > 1 else all_paddings[:MOST_PADDED]
    signs = pool_signs(convolutions)
    strides = [4 if convolutions[0].kernel >= WIDEST else 1] + [1] * len(signs)
    every, grouped = bool(signs) and all(signs), is_grouped(convolutions)
    readings = product(
        (usual, SIDES) if image_size is None else ((image_size,),), _placements(convolutions), paddings, (True, False)
    )
    # Unlikely layouts come last: a pool after every convolution or group except the last one, and padding of the
    # first convolution only.
    ranked = sorted(
        readings, key=lambda reading: ((every or grouped) and not reading[3], reading[2] is all_paddings[-1])
    )
    for sizes, between, padding, last in ranked:
        if fitting := _layout(_cfg(convolutions, [*between, last], padding, strides), sizes, cells):
            yield fitting


def _first_dense(convolutions: Sequence[Unit]) -> int:
    """The index of the first convolution that replaces a dense layer, as in timm's VGG; 0 if there is none.

    The kernel of this layer is as large as the map that it reads, so larger than all kernels before it. Dense layers
    after it are 1x1.
    """
    cut = len(convolutions) - 1
    while cut > 0 and convolutions[cut].kernel == 1:
        cut -= 1
    wider = convolutions[cut].kernel > max([3, *(unit.kernel for unit in convolutions[:cut])])
    return cut if wider and all(unit.norm is None for unit in convolutions[cut:]) else 0


def strided(convolutions: Sequence[Unit], cells: int, image_size: int | Size | None) -> Iterator[Layout]:
    """Layouts in which strided convolutions replace the pools that no name shows, the likeliest first.

    Arguments as in :func:`layouts`.
    """
    pooled = [bool(sign) for sign in pool_signs(convolutions)]
    wider = [False, *_growing(convolutions)]
    first = [True] + [False] * len(pooled)
    patterns = [([True] * len(wider), 2), (wider, 2), (first, 2), (first, 4)]
    sizes = (*USUAL.get(convolutions[0].before, (32,)), *SIDES) if image_size is None else (image_size,)
    for (striding, stride), padding, last in product(patterns, _paddings(convolutions), (False, True)):
        strides = [stride if strides_here else 1 for strides_here in striding]
        if layout := _layout(_cfg(convolutions, [*pooled, last], padding, strides), sizes, cells):
            yield layout


def likeliest(convolutions: Sequence[Unit], image_size: int | Size | None) -> Layout:
    """The likeliest layout if the head does not show the size of the last map."""
    sizes = (28 if convolutions[0].before == 1 else 32, 224) if image_size is None else (image_size,)
    placements = (*_placements(convolutions), (False,) * (len(convolutions) - 1))  # no pools at all fit any size
    cfgs = [_cfg(convolutions, [*between, False], _paddings(convolutions)[0]) for between in placements]
    return next(layout for cfg in cfgs if (layout := _layout(cfg, sizes)))


def averaged(convolutions: Sequence[Unit], image_size: int | Size | None) -> Iterator[Layout]:
    """Layouts of a chain whose last map is averaged, so that any number of pools fits."""
    sizes = (28 if convolutions[0].before == 1 else 32, 224) if image_size is None else (image_size,)
    ones = [1] * len(convolutions)
    patterns = [(list(between), ones) for between in _placements(convolutions)]
    if any(step is None for step in gaps(convolutions)):  # else the modules' numbers show all pools
        quiet, growing = [False] * (len(convolutions) - 1), _growing(convolutions)
        strides = [1, *(2 if wider else 1 for wider in growing)]
        patterns += [(quiet, ones), (growing, ones), (quiet, strides)]
    for (between, strides), kind in product(patterns, KINDS):
        cfg = _cfg(convolutions, [*between, False], _paddings(convolutions)[0], strides, kind)
        layout = _layout(cfg, sizes)
        if layout and _macs(cfg, convolutions[0].before, layout.image_size) <= MAX_MACS:
            yield layout


def _layout(cfg: Sequence[Token], sizes: Sequence[int | Size], cells: int | None = None) -> Layout | None:
    """The layout for the first image size that fits, or None: its last map has ``cells`` cells, or at least one."""
    fits = (size for size in sizes if (_cells(cfg, size) == cells if cells else _cells(cfg, size) > 0))
    return next((Layout(tuple(map(format_token, cfg)), size) for size in fits), None)


def _macs(cfg: Sequence[Token], channels: int, image_size: int | Size) -> int:
    """MACs of the convolutions for one image."""
    total, size = 0, height_width(image_size)
    for token in cfg:
        size = Size(*(map_side([token], side) for side in size))
        if isinstance(token, Conv):
            total += size.area * token.kernel**2 * channels * token.channels // token.groups
            channels = token.channels
    return total


def gaps(convolutions: Sequence[Unit]) -> list[int | None]:
    """Numbers of modules without tensors between each two convolutions; None if one sequence does not number both."""
    return [_gap(first, second) for first, second in pairwise(convolutions)]


def pool_signs(convolutions: Sequence[Unit]) -> list[bool | None]:
    """Whether a pool is between each two convolutions; None if names don't show it."""
    steps = gaps(convolutions)
    known = [step for step in steps if step is not None]
    # There is at least a ReLU between two convolutions. Numbers that leave no room for it can't show pools either.
    least, telling = min(known, default=0), any(known)
    signs: list[bool | None] = []
    for step, (first, second) in zip(steps, pairwise(convolutions), strict=True):
        if step is not None:
            signs.append(step > min(least, 1) if telling else None)
        else:
            signs.append(True if _group(first) != _group(second) else None)
    return signs


def is_grouped(convolutions: Sequence[Unit]) -> bool:
    """Whether names put the convolutions into groups: ``Conv1.0``, ``conv1_1``, ``block1_conv1``.

    At least one group has several convolutions. A pool ends each group, the last one too.
    """
    groups = list(dict.fromkeys(map(_group, convolutions)))
    return 1 < len(groups) < len(convolutions) and all(
        True if _group(first) == _group(second) else step is None
        for step, (first, second) in zip(gaps(convolutions), pairwise(convolutions), strict=True)
    )


def _group(unit: Unit) -> Path:
    """The name of a convolution's group: its parent module, or the beginning of its name (Keras' ``block1_conv1``)."""
    *parent, last = unit.path or ("",)
    numbered = _NUMBERED.fullmatch(last)
    return (*parent, numbered[1]) if numbered else tuple(parent)


def pool_positions(cfg: Sequence[int | str]) -> list[bool]:
    """Whether a pool is between each two convolutions of a cfg list."""
    parsed = tokens(cfg)
    places = [place for place, token in enumerate(parsed) if isinstance(token, Conv)]
    return [any(isinstance(token, Pool) for token in parsed[a:b]) for a, b in pairwise(places)]


def map_side(cfg: Sequence[Token], size: int) -> int:
    """Side of the last map in cells; zero or less if a window does not fit."""
    for token in cfg:
        if isinstance(token, Conv | Pool) and size > 0:
            size = window_output(size, token.reach, token.stride, token.padding)
    return size


def _cells(cfg: Sequence[Token], size: int | Size) -> int:
    """Number of cells of the last map; 0 if a window does not fit."""
    return prod(max(map_side(cfg, side), 0) for side in height_width(size))


def _paddings(convolutions: Sequence[Unit]) -> list[list[int]]:
    """Candidates for the paddings: all maps keep their size, all except at large kernels, none, only the first."""
    same = [unit.kernel // 2 for unit in convolutions]
    small = [padding if padding < 2 else 0 for padding in same]
    first = [same[0]] + [0] * len(same[1:])
    return [same, small, [0] * len(same), first]


def _cfg(
    convolutions: Sequence[Unit],
    pooled: Sequence[bool],
    paddings: Sequence[int],
    strides: Sequence[int] = (),
    kind: Literal["M", "A"] = "M",
) -> list[Token]:
    cfg: list[Token] = []
    for unit, pool, padding, stride in zip(convolutions, pooled, paddings, strides or [1] * len(pooled), strict=True):
        cfg.append(Conv(unit.after, unit.kernel, stride, padding))
        cfg += [Pool(kind)] if pool else []
    return cfg


def _gap(first: Unit, second: Unit) -> int | None:
    """The number of modules without tensors between two units; None if one sequence does not number both."""
    if len(first.path) != len(second.path):
        return None
    differing = [(a, b) for a, b in zip(first.path, second.path, strict=True) if a != b]
    if len(differing) != 1 or not all(part.isdecimal() and len(part) < 6 for part in differing[0]):
        return None
    step = int(differing[0][1]) - int(differing[0][0]) - 1
    # The batch norm has a number of the same sequence, unless it is in one module with its convolution.
    is_sibling = first.norm is not None and first.norm.name.rpartition(".")[0] == first.name.rpartition(".")[0]
    numbered = is_sibling and first.path[-1] != second.path[-1]
    return step - 1 if numbered else step


def _placements(convolutions: Sequence[Unit]) -> list[tuple[bool, ...]]:
    """Candidates for pools between the convolutions: names decide where they can, and one rule each for the rest."""
    signs = pool_signs(convolutions)
    none, every = [False] * len(signs), [True] * len(signs)
    rules = [*_published(convolutions), *_staged(convolutions), every, none]
    filled = (tuple(r if sign is None else sign for sign, r in zip(signs, rule, strict=True)) for rule in rules)
    return list(dict.fromkeys(filled))


def _published(convolutions: Sequence[Unit]) -> Iterator[list[bool]]:
    """The pools of presets with similar convolutions: the same kernels, and more channels at the same positions."""

    def pattern(layers: Sequence[tuple[int, int]]) -> list[tuple[int, bool]]:
        return [(kernel, before < after) for (before, _k), (after, kernel) in pairwise(layers)]

    wanted = pattern([(unit.after, unit.kernel) for unit in convolutions])
    for preset in PRESETS.values():
        if isinstance(preset.spec, VggSpec):
            layers = [(token.channels, token.kernel) for token in tokens(preset.spec.cfg) if isinstance(token, Conv)]
            if len(layers) == len(convolutions) > 3 and pattern(layers) == wanted:
                yield pool_positions(preset.spec.cfg)


def _staged(convolutions: Sequence[Unit]) -> Iterator[list[bool]]:
    """A pool wherever channels grow, and pools that divide the layers of the last width into stages of equal length.

    The last two stages of VGG have the same width.
    """
    growing = _growing(convolutions)
    run = len(growing) + 1 - max((place + 1 for place, grows in enumerate(growing) if grows), default=0)
    for length in (length for length in range(run, 0, -1) if run % length == 0):
        ends = [place % length == 0 for place in range(1, run)]
        yield [*growing[: len(growing) - len(ends)], *ends]


def _growing(convolutions: Sequence[Unit]) -> list[bool]:
    """Whether channels grow between each two convolutions: VGG doubles them after each pool.

    Source: Simonyan and Zisserman 2015, section 2.1.
    """
    return [second.after > first.after for first, second in pairwise(convolutions)]
