"""The diagram as a picture file."""

from explorer.analysis import analyse
from explorer.drawing.diagram import draw
from explorer.drawing.looks import Look
from explorer.i18n import _
from explorer.specs import PRESETS, Spec, nearest, resolve


def svg(spec: Spec, look: Look | None = None) -> str:
    """The diagram of a network as SVG, for a light page unless ``look`` says otherwise."""
    return draw(analyse(spec), name(spec, nearest(spec)), look)


def name(spec: Spec, base: str) -> str:
    """What a network is called that was made from the preset ``base``."""
    title = PRESETS[base].title if base in PRESETS else base
    return title if resolve(base) == spec else _("{preset}, changed").format(preset=title)
