"""Auxiliary heads below a diagram: one line of text each, because they run only in training."""

from collections.abc import Callable, Mapping

from explorer.analysis import Analysis, Layer
from explorer.drawing.kinds import Group, group_of
from explorer.drawing.layout import words_width
from explorer.drawing.svg import element, text
from explorer.formatting import shape
from explorer.i18n import _

LINE = 22.0
SWATCH = 11.0
LEFT = 10.0


def lines(
    analysis: Analysis, top: float, name_of: Callable[[Layer], str], colours: Mapping[Group, str], faint: str
) -> tuple[str, float, float]:
    """A line for each head: the layer that it reads, its layers with their output shapes, and its parameters.

    Args:
        analysis: Analysis of the network.
        top: y coordinate of the first line.
        name_of: Function that names a layer.
        colours: Colours of the kinds of layers.
        faint: Colour of secondary text.

    Returns:
        The lines as SVG, their width and their height.
    """
    out, widest = [], 0.0
    for number, head in enumerate(analysis.auxiliary):
        middle = top + LINE * (number + 0.5)
        source = analysis.layers[head.source]
        start = _("{name} (training only) reads {layer}, {shape}").format(
            name=head.name, layer=source.name.partition(".")[0], shape=shape(source.output_shape)
        )
        out.append(text(LEFT, middle + 5, start, font_size=11, font_weight=600))
        x = LEFT + words_width(start) + 14
        for layer in head.layers:
            drops = layer.kind.startswith("Dropout")
            if not (layer.params or drops or "Pool" in layer.kind):
                continue
            words = name_of(layer).replace("\n", " ")
            words = words if drops else f"{words} → {shape(layer.output_shape)}"
            colour = colours[group_of(layer.kind)]
            out.append(element("rect", x=x, y=middle - 5, width=SWATCH, height=SWATCH, rx=2, fill=colour))
            out.append(text(x + 15, middle + 5, words, font_size=11))
            x += words_width(words) + 28
        end = _("{count:,} parameters").format(count=head.params)
        out.append(text(x, middle + 5, end, font_size=11, fill=faint))
        widest = max(widest, x + words_width(end) + LEFT)
    return "".join(out), widest, LINE * len(analysis.auxiliary)
