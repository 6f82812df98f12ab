"""The diagram of a network: volumes drawn to scale from left to right, with branches side by side.

The height of a map is proportional to the square root of its side, and its length to the square root of its channels. A
thin slab after a volume is a layer that keeps the shape. Elements that users can choose have the attribute
``data-pick``: ``layer:NAME`` for layers, ``fold:KEY`` for parts that open and close.
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import accumulate

from explorer.analysis import Analysis, Layer
from explorer.analysis.measures import DIAGRAM_MEASURES, PIXELS
from explorer.drawing import heads, heat, volumes
from explorer.drawing.appearance import Appearance, open_predicate
from explorer.drawing.kinds import Group, colours, group_name, group_of
from explorer.drawing.layout import (
    ARC,
    HEADER,
    LABEL,
    SLAB,
    Box,
    Edge,
    Frame,
    Layout,
    lay_out,
    words_width,
)
from explorer.drawing.svg import FONT, Attribute, element, figure, polygon, text, title
from explorer.drawing.theme import Theme, theme
from explorer.drawing.tree import Node, tree
from explorer.formatting import shape, short
from explorer.i18n import _, ngettext

LEGEND = 30.0
MAX_NAME = 16  # characters of a module's name; of longer names, only the last part is shown


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


def caption(analysis: Analysis, node: Node) -> str:
    """The caption under a box, in one or two lines."""
    if node.level == "run" and not node.children[0].children:
        return short_name(analysis.layers[node.layers[0]])
    if node.children:
        name = node.key.removeprefix("inception")
        if len(name) > MAX_NAME:
            name = "–".join(part.rpartition(".")[2] for part in name.split("–"))
        read = {analysis.layers[head.source].name.partition(".")[0] for head in analysis.auxiliary}
        return _("{module} + aux").format(module=name) if node.key in read else name
    return short_name(analysis.layers[node.layers[0]])


def short_name(layer: Layer) -> str:
    """The name of a layer in one or two words; empty for additions."""
    if layer.kind == "Add":
        return ""
    if layer.window:
        pool = {"MaxPool2d": _("max\n{window}"), "AvgPool2d": _("avg\n{window}")}.get(layer.kind, "{window}")
        return pool.format(window=layer.window.kernel_and_stride)
    words = {"Linear": _("linear"), "Concat": _("concat"), "AdaptiveAvgPool2d": _("avg pool")}
    return words.get(layer.kind, layer.kind)


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

    def svg(self, name: str) -> str:
        layout = self.layout
        start, last = layout.start, layout.boxes[-1]
        parts = [
            *(self.band(frame, position) for position, frame in enumerate(self.outer_frames())),
            *(self.inner(frame) for frame in layout.frames if frame.nesting),
            *(self.edge(edge) for edge in layout.edges),
            self.image(start) if start else "",
            self.output_shape(last),
            *(self.group(box) if box.node.children else self.unit(box) for box in layout.boxes),
            self.legend(),
        ]
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
            f"text{{{FONT};fill:{self.theme.ink}}} .mark{{stroke:{self.theme.mark};stroke-width:2.5}} "
            f".shape{{paint-order:stroke;stroke:{self.theme.ground};stroke-width:2.5px;stroke-linejoin:round}} "
            f".edge{{stroke:{self.theme.faint};fill:none;stroke-width:1.3}} .head{{fill:{self.theme.faint}}}"
        )
        arrow = element(
            "defs",
            element(
                "marker",
                polygon([(0, 0), (6, 3), (0, 6)], class_="head"),
                id="arrow", viewBox="0 0 6 6", refX=5, refY=3, markerWidth=6, markerHeight=6, orient="auto",
            ),
        )  # fmt: skip
        width = max(layout.width, 360.0)
        top = layout.height + LEGEND
        drawn, needed, height = heads.lines(self.analysis, top, short_name, self.kinds, self.theme.faint)
        return figure(max(width, needed), top + height, arrow, *parts, drawn, label=words, style=style)

    def below(self, box: Box, words: str) -> str:
        """The caption of a box, one or two lines."""
        x, y = box.x + box.width / 2, box.y + box.height
        return "".join(
            text(x, y + LABEL * line, part, font_size=11, text_anchor="middle", fill=self.theme.faint)
            for line, part in enumerate(words.split("\n"), 1)
            if part
        )

    # Boxes

    def image(self, box: Box) -> str:
        """The input image."""
        words = self.below(box, _("image"))
        return volumes.volume(box, [self.theme.panel], self.theme.line) + words

    def unit(self, box: Box) -> str:
        """A layer, with the layers after it that keep the shape."""
        layers = [self.analysis.layers[position] for position in box.node.layers]
        chosen = [layer.name == self.appearance.chosen for layer in layers]
        fills = [self.fill([layer], layer.kind) for layer in layers]
        if layers[0].kind == "Add":
            body = volumes.joint(box, fills)
        else:
            body = volumes.volume(box, fills, self.theme.ground, self.seams(box, layers[0]))
        starts = [box.x, *(box.x + box.width + SLAB * step for step in range(box.slabs))]
        lengths = [box.width, *[SLAB] * box.slabs]
        marked = "".join(
            element("rect", x=x, y=box.y, width=length, height=box.height, fill="none", class_="mark")
            for x, length, mark in zip(starts, lengths, chosen, strict=True)
            if mark
        )
        words = self.below(box, short_name(layers[0]))
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
        words = _("{name}: {layers} layers, {parameters} parameters, {macs} MACs; open").format(
            name=caption(self.analysis, box.node),
            layers=len(layers),
            parameters=short(sum(layer.params for layer in layers)),
            macs=short(sum(layer.macs for layer in layers)),
        )
        return element(
            "g",
            title(words),
            volumes.stack(box, fill, self.theme.ground, self.seams(box, layers[-1])),
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
        return heat.colour(value, *self.bounds, dark=self.appearance.dark) if value else self.theme.line

    def describe(self, layer: Layer) -> str:
        return _("{name}: {words}, {before} to {after}, {parameters} parameters").format(
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
        x1, y1, x2, y2 = source.right, source.middle, target.x - 1, target.middle
        if edge.arc:
            return self.arc(source, target, edge.arc)
        if y1 == y2:
            d = f"M{x1:.1f} {y1:.1f}H{x2:.1f}"
        else:
            corner = max(x1 + 4, x2 - 34)
            bend = (corner + x2) / 2
            d = f"M{x1:.1f} {y1:.1f}H{corner:.1f}C{bend:.1f} {y1:.1f} {bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
        line = self.line(d, self.edge_colour(source, target))
        return line + (self.shape_label(source, edge.label) if edge.label else "")

    def arc(self, source: Box, target: Box, level: float) -> str:
        between = [box for box in self.layout.boxes if source.rank < box.rank < target.rank]
        top = min([box.top for box in between] + [source.y, target.y]) - 8 - ARC * (level - 1)
        x1, x2 = source.right + 5, target.x + target.width / 2
        d = (
            f"M{x1:.1f} {source.middle:.1f}V{top + 7:.1f}Q{x1:.1f} {top:.1f} {x1 + 7:.1f} {top:.1f}"
            f"H{x2 - 7:.1f}Q{x2:.1f} {top:.1f} {x2:.1f} {top + 7:.1f}V{target.y - 2:.1f}"
        )
        return self.line(d, self.edge_colour(source, target))

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

    def shape_label(self, source: Box, label: tuple[str, str]) -> str:
        channels, cells = label
        x = source.right + source.depth + (11 if source.node.children else 3)
        style: dict[str, Attribute] = {"font_size": 11.5, "class_": "shape"}
        return text(x, source.middle - 4, channels, font_weight=600, **style) + text(
            x, source.middle + 12, cells, **style
        )

    def output_shape(self, last: Box) -> str:
        sizes = self.analysis.layers[-1].output_shape
        line = element("path", d=f"M{last.right:.1f} {last.middle:.1f}h16", class_="edge", marker_end="url(#arrow)")
        return line + text(last.right + 20, last.middle + 4, shape(sizes), font_size=11, font_weight=600)

    # Frames

    def outer_frames(self) -> list[Frame]:
        return [frame for frame in self.layout.frames if frame.nesting == 0]

    def band(self, frame: Frame, position: int) -> str:
        """The background of a stage with its name above; every second stage is shaded."""
        ground = element(
            "rect", x=frame.left, y=0, width=frame.right - frame.left, height=self.layout.height, rx=4,
            fill=self.theme.panel, opacity=1 if position % 2 == 0 else 0.45,
        )  # fmt: skip
        return ground + self.header(frame)

    def inner(self, frame: Frame) -> str:
        y = HEADER * frame.nesting
        ground = element(
            "rect", x=frame.left, y=y, width=frame.right - frame.left, height=self.layout.height - y - 3, rx=4,
            fill="none", stroke=self.theme.line,
        )  # fmt: skip
        return ground + self.header(frame)

    def header(self, frame: Frame) -> str:
        """The name of an open part; a click on it closes the part."""
        y, width = HEADER * frame.nesting, frame.right - frame.left
        name = frame.node.key
        words = self.heading(frame.node)
        words = next((short for short in (words, name) if words_width(short) + 30 < width), "")
        described = _("{name}: close").format(name=name)
        return element(
            "g",
            title(described),
            element("rect", x=frame.left, y=y, width=width, height=HEADER - 2, fill="transparent"),
            text(frame.left + 5, y + 15, f"▾ {words}".strip(), font_size=11.5, font_weight=600, fill=self.theme.faint),
            data_pick=f"fold:{name}",
            role="button",
            aria_expanded="true",
            aria_label=described,
        )

    def heading(self, node: Node) -> str:
        """The name of a stage: its map, and the name of its module if all its layers are in one module."""
        modules = {self.analysis.layers[position].name.partition(".")[0] for position in node.layers}
        module = modules.pop() if len(modules) == 1 and len(node.layers) > 1 else ""
        named = node.level == "stage" and module not in ("", node.key, "features", "classifier")
        return f"{node.key} · {module}" if named else node.key

    # Legend

    def legend(self) -> str:
        y = self.layout.height + LEGEND / 2
        if self.measure is None:
            groups = dict.fromkeys(group_of(layer.kind) for layer in self.analysis.layers)
            x, out = 10.0, []
            for group in sorted(groups, key=list(Group).index):
                out.append(element("rect", x=x, y=y - 5, width=11, height=11, rx=2, fill=self.kinds[group]))
                out.append(text(x + 15, y + 5, group_name(group), font_size=11))
                x += words_width(group_name(group)) + 30
            return "".join(out)
        least, most = self.bounds
        unit = self.measure.definition.unit
        show = short if unit is PIXELS else unit.text
        left = max(54.0, words_width(show(least)))
        cells = [
            element(
                "rect", x=left + 6 + 3 * step, y=y - 5, width=3.2, height=11,
                fill=heat.colour(least * (most / least) ** (step / 40), least, most, dark=self.appearance.dark),
            )
            for step in range(41)
        ]  # fmt: skip
        return (
            text(left, y + 5, show(least), font_size=11, text_anchor="end")
            + "".join(cells)
            + text(left + 135, y + 5, _("{most}, on a log scale; grey: none").format(most=show(most)), font_size=11)
        )
