"""The diagram of a network: volumes drawn to scale, from left to right, branches side by side.

Maps are as high as the root of their side and as long as the root of their channels. A thin slab behind a volume
is a layer that keeps its shape. What can be chosen carries ``data-pick``: ``layer:NAME``, or ``fold:KEY`` for
what opens and closes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import accumulate

from explorer.analysis import Analysis, Layer
from explorer.drawing import heat
from explorer.drawing.kinds import DARK, LIGHT, Group, group_name, group_of
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
    shape_words,
    words_width,
)
from explorer.drawing.numbers import bytes_short, shape, short
from explorer.drawing.svg import FONT, Attribute, element, picture, polygon, text, title
from explorer.drawing.theme import Theme, theme
from explorer.drawing.tree import Node, path_to, tree, visible
from explorer.i18n import _
from explorer.specs import GoogLeNetSpec

LEGEND = 30.0
WHOLE = 26  # units that fit beside each other: such networks are drawn in full
PARTS = 36


@dataclass(frozen=True, slots=True)
class Look:
    """How a network is drawn.

    ``colour`` is "kind" or one of :data:`explorer.drawing.heat.MEASURES`; ``detail`` "auto" opens as much as fits a
    page, "all" everything, "stages" nothing; ``folded`` are the keys of nodes that are the other way round;
    ``chosen`` is the name of a layer, which is drawn even if its block is closed.
    """

    colour: str = "kind"
    detail: str = "auto"
    folded: frozenset[str] = frozenset()
    chosen: str = ""
    dark: bool = False


def draw(analysis: Analysis, name: str, look: Look | None = None) -> str:
    """The diagram as SVG.

    Args:
        analysis: of the network.
        name: of the network, for the text alternative.
        look: how to draw it.
    """
    look = look or Look()
    stages = tree(analysis)
    layout = lay_out(analysis, stages, opening(analysis, stages, look), lambda node: caption(analysis, node))
    return _Drawing(analysis, layout, look).svg(name)


def opening(analysis: Analysis, stages: Iterable[Node], look: Look) -> Callable[[Node], bool]:
    """Which nodes are open."""
    stages = tuple(stages)
    everything = {"stage", "run", "block"}
    levels: set[str] = everything if look.detail == "all" else set()
    if look.detail == "auto":
        if len(visible(stages, lambda _node: True)) <= WHOLE:
            levels = everything
        elif len(visible(stages, lambda node: node.level == "stage")) <= PARTS:
            levels = {"stage"}
    names = [layer.name for layer in analysis.layers]
    needed = set(path_to(stages, names.index(look.chosen))) if look.chosen in names else set()
    return lambda node: node.key in needed or (node.level in levels) != (node.key in look.folded)


def toggled(analysis: Analysis, look: Look, key: str) -> Look:
    """The look after a node was opened or closed by hand; a chosen layer in a closed node is chosen no more."""
    stages = tree(analysis)
    node = next((node for stage in stages for node in stage.walk() if node.key == key and node.children), None)
    if node is None:
        return look
    opened = not opening(analysis, stages, look)(node)
    inside = look.chosen in {analysis.layers[position].name for position in node.layers}
    plain = replace(look, folded=look.folded - {key}, chosen="")
    folded = plain.folded if opening(analysis, stages, plain)(node) == opened else plain.folded | {key}
    return replace(look, folded=folded, chosen="" if inside and not opened else look.chosen)


def caption(analysis: Analysis, node: Node) -> str:
    """The words under a box."""
    if node.children:
        name = node.key.removeprefix("inception")
        heads = analysis.spec.aux_after if isinstance(analysis.spec, GoogLeNetSpec) else ()
        return _("{module} + aux").format(module=name) if name in heads else name
    return what(analysis.layers[node.layers[0]])


def what(layer: Layer) -> str:
    """A layer in one or two words."""
    if layer.kind == "Add":
        return ""
    if layer.window:
        return layer.window.steps
    words = {"Linear": _("linear"), "Concat": _("concat"), "AdaptiveAvgPool2d": _("avg pool")}
    return words.get(layer.kind, layer.kind)


class _Drawing:
    """One picture: what all its parts need to know."""

    def __init__(self, analysis: Analysis, layout: Layout, look: Look) -> None:
        self.analysis = analysis
        self.layout = layout
        self.look = look
        self.theme: Theme = theme(dark=look.dark)
        self.kinds = DARK if look.dark else LIGHT
        self.bounds = heat.steps(analysis, look.colour) if look.colour != "kind" else (1, 1)

    def svg(self, name: str) -> str:
        layout = self.layout
        start, last = layout.start, layout.boxes[-1]
        parts = [
            *(self.band(frame, position) for position, frame in enumerate(self.outer_frames())),
            *(self.inner(frame) for frame in layout.frames if frame.nesting),
            *(self.edge(edge) for edge in layout.edges),
            self.image(start) if start else "",
            self.tail(last),
            *(self.group(box) if box.node.children else self.unit(box) for box in layout.boxes),
            self.legend(),
        ]
        words = _("Diagram of {name}: {layers} layers from a {image} image to {output}").format(
            name=name,
            layers=len(self.analysis.layers),
            image=shape(self.analysis.input_shape),
            output=shape(self.analysis.layers[-1].output_shape),
        )
        style = (
            f"text{{{FONT};fill:{self.theme.ink}}} .mark{{stroke:{self.theme.mark};stroke-width:2.5}} "
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
        return picture(width, layout.height + LEGEND, arrow, *parts, label=words, style=style)

    def small(self) -> dict[str, Attribute]:
        return {"font_size": 11, "text_anchor": "middle", "fill": self.theme.faint}

    # Boxes

    def image(self, box: Box) -> str:
        """What goes into the network."""
        words = text(box.x + box.width / 2, box.y + box.height + LABEL, _("image"), **self.small())
        return self.volume(box, [self.theme.panel], self.theme.line) + words

    def unit(self, box: Box) -> str:
        """A layer and the layers that follow it without changing the shape."""
        layers = [self.analysis.layers[position] for position in box.node.layers]
        chosen = [layer.name == self.look.chosen for layer in layers]
        fills = [self.fill([layer], layer.kind) for layer in layers]
        if layers[0].kind == "Add":
            body = self.joint(box, fills)
        else:
            body = self.volume(box, fills, self.theme.ground, self.seams(box, layers[0]))
        starts = [box.x, *(box.x + box.width + SLAB * step for step in range(box.slabs))]
        lengths = [box.width, *[SLAB] * box.slabs]
        marked = "".join(
            element("rect", x=x, y=box.y, width=length, height=box.height, fill="none", class_="mark")
            for x, length, mark in zip(starts, lengths, chosen, strict=True)
            if mark
        )
        words = text(box.x + box.width / 2, box.y + box.height + LABEL, what(layers[0]), **self.small())
        host = element(
            "g",
            title(self.describe(layers[0])),
            body,
            words if what(layers[0]) else "",
            **self.button(layers[0]),
        )
        slabs = "".join(
            element(
                "rect", title(self.describe(layer)), x=x, y=box.y, width=length, height=box.height, fill="transparent",
                **self.button(layer),
            )
            for layer, x, length in zip(layers[1:], starts[1:], lengths[1:], strict=True)
        )  # fmt: skip
        return host + slabs + marked

    def button(self, layer: Layer) -> dict[str, Attribute]:
        """What makes an element choose a layer."""
        return {
            "data_pick": f"layer:{layer.name}",
            "role": "button",
            "aria_label": self.describe(layer),
            "aria_pressed": "true" if layer.name == self.look.chosen else "false",
        }

    def group(self, box: Box) -> str:
        """A closed part: a stack, with a sign that it can be opened."""
        layers = [self.analysis.layers[position] for position in box.node.layers]
        heaviest = max(layers, key=lambda layer: (layer.macs, layer.params))
        fill = self.fill(layers, heaviest.kind)
        behind = "".join(
            element(
                "rect", x=box.x + shift, y=box.y - shift, width=box.width, height=box.height,
                fill=fill, stroke=self.theme.ground, opacity=0.45,
            )
            for shift in (8.0, 4.0)
        )  # fmt: skip
        face = element(
            "rect", x=box.x, y=box.y, width=box.width, height=box.height, fill=fill, stroke=self.theme.ground
        )
        words = _("{name}: {layers} layers, {parameters} parameters, {macs} MACs; open").format(
            name=caption(self.analysis, box.node),
            layers=len(layers),
            parameters=short(sum(layer.params for layer in layers)),
            macs=short(sum(layer.macs for layer in layers)),
        )
        centre, below = box.x + box.width / 2, box.y + box.height
        return element(
            "g",
            title(words),
            behind,
            face,
            self.shortcut_sign(box, layers),
            self.count_sign(box),
            text(centre, below + LABEL, caption(self.analysis, box.node), **self.small()),
            data_pick=f"fold:{box.node.key}",
            role="button",
            aria_expanded="false",
            aria_label=words,
        )

    def shortcut_sign(self, box: Box, layers: list[Layer]) -> str:
        """An arc over a closed block that has a shortcut."""
        if not any(layer.kind == "Add" for layer in layers):
            return ""
        left, right, top = box.x - 4, box.x + box.width + 4, box.y - 12
        path = f"M{left:.1f} {box.middle:.1f} V{top + 8:.1f} Q{left:.1f} {top:.1f} {left + 8:.1f} {top:.1f} "
        path += f"H{right - 8:.1f} Q{right:.1f} {top:.1f} {right:.1f} {top + 8:.1f} V{box.middle:.1f}"
        return element("path", d=path, fill="none", stroke=self.kinds[Group.SHORTCUT], stroke_width=1.6)

    def count_sign(self, box: Box) -> str:
        """How many blocks a run stands for, and that a click opens it."""
        count = len(box.node.children) if box.node.level == "run" else 0
        words = f"{count} ×" if count else "+"
        width = words_width(words) + 10
        x, y = box.x + box.width / 2, box.middle
        return element(
            "rect", x=x - width / 2, y=y - 9, width=width, height=18, rx=9, fill=self.theme.ground, opacity=0.92
        ) + text(x, y + 4, words, font_size=12, text_anchor="middle", font_weight=600)

    def volume(self, box: Box, fills: list[str], stroke: str, seams: Iterable[float] = ()) -> str:
        """Front, top and side of a box; each layer of a unit is a slice."""
        d, y, h = box.depth, box.y, box.height
        edges = list(accumulate([box.width, *[SLAB] * (len(fills) - 1)], initial=box.x))
        out = []
        outline: dict[str, Attribute] = {"stroke": stroke, "stroke_width": 0.6}
        for fill, left, right in zip(fills, edges, edges[1:], strict=False):
            top = [(left, y), (left + d, y - d), (right + d, y - d), (right, y)]
            out.append(polygon(top, fill=fill, **outline))
            out.append(polygon(top, fill="#fff", opacity=0.35))
            out.append(element("rect", x=left, y=y, width=right - left, height=h, fill=fill, **outline))
        right = edges[-1]
        side = [(right, y), (right + d, y - d), (right + d, y + h - d), (right, y + h)]
        out.append(polygon(side, fill=fills[-1], **outline))
        out.append(polygon(side, fill="#000", opacity=0.25))
        out += [element("line", x1=x, y1=y, x2=x, y2=y + h, stroke=stroke, stroke_width=1.2) for x in seams]
        return "".join(out)

    def seams(self, box: Box, layer: Layer) -> list[float]:
        """Where the channels of one branch end and those of the next begin."""
        if layer.kind != "Concat":
            return []
        channels = [self.analysis.layers[source].output_shape for source in layer.inputs]
        widths = [sizes[1] if len(sizes) > 1 else 1 for sizes in channels]
        return [box.x + box.width * end / sum(widths) for end in list(accumulate(widths))[:-1]]

    def joint(self, box: Box, fills: list[str]) -> str:
        """An addition: a circle with a plus."""
        x, y = box.x + box.width / 2, box.middle
        return (
            element("circle", cx=x, cy=y, r=box.width / 2, fill=fills[0])
            + element("path", d=f"M{x - 5:.1f} {y:.1f}h10M{x:.1f} {y - 5:.1f}v10", stroke="#fff", stroke_width=2)
            + "".join(
                element("rect", x=box.x + box.width + SLAB * step, y=box.y, width=SLAB, height=box.height, fill=fill)
                for step, fill in enumerate(fills[1:])
            )
        )

    def fill(self, layers: list[Layer], kind: str) -> str:
        if self.look.colour == "kind":
            return self.kinds[group_of(kind)]
        value = heat.amount(layers, self.look.colour)
        return heat.colour(value, *self.bounds, dark=self.look.dark) if value else self.theme.line

    def describe(self, layer: Layer) -> str:
        return (
            _("{name}: {kind} {window}, {before} to {after}, {parameters} parameters")
            .format(
                name=layer.name,
                kind=layer.kind,
                window=str(layer.window or ""),
                before=shape(layer.input_shape),
                after=shape(layer.output_shape),
                parameters=f"{layer.params:,}",
            )
            .replace(" ,", ",")
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
            turn = max(x1 + 4, x2 - 34)
            bend = (turn + x2) / 2
            d = f"M{x1:.1f} {y1:.1f}H{turn:.1f}C{bend:.1f} {y1:.1f} {bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
        line = element("path", d=d, class_="edge", marker_end="url(#arrow)")
        return line + (self.shape_label(source, edge.shape) if edge.labelled else "")

    def arc(self, source: Box, target: Box, level: float) -> str:
        between = [box for box in self.layout.boxes if source.rank < box.rank < target.rank]
        top = min([box.top for box in between] + [source.y, target.y]) - 8 - ARC * (level - 1)
        x1, x2 = source.right + 5, target.x + target.width / 2
        d = (
            f"M{x1:.1f} {source.middle:.1f}V{top + 7:.1f}Q{x1:.1f} {top:.1f} {x1 + 7:.1f} {top:.1f}"
            f"H{x2 - 7:.1f}Q{x2:.1f} {top:.1f} {x2:.1f} {top + 7:.1f}V{target.y - 2:.1f}"
        )
        colour = self.kinds[Group.SHORTCUT]
        return element("path", d=d, fill="none", stroke=colour, stroke_width=1.6, marker_end="url(#arrow)")

    def shape_label(self, source: Box, sizes: tuple[int, ...]) -> str:
        channels, cells = shape_words(sizes)
        x = source.right + source.depth + (11 if source.node.children else 3)
        style: dict[str, Attribute] = {"font_size": 11.5, "fill": self.theme.ink}
        return text(x, source.middle - 4, channels, font_weight=600, **style) + text(
            x, source.middle + 12, cells, **style
        )

    def tail(self, last: Box) -> str:
        sizes = self.analysis.layers[-1].output_shape
        line = element("path", d=f"M{last.right:.1f} {last.middle:.1f}h16", class_="edge", marker_end="url(#arrow)")
        return line + text(last.right + 20, last.middle + 4, shape(sizes), font_size=11, font_weight=600)

    # Frames

    def outer_frames(self) -> list[Frame]:
        return [frame for frame in self.layout.frames if frame.nesting == 0]

    def band(self, frame: Frame, position: int) -> str:
        """The ground of a stage, every second one shaded, with its name above."""
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
        """The name of an open part; choosing it closes the part."""
        y, width = HEADER * frame.nesting, frame.right - frame.left
        name = frame.node.key
        words = name if words_width(name) + 22 < width else ""
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

    # Legend

    def legend(self) -> str:
        y = self.layout.height + LEGEND / 2
        if self.look.colour == "kind":
            groups = dict.fromkeys(group_of(layer.kind) for layer in self.analysis.layers)
            x, out = 10.0, []
            for group in sorted(groups, key=list(Group).index):
                out.append(element("rect", x=x, y=y - 5, width=11, height=11, rx=2, fill=self.kinds[group]))
                out.append(text(x + 15, y + 5, group_name(group), font_size=11))
                x += words_width(group_name(group)) + 30
            return "".join(out)
        least, most = self.bounds
        show = bytes_short if self.look.colour == "activation_bytes" else short
        cells = [
            element(
                "rect", x=60 + 3 * step, y=y - 5, width=3.2, height=11,
                fill=heat.colour(round(least * (most / least) ** (step / 40)), least, most, dark=self.look.dark),
            )
            for step in range(41)
        ]  # fmt: skip
        return (
            text(54, y + 5, show(least), font_size=11, text_anchor="end")
            + "".join(cells)
            + text(60 + 3 * 41 + 6, y + 5, show(most), font_size=11)
        )
