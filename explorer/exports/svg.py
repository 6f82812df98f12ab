"""The diagram as a picture file."""

from explorer.analysis import analyse
from explorer.drawing.diagram import draw
from explorer.drawing.looks import Appearance
from explorer.families import PRESETS, Spec, nearest, resolve
from explorer.families.naming import title


def svg(spec: Spec, look: Appearance | None = None) -> str:
    """The diagram of a network as SVG, for a light page unless ``look`` says otherwise."""
    return draw(analyse(spec), name(spec, nearest(spec)), look)


def name(spec: Spec, base: str) -> str:
    """What a network is called that was made from the preset ``base``."""
    return title(spec, base) if base in PRESETS or resolve(base) != spec else base
