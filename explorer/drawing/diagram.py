"""The diagram of a network: volumes drawn to scale from left to right, with branches side by side.

The height of a map is proportional to the square root of its side, and its length to the square root of its channels. A
thin slab after a volume is a layer that keeps the shape. Elements that users can choose have the attribute
``data-pick``: ``layer:NAME`` for layers, ``fold:KEY`` for parts that open and close.

The figure is one long row. A page wraps it into rows: the groups of each segment say where they begin and end
(``data-left`` and so on), and the legend's entries how wide they are.
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import accumulate, pairwise

from explorer.analysis import Analysis, Layer
from explorer.analysis.measures import DIAGRAM_MEASURES
from explorer.drawing import heads, heat, legend, volumes
from explorer.drawing.appearance import Appearance, open_predicate
from explorer.drawing.captions import caption, short_name
from explorer.drawing.frames import Frames
from explorer.drawing.kinds import Group, colours, group_of
from explorer.drawing.layout import BEND, LABEL, SLAB, Box, Edge, Layout, lay_out
from explorer.drawing.segments import Segment, arc_top, segments
from explorer.drawing.svg import FONT, Attribute, element, figure, polygon, text, title
from explorer.drawing.theme import NAME, SMALL, Theme, theme
from explorer.drawing.tree import tree
from explorer.formatting import shape, short
from explorer.i18n import _, ngettext


def draw(analysis: Analysis, name: str, appearance: Appearance | None = None, *, marks: bool = True) -> str:
    """The diagram as SVG.

    Args:
        analysis: Analysis of the network.
        name: Name of the network, for the text alternative.
        appearance: Options of the diagram.
        marks: Whether the chosen layer is marked. On a page, the browser marks it.
    """
    appearance = appearance or Appearance()
    stages = tree(analysis)
    layout = lay_out(
        analysis, stages, open_predicate(analysis, stages, appearance), lambda node: caption(analysis, node)
    )
    return _Drawing(analysis, layout, appearance if marks else replace(appearance, chosen="")).svg(name)


def ranges(positions: Iterable[int]) -> list[str]:
    """The positions of layers as ranges such as ``3-7``."""
    runs: list[list[int]] = []
    for position in sorted(positions):
        if runs and position == runs[-1][1] + 1:
            runs[-1][1] = position
        else:
            runs.append([position, position])
    return [f"{first}-{last}" for first, last in runs]


class _Drawing:
    """A diagram, with values that all its parts use."""

    def __init__(self, analysis: Analysis, layout: Layout, appearance: Appearance) -> None:
        self.analysis = analysis
        self.layout = layout
        self.appearance = appearance
        self.theme: Theme = theme(dark=appearance.dark)
        self.kinds = colours(dark=appearance.dark)
        self.projections = {  # keys of boxes on a shortcut
            edge.source.node.key
            for edge in layout.edges
            if edge.source and self.first_layer(edge.target).kind == "Add" and edge.source.lane != edge.target.lane
        }
        self.measure = DIAGRAM_MEASURES.get(appearance.colour)  # none for the kinds of layers
        self.bounds = heat.value_range(analysis, self.measure) if self.measure else (1, 1)
        self.segments = segments(layout)
        self.branches = heads.branches(analysis, layout, short_name)
        self.height = max([layout.height, *(branch.bottom + LABEL for branch in self.branches)])

    def svg(self, name: str) -> str:
        words = ngettext(
            "Diagram of {name}: {layers} layer from a {image} image to {output}",
            "Diagram of {name}: {layers} layers from a {image} image to {output}",
            len(self.analysis.layers),
        ).format(
            name=name,
            layers=len(self.analysis.layers),
            image=shape(self.analysis.input_shape),
            output=shape(self.analysis.layers[-1].output_shape),
        )
        style = (
            f"text{{{FONT};font-size:{SMALL}px;fill:{self.theme.ink}}} "
            f".key,.name{{font-size:{NAME}px}} .name{{font-weight:600}} "
            f".mark{{stroke:{self.theme.mark};stroke-width:2.5}} .faint{{fill:{self.theme.faint}}} "
            f".shape{{paint-order:stroke;stroke:{self.theme.ground};stroke-width:2.5px;stroke-linejoin:round}} "
            f".edge{{stroke:{self.theme.faint};fill:none;stroke-width:1.3}} .head{{fill:{self.theme.faint}}}"
        )
        arrow = element(
            "marker",
            polygon([(0, 0), (6, 3), (0, 6)], class_="head"),
            id="arrow", viewBox="0 0 6 6", refX=5, refY=3, markerWidth=6, markerHeight=6, orient="auto",
        )  # fmt: skip
        width = max(self.layout.width, 360.0, *(branch.right for branch in self.branches), 0.0)
        entries, below = legend.draw(self.analysis, self.measure, dark=self.appearance.dark).placed(width, self.height)
        frames = Frames(self.analysis, self.layout, self.theme, self.height)
        return figure(
            width,
            self.height + below,
            element("defs", arrow, heat.hatching(dark=self.appearance.dark)),
            *(frames.grounds(segment) for segment in self.segments),
            *(frames.names(segment) for segment in self.segments),
            element("g", class_="bends"),
            *(self.body(segment) for segment in self.segments),
            *(self.branch(branch) for branch in self.branches),
            entries,
            label=words,
            style=style,
        )

    # Segments

    def body(self, segment: Segment) -> str:
        """The boxes and edges of a segment, with its place and its extent."""
        boxes = [box for box in self.layout.boxes if segment.holds(box)]
        start = self.layout.start if segment.entry is None else None
        out = segment.source
        return element(
            "g",
            *(self.edge(edge) for edge in self.layout.edges if segment.holds(edge.target)),
            *(
                self.shape_label(edge.source or self.layout.start, edge.label)
                for edge in self.layout.edges
                if edge.label and self.layout.start and self.is_source(segment, edge)
            ),
            element("path", d=f"M{out.right:.1f} {out.middle:.1f}H{segment.right:.1f}", class_="edge") if out else "",
            self.image(start) if start else "",
            self.output_shape(self.layout.boxes[-1]) if out is None else "",
            *(self.group(box) if box.node.children else self.unit(box) for box in boxes),
            class_="segment",
            data_left=segment.left,
            data_right=segment.right,
            data_top=segment.top,
            data_bottom=segment.bottom,
            data_entry=segment.entry,
            data_exit=out.middle if out else None,
        )

    def is_source(self, segment: Segment, edge: Edge) -> bool:
        return segment.holds(edge.source) if edge.source else segment.entry is None

    def branch(self, branch: heads.Branch) -> str:
        """An auxiliary head: a card with its boxes, and the edge from the trunk."""
        middle = branch.boxes[0].x + branch.boxes[0].width / 2
        way = f"M{branch.fork:.1f} {branch.source.middle:.1f}V{branch.top - 9:.1f}H{middle:.1f}V{branch.top - 1:.1f}"
        down = "".join(
            self.line(f"M{middle:.1f} {above.y + above.height:.1f}V{below.top - 1:.1f}", self.theme.faint)
            for above, below in pairwise(branch.boxes)
        )
        card = element(
            "rect", x=branch.left, y=branch.top, width=branch.width, height=branch.height, rx=4, fill=self.theme.ground,
            stroke=self.theme.faint, stroke_dasharray="4 3",
        )  # fmt: skip
        beside = branch.left + branch.width - heads.PAD
        boxes = [
            self.unit(
                box,
                text(branch.names_left, box.middle + 4, name)
                + text(beside, box.middle + 4, size, text_anchor="end", class_="faint"),
            )
            for box, (name, size) in zip(branch.boxes, branch.words, strict=True)
        ]
        return element(
            "g",
            card,
            element("path", d=way, class_="edge", stroke_dasharray="4 3", marker_end="url(#arrow)"),
            down,
            text(branch.words_left, branch.top + 18, branch.heading, class_="name"),
            *boxes,
            text(branch.words_left, branch.bottom - 9, branch.parameters, class_="faint"),
            class_="branch",
            data_segment=next(i for i, segment in enumerate(self.segments) if segment.holds(branch.source)),
            data_right=branch.right,
            data_bottom=branch.bottom,
        )

    def below(self, box: Box, words: str) -> str:
        """The caption of a box, one or two lines."""
        x, y = (box.x + box.right + box.depth) / 2, box.y + box.height
        return "".join(
            text(x, y + 1 + LABEL * line, part, text_anchor="middle", class_="faint")
            for line, part in enumerate(words.split("\n"), 1)
            if part
        )

    # Boxes

    def image(self, box: Box) -> str:
        """The input image."""
        words = self.below(box, _("image"))
        return volumes.volume(box, [self.theme.panel], self.theme.line) + words

    def unit(self, box: Box, words: str | None = None) -> str:
        """A layer, with the layers after it that keep the shape; its words are below it if they are not given."""
        layers = [self.analysis.all_layers[position] for position in box.node.layers]
        chosen = [layer.name == self.appearance.chosen for layer in layers]
        fills = [self.fill([layer], layer.kind) for layer in layers]
        if layers[0].kind == "Add":
            plus = self.theme.ink if fills[0] == heat.NONE else "#fff"
            body = volumes.joint(box, fills, self.outline(fills[:1]), plus)
        else:
            body = volumes.volume(box, fills, self.outline(fills), self.seams(box, layers[0]))
        starts = [box.x, *(box.x + box.width + SLAB * step for step in range(box.slabs))]
        lengths = [box.width, *[SLAB] * box.slabs]
        marked = "".join(
            element("rect", x=x, y=box.y, width=length, height=box.height, fill="none", class_="mark")
            for x, length, mark in zip(starts, lengths, chosen, strict=True)
            if mark
        )
        words = self.below(box, short_name(layers[0])) if words is None else words
        host = element(
            "g",
            title(self.describe(layers[0])),
            body,
            words,
            **self.button(layers[0], box.x, box.width, box),
        )
        slabs = "".join(
            element(
                "rect", title(self.describe(layer)), x=x, y=box.y, width=length, height=box.height, fill="transparent",
                **self.button(layer, x, length, box),
            )
            for layer, x, length in zip(layers[1:], starts[1:], lengths[1:], strict=True)
        )  # fmt: skip
        return host + slabs + marked

    def button(self, layer: Layer, x: float, width: float, box: Box) -> dict[str, Attribute]:
        """The attributes of an element that chooses a layer. The browser marks a layer around ``data-box``."""
        return {
            "data_pick": f"layer:{layer.name}",
            "data_box": f"{x:.1f} {box.y:.1f} {width:.1f} {box.height:.1f}",
            "role": "button",
            "aria_label": self.describe(layer),
            "aria_pressed": "true" if layer.name == self.appearance.chosen else "false",
        }

    def group(self, box: Box) -> str:
        """A closed part: a stack of sheets, with a sign that it can be opened."""
        layers = [self.analysis.layers[position] for position in box.node.layers]
        heaviest = max(layers, key=lambda layer: (layer.macs, layer.params))
        fill = self.fill(layers, heaviest.kind)
        words = ngettext(
            "{name}: {layers} layer, {parameters} parameters, {macs} MACs; open",
            "{name}: {layers} layers, {parameters} parameters, {macs} MACs; open",
            len(layers),
        ).format(
            name=caption(self.analysis, box.node),
            layers=len(layers),
            parameters=short(sum(layer.params for layer in layers)),
            macs=short(sum(layer.macs for layer in layers)),
        )
        return element(
            "g",
            title(words),
            volumes.stack(box, fill, self.outline([fill]), self.seams(box, layers[-1])),
            volumes.arc_over(box, self.kinds[Group.SHORTCUT]) if any(layer.kind == "Add" for layer in layers) else "",
            volumes.count(box, self.theme.ground),
            self.below(box, caption(self.analysis, box.node)),
            data_pick=f"fold:{box.node.key}",
            data_box=f"{box.x:.1f} {box.y:.1f} {box.width:.1f} {box.height:.1f}",
            data_layers=" ".join(ranges(box.node.layers)),
            role="button",
            aria_expanded="false",
            aria_label=words,
        )

    def seams(self, box: Box, layer: Layer) -> list[float]:
        """The x coordinates at which the channels of the next branch begin."""
        if layer.kind != "Concat" or box.node.level == "run":
            return []
        channels = [self.analysis.layers[source].output_shape for source in layer.inputs]
        widths = [sizes[1] if len(sizes) > 1 else 1 for sizes in channels]
        return [box.x + box.width * end / sum(widths) for end in list(accumulate(widths))[:-1]]

    def fill(self, layers: list[Layer], kind: str) -> str:
        if self.measure is None:
            return self.kinds[group_of(kind)]
        value = self.measure.definition.amount(layers)
        return heat.colour(value, *self.bounds, dark=self.appearance.dark) if value else heat.NONE

    def outline(self, fills: list[str]) -> str:
        """The colour of a box's outlines; hatched boxes have the colour of the page and need visible ones."""
        return self.theme.faint if heat.NONE in fills else self.theme.ground

    def describe(self, layer: Layer) -> str:
        return ngettext(
            "{name}: {words}, {before} to {after}, {parameters} parameter",
            "{name}: {words}, {before} to {after}, {parameters} parameters",
            layer.params,
        ).format(
            name=layer.name,
            words=layer.description,
            before=shape(layer.input_shape),
            after=shape(layer.output_shape),
            parameters=f"{layer.params:,}",
        )

    # Edges

    def edge(self, edge: Edge) -> str:
        source = edge.source or self.layout.start
        if source is None:
            return ""
        target = edge.target
        # An edge into another segment begins where its segment does.
        left = next(segment.left for segment in self.segments if segment.holds(target))
        x1, y1, x2, y2 = max(source.right, left), source.middle, target.x - 1, target.middle
        if edge.arc:
            return self.arc(edge, x1 if x1 == left else x1 + 5, y1, edge.arc)
        if y1 == y2:
            d = f"M{x1:.1f} {y1:.1f}H{x2:.1f}"
        else:
            corner = max(x1, x2 - BEND - 8)
            bend = (corner + x2) / 2
            d = f"M{x1:.1f} {y1:.1f}H{corner:.1f}C{bend:.1f} {y1:.1f} {bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
        return self.line(d, self.edge_colour(source, target))

    def arc(self, edge: Edge, x1: float, y1: float, level: float) -> str:
        target = edge.target
        top, x2 = arc_top(self.layout, edge, level), target.x + target.width / 2
        d = (
            f"M{x1:.1f} {y1:.1f}V{top + 7:.1f}Q{x1:.1f} {top:.1f} {x1 + 7:.1f} {top:.1f}"
            f"H{x2 - 7:.1f}Q{x2:.1f} {top:.1f} {x2:.1f} {top + 7:.1f}V{target.y - 2:.1f}"
        )
        return self.line(d, self.edge_colour(edge.source or target, target))

    def line(self, d: str, colour: str) -> str:
        width = 1.3 if colour == self.theme.faint else 1.7
        return element("path", d=d, fill="none", stroke=colour, stroke_width=width, marker_end="url(#arrow)")

    def edge_colour(self, source: Box, target: Box) -> str:
        """The colour of an edge: shortcuts and edges that skip to a concatenation have their own colours."""
        kind = self.first_layer(target).kind
        around = source.rank + 1 < target.rank
        if kind == "Add" and (around or source.lane != target.lane):
            return self.kinds[Group.SHORTCUT]
        if kind == "Concat" and around and source.lane == target.lane:
            return self.kinds[Group.CONCATENATION]
        return self.kinds[Group.SHORTCUT] if target.node.key in self.projections else self.theme.faint

    def first_layer(self, box: Box) -> Layer:
        return self.analysis.layers[box.node.layers[0]]

    def shape_label(self, source: Box | None, label: tuple[str, str]) -> str:
        if source is None:
            return ""
        channels, cells = label
        x = source.right + source.depth + (11 if source.node.children else 3)
        return text(x, source.middle - 4, channels, class_="shape", font_weight=600) + text(
            x, source.middle + 13, cells, class_="shape"
        )

    def output_shape(self, last: Box) -> str:
        sizes = self.analysis.layers[-1].output_shape
        line = element("path", d=f"M{last.right:.1f} {last.middle:.1f}h16", class_="edge", marker_end="url(#arrow)")
        return line + text(last.right + 20, last.middle + 4, shape(sizes), class_="name")
