"""The diagram as an SVG file."""

from explorer.analysis import analyse
from explorer.drawing.appearance import Appearance
from explorer.drawing.diagram import draw
from explorer.families import PRESETS, Spec, nearest, resolve
from explorer.families.naming import title


def svg(spec: Spec, appearance: Appearance | None = None) -> str:
    """Returns the diagram of a network as SVG, by default for a light page."""
    return draw(analyse(spec), name(spec, nearest(spec)), appearance)


def name(spec: Spec, base: str) -> str:
    """Returns the name of a network that was made from the preset or own name ``base``."""
    return title(spec, base) if base in PRESETS or resolve(base) != spec else base
