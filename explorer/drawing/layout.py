"""The layout of a diagram: ranks from left to right, lanes for branches, frames around open parts.

The rank of a box is the length of the longest path to it. A fork gives each of its branches a lane. The box that joins
the branches returns to the lane of the fork (its immediate dominator), so nested branches need no knowledge of blocks.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod

from explorer.analysis import Analysis, Layer
from explorer.drawing.scale import Scale
from explorer.drawing.theme import NAME, SMALL
from explorer.drawing.tree import Node, visible

SLAB = 5.0  # width of a layer that follows another and keeps the shape
GAP = 11.0
BEND = 30.0  # room in pixels in which an edge changes its lane
CUT = 5.0  # distance in pixels from a place where a row may end to the next box
HEADER = 24.0
ARC = 16.0
CHARACTER = 0.53  # mean width of a character as a share of the font's size
LABEL = 14.0


@dataclass(slots=True)
class Box:
    """A drawn node.

    Attributes:
        node: Node of the tree.
        rank: Position from left to right.
        lane: Position from top to bottom; 0 is the trunk, negative lanes are above it.
        shape: Output shape.
        width: Width of the front face in pixels.
        height: Height of the front face in pixels.
        depth: Depth of the volume in pixels, drawn to the right and up.
        slabs: Number of slabs after the volume.
        slot: Width in pixels that the box needs with its caption.
        x: x coordinate of the left top corner of the front face.
        y: y coordinate of the left top corner of the front face.
    """

    node: Node
    rank: int
    lane: float
    shape: tuple[int, ...]
    width: float
    height: float
    depth: float
    slabs: int
    slot: float
    x: float = 0.0
    y: float = 0.0

    @property
    def right(self) -> float:
        """Right end with the slabs, as x coordinate."""
        return self.x + self.width + SLAB * self.slabs

    @property
    def middle(self) -> float:
        """Middle of the box, as y coordinate."""
        return self.y + self.height / 2

    @property
    def top(self) -> float:
        """Highest point with the depth, as y coordinate."""
        return self.y - self.depth


@dataclass(frozen=True, slots=True)
class Edge:
    """The way of a tensor between two boxes.

    Attributes:
        source: Box that computes the tensor; None for the image.
        target: Box that reads the tensor.
        shape: Shape of the tensor.
        label: The two lines of the label; None if there is none.
        arc: Level of the arc around the boxes between, from 1; None for a straight line.
    """

    source: Box | None
    target: Box
    shape: tuple[int, ...]
    label: tuple[str, str] | None
    arc: float | None


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame around the parts of an open node; ``nesting`` is the number of frames around it."""

    node: Node
    left: float
    right: float
    nesting: int


@dataclass(slots=True)
class Layout:
    """The elements of a diagram, in pixels.

    Attributes:
        boxes: Drawn nodes, in order.
        edges: Ways of tensors.
        frames: Frames around open nodes.
        width: Width of everything.
        height: Height of everything.
        start: Box of the image.
        ends: x coordinate at which the room after each rank ends, with the labels in it.
    """

    boxes: list[Box]
    edges: list[Edge]
    frames: list[Frame]
    width: float
    height: float
    start: Box | None = None
    ends: dict[int, float] = field(default_factory=dict)


def words_width(words: str, size: float = SMALL) -> float:
    """The approximate width of a line of text in pixels.

    Args:
        words: Text.
        size: Size of the font in pixels.
    """
    return CHARACTER * size * len(words)


def lay_out(
    analysis: Analysis,
    stages: Sequence[Node],
    is_open: Callable[[Node], bool],
    caption: Callable[[Node], str],
) -> Layout:
    """Place the boxes of a network.

    Args:
        analysis: Analysis of the network.
        stages: Stages from :func:`explorer.drawing.tree.tree`.
        is_open: Function that says whether a node is drawn as its parts.
        caption: Function that returns the caption under a box, which needs room.
    """
    layers = analysis.layers
    nodes = visible(stages, is_open)
    scale = Scale([analysis.input_shape, *(layers[node.layers[0]].volume for node in nodes)])
    owner = {layer: index for index, node in enumerate(nodes) for layer in node.layers}
    before: list[list[int]] = []
    for index, node in enumerate(nodes):
        sources = {owner[source] for layer in node.layers for source in layers[layer].inputs} - {index}
        before.append(sorted(sources))
    ranks = _ranks(before)
    lanes = _lanes(before)
    # A frame around a single box needs room for its heading.
    alone = {
        node.key: words_width(stage.key, NAME) + 24
        for stage in stages
        if is_open(stage) and len(stage.children) == 1 and not is_open(node := stage.children[0])
    }
    boxes = []
    for index, node in enumerate(nodes):
        last = layers[node.layers[-1]].volume
        shape = last if node.children else layers[node.layers[0]].volume
        width, height, depth = scale.box(shape)
        if layers[node.layers[0]].kind == "Add" and not node.children:
            width, height, depth = 18.0, 18.0, 0.0
        slabs = 0 if node.children else len(node.layers) - 1
        stack = 8.0 if node.children else 0.0
        slot = max(
            width + SLAB * slabs + depth + stack,
            max(map(words_width, caption(node).split("\n"))),
            alone.get(node.key, 0.0),
        )
        boxes.append(Box(node, ranks[index], lanes[index], shape, width, height, depth, slabs, slot))
    edges = _edges(analysis, boxes, before)
    layout = Layout(boxes, edges, [], 0.0, 0.0)
    _set_columns(layout, analysis, scale)
    frames = _frames(stages, is_open, {box.node.key: box for box in boxes})
    return _set_rows(layout, frames)


def _ranks(before: list[list[int]]) -> list[int]:
    ranks: list[int] = []
    for sources in before:
        ranks.append(max((ranks[source] + 1 for source in sources), default=0))
    return ranks


def _lanes(before: list[list[int]]) -> list[float]:
    """The lane of each box; 0 is the trunk, negative lanes are above it."""
    after: dict[int, list[int]] = defaultdict(list)
    for target, sources in enumerate(before):
        for source in sources:
            after[source].append(target)
    dominator: list[int] = []
    depth: list[int] = []  # depth of each box in the tree of dominators
    nesting: list[int] = []  # number of forks around each box
    lanes: list[float] = []
    for index, sources in enumerate(before):
        if not sources:
            dominator.append(-1)
            depth.append(0)
            nesting.append(0)
            lanes.append(0.0)
            continue
        common = sources[0]
        for source in sources[1:]:
            common = _common_dominator(common, source, dominator, depth)
        dominator.append(common)
        depth.append(depth[common] + 1 if common >= 0 else 0)
        if common < 0:
            nesting.append(0)
            lanes.append(0.0)
            continue
        starts = [target for target in after[common] if before[target] == [common]]
        if len(sources) > 1 or len(starts) < 2:
            nesting.append(nesting[common])
            lanes.append(lanes[common])
            continue
        nesting.append(nesting[common] + 1)
        offset = _offset(starts, index, after, before)
        lanes.append(lanes[common] + offset / 2 ** nesting[common])
    return lanes


def _common_dominator(one: int, other: int, dominator: list[int], depth: list[int]) -> int:
    while one != other and one >= 0 and other >= 0:
        if depth[one] >= depth[other]:
            one = dominator[one]
        else:
            other = dominator[other]
    return one if one == other else -1


def _offset(starts: list[int], index: int, after: dict[int, list[int]], before: list[list[int]]) -> float:
    """The lane of a branch relative to the fork's lane.

    Of two branches, the longer one keeps the lane and the shortcut is above it; more branches are spread evenly.
    """

    def length(start: int) -> int:
        steps, here = 1, start
        while len(after[here]) == 1 and len(before[after[here][0]]) == 1:
            here = after[here][0]
            steps += 1
        return steps

    if len(starts) == 2:
        longest = max(starts, key=length)
        return 0.0 if index == longest else -1.0
    return starts.index(index) - (len(starts) - 1) / 2


def _edges(analysis: Analysis, boxes: list[Box], before: list[list[int]]) -> list[Edge]:
    layers = analysis.layers
    edges: list[Edge] = []
    arriving: dict[int, tuple[int, ...]] = {}
    named: set[int] = set()  # boxes whose output has a label already
    arcs: list[tuple[int, int, int]] = []  # first rank, last rank and level of each arc
    for index, (box, sources) in enumerate(zip(boxes, before, strict=True)):
        if not sources:
            edges.append(Edge(None, box, analysis.input_shape, label=shape_words(analysis.input_shape), arc=None))
            arriving[index] = analysis.input_shape
        for source in sources:
            shape = layers[boxes[source].node.layers[-1]].volume
            between = any(
                boxes[source].rank < other.rank < box.rank and other.lane == box.lane
                for other in boxes[source + 1 : index]
            )
            arc = None
            if between and boxes[source].lane == box.lane:
                level = 1 + max((n for a, b, n in arcs if a < box.rank and b > boxes[source].rank), default=0)
                arcs.append((boxes[source].rank, box.rank, level))
                arc = float(min(level, 12))
            labelled = arc is None and shape != arriving.get(source) and source not in named
            if labelled:
                named.add(source)
            last = layers[boxes[source].node.layers[-1]]
            edges.append(Edge(boxes[source], box, shape, label=_label(last) if labelled else None, arc=arc))
            arriving[index] = shape
    return edges


def _label(layer: Layer) -> tuple[str, str]:
    """The label of an edge: the shape of a layer's output; below a flattened map, the shape before."""
    above, below = shape_words(layer.volume)
    flat = layer.kind == "Flatten" and prod(layer.input_shape[2:]) > 1
    return above, "×".join(map(str, layer.input_shape[1:])) if flat else below


def _set_columns(layout: Layout, analysis: Analysis, scale: Scale) -> None:
    """Set ``x`` of every box: each rank is as wide as its widest box and the labels after it."""
    ranks: dict[int, list[Box]] = defaultdict(list)
    for box in layout.boxes:
        ranks[box.rank].append(box)
    room: dict[int, float] = defaultdict(lambda: GAP)  # after a rank
    bends: dict[int, float] = defaultdict(float)  # after a rank, behind the labels
    for edge in layout.edges:
        rank = edge.source.rank if edge.source else -1
        if edge.label:
            room[rank] = max(room[rank], max(map(words_width, edge.label)) + 15)
        if edge.source and edge.source.lane != edge.target.lane:
            bends[edge.target.rank - 1] = BEND  # an edge bends just before its target
    read = {head.source for head in analysis.auxiliary}
    for box in layout.boxes:
        if read & set(box.node.layers):
            room[box.rank] += 8  # for the branch of an auxiliary head
    width, height, depth = scale.box(analysis.input_shape)
    layout.start = Box(Node("input", "unit", ()), -1, 0.0, analysis.input_shape, width, height, depth, 0, width)
    layout.start.x = 16.0
    x = layout.start.right + depth + room[-1]
    layout.ends[-1] = float(round(x - CUT))
    for rank in sorted(ranks):
        slot = max(box.slot for box in ranks[rank])
        for box in ranks[rank]:
            drawn = box.width + SLAB * box.slabs
            box.x = x + max(0.0, min(slot - drawn - box.depth, box.slot - drawn) / 2)
        x += slot + room[rank]
        layout.ends[rank] = float(round(x - CUT))
        x += bends[rank]
    layout.width = x + 26 + words_width("×".join(shape_words(analysis.layers[-1].volume)), NAME)


def shape_words(shape: tuple[int, ...]) -> tuple[str, str]:
    """The two lines of a shape: channels above the edge, rows and columns below it."""
    if len(shape) == 4:
        _batch, channels, rows, columns = shape
        return f"{channels:,}", f"{rows}×{columns}"
    return f"{shape[-1]:,}" if len(shape) > 1 else "1", "×".join(map(str, shape[1:-1]))


def _frames(stages: Sequence[Node], is_open: Callable[[Node], bool], boxes: dict[str, Box]) -> list[Frame]:
    frames: list[Frame] = []

    def add(node: Node, nesting: int) -> tuple[float, float]:
        if not node.children or not is_open(node):
            box = boxes[node.key]
            return box.x - 5, box.x + max(box.slot, box.right - box.x) + 3
        spans = [add(child, nesting + 1) for child in node.children]
        left, right = min(a for a, _b in spans), max(b for _a, b in spans)
        frames.append(Frame(node, left - 2, right + 2, nesting))
        return left - 2, right + 2

    for stage in stages:
        add(stage, 0)
    return frames


def _set_rows(layout: Layout, frames: list[Frame]) -> Layout:
    """Set ``y`` of every box: lanes are far enough apart for the tallest boxes of a rank."""
    boxes = layout.boxes
    ranks: dict[int, list[Box]] = defaultdict(list)
    for box in boxes:
        ranks[box.rank].append(box)
    lane = max(
        (
            (max(above.height, below.height) + below.depth + 2 * LABEL) / (below.lane - above.lane)
            for side_by_side in ranks.values()
            for above, below in pairwise(sorted(side_by_side, key=lambda box: box.lane))
            if below.lane > above.lane
        ),
        default=0.0,
    )
    everything = [*boxes, *([layout.start] if layout.start else [])]
    for box in everything:
        box.y = box.lane * lane - box.height / 2
    arcs = max((edge.arc for edge in layout.edges if edge.arc), default=0.0) * ARC
    headers = 1 + max((frame.nesting for frame in frames), default=-1)
    top = min(box.top for box in everything) - arcs - HEADER * headers - 10
    for box in everything:
        box.y -= top
    layout.frames = frames
    layout.height = max(box.y + box.height for box in everything) + 3 * LABEL
    return layout
