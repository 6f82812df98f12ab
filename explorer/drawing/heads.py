"""Auxiliary heads in a diagram: a branch of boxes below the layer that they read, because they run only in training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from explorer.analysis import Analysis, Head, Layer
from explorer.drawing.layout import LABEL, Box, Layout, words_width
from explorer.drawing.scale import Scale
from explorer.drawing.theme import NAME
from explorer.drawing.tree import Node, head_units
from explorer.formatting import shape
from explorer.i18n import _, ngettext

LINE = 28.0  # distance in pixels from box to box
ROOM = 26.0  # for the heading, and for the line of parameters
PAD = 10.0
WIDEST = 44.0  # largest width of a box in pixels
SLABS = 16.0  # room in pixels for the slabs after a box
BEFORE = 16.0  # distance in pixels from captions of the trunk to a head


@dataclass(frozen=True, slots=True)
class Branch:
    """The place of an auxiliary head.

    Attributes:
        head: The head.
        source: Box of the trunk whose output it reads.
        fork: x coordinate at which the branch leaves the trunk.
        left: Left end, as x coordinate.
        top: Upper end, as y coordinate.
        width: Width in pixels.
        height: Height in pixels.
        heading: Name of the head.
        parameters: Number of its parameters, in words.
        boxes: Boxes of its layers, from top to bottom.
        words: The words next to each box: name and output shape.
    """

    head: Head
    source: Box
    fork: float
    left: float
    top: float
    width: float
    height: float
    heading: str
    parameters: str
    boxes: tuple[Box, ...]
    words: tuple[tuple[str, str], ...]

    @property
    def words_left(self) -> float:
        """Left end of its words, as x coordinate."""
        return self.left + PAD

    @property
    def names_left(self) -> float:
        """Left end of the names of its boxes, as x coordinate."""
        return self.left + 2 * PAD + WIDEST + SLABS

    @property
    def right(self) -> float:
        """Right end, as x coordinate."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Lower end, as y coordinate."""
        return self.top + self.height


def branches(analysis: Analysis, layout: Layout, name_of: Callable[[Layer], str]) -> list[Branch]:
    """Place the auxiliary heads below the trunk, each near the layer that it reads.

    Args:
        analysis: Analysis of the network.
        layout: Layout of the trunk.
        name_of: Function that names a layer.
    """
    found: list[Branch] = []
    heads = sorted(analysis.auxiliary, key=lambda head: head.source)
    for head in heads:
        source = next(box for box in layout.boxes if head.source in box.node.layers)
        free = found[-1].right + PAD if found else 4.0
        found.append(_branch(analysis, layout, head, source, name_of, free))
    return found


def _branch(
    analysis: Analysis, layout: Layout, head: Head, source: Box, name_of: Callable[[Layer], str], free: float
) -> Branch:
    layers = analysis.all_layers
    nodes = head_units(analysis, head)
    words = tuple(_words(layers, node, name_of) for node in nodes)
    heading = _("{name} · training only").format(name=head.name)
    parameters = ngettext("{count:,} parameter", "{count:,} parameters", head.params).format(count=head.params)
    beside = max(words_width(f"{name}   {size}") for name, size in words)
    width = max(
        3 * PAD + WIDEST + SLABS + beside, 2 * PAD + words_width(heading, NAME), 2 * PAD + words_width(parameters)
    )
    fork = layout.ends[source.rank] - 3
    left = max(free, fork - PAD - WIDEST / 2)
    below = [box.y + box.height for box in layout.boxes if left - 8 < box.x + box.slot and box.x < left + width + 8]
    top = max([*below, source.y + source.height]) + 2 * LABEL + BEFORE
    scale = Scale([layers[node.layers[0]].volume for node in nodes], longest=WIDEST, tallest=18.0)
    boxes = []
    for number, node in enumerate(nodes):
        across, down, depth = scale.box(layers[node.layers[0]].volume)
        slabs = len(node.layers) - 1
        box = Box(node, source.rank, 0, layers[node.layers[0]].volume, across, down, depth, slabs, across)
        box.x = left + PAD + (WIDEST - across) / 2
        box.y = top + ROOM + LINE * (number + 0.5) - down / 2
        boxes.append(box)
    height = 2 * ROOM + LINE * len(nodes)
    return Branch(head, source, fork, left, top, width, height, heading, parameters, tuple(boxes), words)


def _words(layers: Sequence[Layer], node: Node, name_of: Callable[[Layer], str]) -> tuple[str, str]:
    first = layers[node.layers[0]]
    return name_of(first).replace("\n", " "), shape(first.output_shape)
