"""The diagram as a picture file."""

from explorer.analysis import analyse
from explorer.drawing.diagram import draw
from explorer.drawing.looks import Look
from explorer.specs import PRESETS, Spec, nearest, resolve


def svg(spec: Spec, look: Look | None = None) -> str:
    """The diagram of a network as SVG, for a light page unless ``look`` says otherwise."""
    base = nearest(spec)
    title = PRESETS[base].title if base in PRESETS and resolve(base) == spec else base
    return draw(analyse(spec), title, look)
