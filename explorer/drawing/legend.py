"""The legend of a diagram: the kinds of layers, or the scale of a measure with a sample for layers without any."""

from typing import NamedTuple

from explorer.analysis import Analysis
from explorer.analysis.measures import PIXELS, Measure, Number
from explorer.drawing import heat
from explorer.drawing.kinds import Group, colours, group_name, group_of
from explorer.drawing.layout import words_width
from explorer.drawing.svg import element, text
from explorer.drawing.theme import NAME, theme
from explorer.formatting import short
from explorer.i18n import _

LEFT = 8.0
TOP = 10.0  # distance in pixels to the diagram
SWATCH = 12.0
BAR = 260.0  # width of a scale in pixels
LINE, SCALE = 24.0, 58.0  # heights in pixels of a line of kinds, and of a scale
STEPS = 16  # colours of a scale


class LegendItem(NamedTuple):
    """An item of a legend as SVG, which begins at x = 0; a page may move it into another line."""

    svg: str
    width: float


class Legend(NamedTuple):
    """The items of a legend, and the height in pixels of a line of them."""

    items: list[LegendItem]
    line: float

    def placed(self, width: float, top: float) -> tuple[str, float]:
        """The legend as SVG, in lines no wider than the figure, and its height.

        Args:
            width: Width of the figure.
            top: y coordinate of the end of the diagram.
        """
        x, y, out = LEFT, 0.0, []
        for item in self.items:
            if x > LEFT and x + item.width > width:
                x, y = LEFT, y + self.line
            place = f"translate({x:.1f} {top + TOP + y:.1f})"
            out.append(element("g", item.svg, class_="entry", transform=place, data_width=item.width))
            x += item.width
        height = TOP + y + self.line
        return element("g", *out, class_="legend", data_line=self.line, data_left=LEFT, data_gap=TOP), height


def draw(analysis: Analysis, measure: Measure | None, *, dark: bool) -> Legend:
    """The legend of a diagram.

    Args:
        analysis: Analysis of the network.
        measure: Measure that colours the boxes; None for the kinds of layers.
        dark: Whether the page is dark.
    """
    if measure is None:
        groups = {group_of(layer.kind) for layer in analysis.all_layers}
        shown = [group for group in Group if group in groups]
        return Legend([_sample(colours(dark=dark)[group], group_name(group)) for group in shown], LINE)
    none = any(not measure.definition.amount([layer]) for layer in analysis.layers)
    items = [_scale(analysis, measure, dark=dark)]
    if none:
        items.append(_sample(heat.NONE, _("none"), theme(dark=dark).faint))
    return Legend(items, SCALE)


def _sample(fill: str, words: str, outline: str | None = None) -> LegendItem:
    box = element("rect", x=0, y=4, width=SWATCH, height=SWATCH, rx=2, fill=fill, stroke=outline)
    return LegendItem(box + text(SWATCH + 6, 15, words, class_="key"), SWATCH + 24 + words_width(words, NAME))


def _scale(analysis: Analysis, measure: Measure, *, dark: bool) -> LegendItem:
    """The colours from the least to the most, with three numbers below them."""
    least, most = heat.value_range(analysis, measure)
    unit = measure.definition.unit
    show = short if unit is PIXELS else unit.text
    name = _("{measure}, on a log scale").format(measure=measure.label)

    def at(place: float) -> float:
        return float(least * (most / least) ** place)

    stops = "".join(
        element("stop", offset=step / STEPS, stop_color=heat.colour(at(step / STEPS), least, most, dark=dark))
        for step in range(STEPS + 1)
    )
    scale = element("defs", element("linearGradient", stops, id="scale"))
    bar = element("rect", x=0, y=20, width=BAR, height=SWATCH, fill="url(#scale)", stroke=theme(dark=dark).faint)
    middle = at(0.5)
    ticks: dict[float, Number] = {0.0: least, 0.5: round(middle) if isinstance(most, int) else middle, 1.0: most}
    marks = "".join(
        element("path", d=f"M{BAR * place:.1f} 32v4", class_="edge")
        + text(BAR * place, 48, show(value), text_anchor={0.0: "start", 0.5: "middle", 1.0: "end"}[place], class_="key")
        for place, value in ticks.items()
        if most > least or place == 0.0
    )
    return LegendItem(text(0, 13, name, class_="key") + scale + bar + marks, max(BAR, words_width(name, NAME)) + 24)
