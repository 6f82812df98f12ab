"""Blocks as flow charts from top to bottom: a box for each layer, with a bar for its MACs, and shapes on the edges."""

from collections.abc import Sequence

from explorer.analysis.blocks import Branches, Inception
from explorer.analysis.kernels import Conv
from explorer.drawing import kinds, svg
from explorer.drawing.kinds import Group
from explorer.drawing.theme import Theme, theme
from explorer.formatting import short
from explorer.i18n import _

TEXT = 15
LETTER = 7.6  # mean width of a letter in pixels
EDGE = 34.0  # distance between boxes
HEIGHT = 48.0  # height of a box
PLAIN = 30.0  # height of a box without MACs
ARROW = 7.0


class _Canvas:
    """The boxes and edges of one figure, in the colours of its page."""

    def __init__(self, *, dark: bool, max_macs: int) -> None:
        self.colours: Theme = theme(dark=dark)
        self.kinds = kinds.colours(dark=dark)
        self.max_macs = max_macs
        self.parts: list[str] = []

    def text(self, x: float, y: float, words: str, *, faint: bool = False, anchor: str = "middle") -> None:
        fill = self.colours.faint if faint else self.colours.ink
        self.parts.append(svg.text(x, y, words, text_anchor=anchor, fill=fill))

    def plain(self, x: float, y: float, width: float, words: str, group: Group) -> None:
        """A layer without weights."""
        self._frame(x, y, width, PLAIN, group)
        self.text(x, y + 20, words)

    def conv(self, x: float, y: float, width: float, conv: Conv, side: int) -> None:
        """A convolution with its MACs, as a number and as a bar."""
        macs = conv.macs(side)
        self._frame(x, y, width, HEIGHT, Group.CONVOLUTION)
        ink = self.kinds[Group.CONVOLUTION]
        self.parts.append(
            svg.element(
                "rect", x=x - width / 2, y=y + HEIGHT - 6, width=width * macs / self.max_macs, height=6, fill=ink
            )
        )
        words = f"{conv.kernel}, {conv.outputs:,}"
        self.parts.append(svg.text(x, y + 18, words, text_anchor="middle", fill=self.colours.ink, font_weight=650))
        self.text(x, y + 36, short(macs), faint=True)

    def _frame(self, x: float, y: float, width: float, height: float, group: Group) -> None:
        colour = self.kinds[group]
        self.parts.append(
            svg.element(
                "rect", x=x - width / 2, y=y, width=width, height=height, rx=5,
                fill=colour, fill_opacity=0.14, stroke=colour, stroke_width=1.5,
            )
        )  # fmt: skip

    def edge(self, *points: tuple[float, float], group: Group | None = None) -> None:
        """A line through points, with an arrow that enters the last one from above or from the right."""
        colour = self.kinds[group] if group else self.colours.faint
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        self.parts.append(svg.element("path", d=path, fill="none", stroke=colour, stroke_width=1.5))
        (before, _y), (x, y) = points[-2:]
        tip = (
            ((x, y), (x - ARROW / 2, y - ARROW), (x + ARROW / 2, y - ARROW))
            if before == x
            else ((x, y), (x + ARROW, y - ARROW / 2), (x + ARROW, y + ARROW / 2))
        )
        self.parts.append(svg.polygon(tip, fill=colour))

    def figure(self, width: float, height: float, label: str) -> str:
        return svg.figure(width, height, *self.parts, label=label, style=f"text{{{svg.FONT};font-size:{TEXT}px}}")


def residual(
    convolutions: Sequence[Conv], side: int, *, max_macs: int, rows: int | None = None, dark: bool = False
) -> str:
    """A residual block (He et al. 2016, Figure 5) as SVG.

    Args:
        convolutions: Convolutions of the block; a ReLU follows each, the last ReLU after the addition.
        side: Side of the maps in cells.
        max_macs: MACs of a full bar; use the same for figures that are compared.
        rows: Number of convolutions for which there is room; None for those of the block.
        dark: Whether the page is dark.
    """
    canvas = _Canvas(dark=dark, max_macs=max_macs)
    x, width = 170.0, 150.0
    shapes = [
        f"{channels:,}×{side:,}×{side:,}" for channels in (convolutions[0].inputs, *(c.outputs for c in convolutions))
    ]
    shortcut = max(318.0, x + LETTER * max(map(len, shapes)) + 80)  # right of the words on the edges
    canvas.text(x, 18, shapes[0])
    y = 26.0
    start = y + 8
    canvas.parts.append(svg.element("circle", cx=x, cy=start, r=3, fill=canvas.kinds[Group.SHORTCUT]))
    for index, conv in enumerate(convolutions):
        canvas.edge((x, y), (x, y + EDGE))
        y += EDGE
        canvas.conv(x, y, width, conv, side)
        y += HEIGHT
        if index < len(convolutions) - 1:
            canvas.text(x + 12, y + 21, _("ReLU, {shape}").format(shape=shapes[index + 1]), faint=True, anchor="start")
    canvas.edge((x, y), (x, y + EDGE - 8))
    y += EDGE - 8
    plus = y + 14
    ink = canvas.kinds[Group.SHORTCUT]
    canvas.parts.append(
        svg.element("circle", cx=x, cy=plus, r=14, fill=canvas.colours.ground, stroke=ink, stroke_width=2)
    )
    canvas.text(x, plus + 6, "+")
    canvas.edge((x, start), (shortcut, start), (shortcut, plus), (x + 14, plus), group=Group.SHORTCUT)
    canvas.text(shortcut + 8, (start + plus) / 2, _("identity"), faint=True, anchor="start")
    y = plus + 14
    canvas.edge((x, y), (x, y + EDGE))
    canvas.text(x + 12, y + 21, _("ReLU"), faint=True, anchor="start")
    canvas.text(x, y + EDGE + 18, shapes[-1])
    label = _("A block of {layers} on {shape} maps, with an identity shortcut around it").format(
        layers=", ".join(f"{conv.kernel} ({conv.inputs:,} → {conv.outputs:,})" for conv in convolutions),
        shape=shapes[0],
    )
    room = ((rows or 0) - len(convolutions)) * (EDGE + HEIGHT)
    return canvas.figure(shortcut + 72, y + EDGE + 28 + max(0.0, room), label)


def inception(
    module: Inception, branches: Branches, *, max_macs: int, rows: int | None = None, dark: bool = False
) -> str:
    """An Inception module (Szegedy et al. 2015, Figure 2) as SVG.

    Args:
        module: Module.
        branches: Convolutions of each branch.
        max_macs: MACs of a full bar; use the same for figures that are compared.
        rows: Number of convolutions of a branch for which there is room; None for those of the module.
        dark: Whether the page is dark.
    """
    canvas = _Canvas(dark=dark, max_macs=max_macs)
    width, pitch, left = 92.0, 102.0, 52.0  # so narrow that it fits a phone with readable text
    side = f"{module.side}×{module.side}"
    deep = any(len(branch) > 1 for branch in branches)
    centre = left + 1.5 * pitch
    canvas.text(centre, 18, f"{module.inputs:,}×{side}")
    upper = 26 + EDGE
    lower = upper + HEIGHT + EDGE if deep else upper
    bottom = lower + HEIGHT + EDGE
    for index, (branch, channels) in enumerate(zip(branches, module.outputs(branches), strict=True)):
        x = left + index * pitch
        pooled = index == len(branches) - 1
        pool = upper + (HEIGHT - PLAIN) / (1 if deep else 2)
        first = pool if pooled else upper if len(branch) > 1 else lower
        canvas.edge((centre, 26), (centre, 26 + EDGE / 3), (x, 26 + EDGE / 3), (x, first))
        if pooled:
            canvas.plain(x, pool, width, _("pool 3×3"), Group.POOLING)
            canvas.edge((x, pool + PLAIN), (x, lower if branch else bottom))
        if len(branch) > 1:
            canvas.conv(x, upper, width, branch[0], module.side)
            canvas.edge((x, upper + HEIGHT), (x, lower))
        if branch:
            canvas.conv(x, lower, width, branch[-1], module.side)
            canvas.edge((x, lower + HEIGHT), (x, bottom))
        canvas.text(x + 8, bottom - 10, f"{channels:,}", faint=True, anchor="start")
    total = sum(module.outputs(branches))
    canvas.plain(centre, bottom, 3 * pitch + width, _("concatenation"), Group.CONCATENATION)
    canvas.edge((centre, bottom + PLAIN), (centre, bottom + PLAIN + EDGE / 1.5))
    canvas.text(centre, bottom + PLAIN + EDGE + 8, f"{total:,}×{side}")
    label = _("Four branches on {inputs:,} channels hand on {outputs} channels, {total:,} together").format(
        inputs=module.inputs, outputs=", ".join(map(str, module.outputs(branches))), total=total
    )
    room = ((rows or 0) - (2 if deep else 1)) * (EDGE + HEIGHT)
    return canvas.figure(2 * left + 3 * pitch, bottom + PLAIN + EDGE + 18 + max(0.0, room), label)
