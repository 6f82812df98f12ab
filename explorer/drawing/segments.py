"""The parts of a diagram that a page can wrap into rows, as it wraps the words of a text.

A row may end after a box whose output alone goes on: all edges that pass there begin at that box.
"""

from collections import defaultdict
from dataclasses import dataclass

from explorer.drawing.layout import ARC, LABEL, Box, Edge, Layout, words_width
from explorer.drawing.theme import NAME

OVERHANG = 12.0  # most pixels by which frames reach out of the segment that their boxes are in
STACKED = 14.0  # room in pixels above a closed part, for its sheets and its shortcut


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the diagram that stays in one row.

    Attributes:
        first: First rank.
        last: Last rank.
        left: Left end, as x coordinate.
        right: Right end, as x coordinate.
        top: Highest point of boxes and edges, as y coordinate.
        bottom: Lowest point of boxes and captions, as y coordinate.
        entry: y coordinate of the edge that comes from the segment before; None in the first one.
        source: Box whose output goes on to the next segment; None in the last one.
    """

    first: int
    last: int
    left: float
    right: float
    top: float
    bottom: float
    entry: float | None
    source: Box | None

    def holds(self, box: Box) -> bool:
        """Whether a box is in this segment."""
        return self.first <= box.rank <= self.last


def segments(layout: Layout) -> list[Segment]:
    """Split a diagram at all places where a row may end."""
    sources = _single_sources(layout)
    cuts = [rank for rank in sorted(sources) if _leaves_room_for_names(layout, rank)]
    firsts, lasts = [-1, *(rank + 1 for rank in cuts)], [*cuts, max(box.rank for box in layout.boxes)]
    found, left, entry = [], 0.0, None
    for first, last in zip(firsts, lasts, strict=True):
        boxes = [box for box in layout.boxes if first <= box.rank <= last]
        boxes += [layout.start] if layout.start and first == -1 else []
        source = sources[last] if last in cuts else None  # cuts leave out the last rank
        right = layout.ends[last] if source else layout.width
        found.append(
            Segment(
                first, last, left, right, min(_top(layout, box) for box in boxes),
                max(box.y + box.height + 2 * LABEL + 6 for box in boxes), entry, source,
            )
        )  # fmt: skip
        left, entry = right, source.middle if source else None
    return found


def _single_sources(layout: Layout) -> dict[int, Box]:
    """The box from which all edges come that pass the end of a rank, for each rank where there is only one."""
    passing: dict[int, list[Box]] = defaultdict(list)
    for edge in layout.edges:
        source = edge.source or layout.start
        if source:
            for rank in range(max(0, source.rank), edge.target.rank):
                passing[rank].append(source)
    return {rank: boxes[0] for rank, boxes in passing.items() if all(box is boxes[0] for box in boxes)}


def _leaves_room_for_names(layout: Layout, rank: int) -> bool:
    """Whether the frames that go on after a rank have room for their names before it."""
    end = layout.ends[rank]
    return all(
        end - frame.left >= words_width(f"▾ {frame.node.key}", NAME) + 8
        or not frame.left < end - OVERHANG < frame.right
        for frame in layout.frames
    )


def _top(layout: Layout, box: Box) -> float:
    """The highest point of a box, with the arcs that end there."""
    arcs = [arc_top(layout, edge, edge.arc) for edge in layout.edges if edge.target is box and edge.arc]
    return min([box.top - 4, box.y - STACKED if box.node.children else box.y, *arcs])


def arc_top(layout: Layout, edge: Edge, level: float) -> float:
    """The y coordinate of an arc around the boxes between source and target.

    Args:
        layout: Layout of the diagram.
        edge: Edge that is drawn as an arc.
        level: Level of the arc.
    """
    source, target = edge.source or edge.target, edge.target
    between = [box.top for box in layout.boxes if source.rank < box.rank < target.rank]
    return min([*between, source.y, target.y]) - 8 - ARC * (level - 1)
