"""A field to draw into with mouse, finger, pen or keyboard. The browser computes the network's answer while one draws.

The browser prepares the drawing in the same way as the server (:mod:`explorer.prediction.stroke_framing`). It receives
the network with the first message; Streamlit does not send the same large message twice.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from explorer.data.framing import Framing
from explorer.i18n import _
from explorer.prediction import browser_images, ink, networks
from explorer.prediction.browser_network import field_words, for_browser
from explorer.prediction.networks import Network
from explorer.ui.callbacks import trigger_value

ASSETS = Path(__file__).parents[1] / "assets"
SCRIPTS = ("answer_bars", "drawing_strokes", "drawing_network", "drawing_field")
STYLES = ("answer_bars", "drawing_field")
SIDE = 300  # largest side of the field in pixels

_mount = st.components.v2.component(
    "explorer_drawing",
    html=(ASSETS / "drawing_field.html").read_text(encoding="utf-8"),
    css="\n".join((ASSETS / f"{name}.css").read_text(encoding="utf-8") for name in STYLES),
    js="\n".join((ASSETS / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS),
)


def show(name: str, *, key: str, side: int = SIDE) -> None:
    """Render a field to draw into, and the answer of a shipped network.

    Args:
        name: Name of a shipped network that was trained with strokes.
        key: Key of the widget.
        side: Largest side of the field in pixels. A narrow page shrinks it.

    Raises:
        InputError: If there is no such network, or it was not trained with strokes.
    """
    network = networks.shipped(name)
    ink.check(network.card)
    render(network, key=key, side=side)


def render(
    network: Network, *, key: str, side: int = SIDE, on_drawing: Callable[[bytes | None], None] | None = None
) -> None:
    """Render a field to draw into, and a network's answer if the browser can compute it.

    Args:
        network: Network that was trained with strokes (:func:`explorer.prediction.ink.framing_for`).
        key: Key of the widget.
        side: Largest side of the field in pixels. A narrow page shrinks it.
        on_drawing: Callback before the next run, when the user has paused, with the drawing as an image file, or with
            None after the last stroke is removed. Without it, the drawing does not leave the browser.
    """
    exported = for_browser(network)

    def report() -> None:
        value = trigger_value(key, "drawing")
        if on_drawing and isinstance(value, str):
            on_drawing(browser_images.decode(value) if value else None)

    data = {
        "name": network.name, "network": exported, "classes": list(network.card.classes), "side": side,
        "reports": on_drawing is not None, "words": _words(network, exported is not None),
    }  # fmt: skip
    _mount(key=key, data=data, on_drawing_change=report)


def preparation(network: Network) -> str:
    """Return a sentence on what is done with a drawing before a network sees it."""
    height, width = network.card.inputs.sides
    if ink.framing_for(network.card) is Framing.BOX:
        return _(
            "The drawing is cropped to its strokes, set upright, drawn with the pen of the network's own digits and "
            "made as high as the picture: {width} × {height} pixels, as in scikit-learn's digits."
        ).format(width=width, height=height)
    return _(
        "The drawing is cropped to its strokes, scaled to {fill} pixels, drawn with the pen of the network's own "
        "digits and centred by mass in {width} × {height} pixels, as MNIST was."
    ).format(fill=round(min(height, width) * 20 / 28), width=width, height=height)


def _words(network: Network, in_browser: bool) -> dict[str, Any]:
    answered = (
        _("Your browser computes the answer, while you draw.")
        if in_browser
        else _(
            "This network is too large for the browser, has other layers, or reads images that are not square: the "
            "server answers after each stroke."
        )
    )
    return field_words(preparation=f"{preparation(network)} {answered}")
