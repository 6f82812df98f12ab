"""A trained network as one HTML file: it answers drawings, pictures and the camera in the browser, without a network.

The file holds the weights and the scripts of the drawing field, so that nobody has to install anything. Nothing leaves
the computer: the file's own policy (Content-Security-Policy) forbids every request.
"""

from pathlib import Path
from typing import Any

import jinja2

from explorer.drawing.theme import theme
from explorer.errors import InputError
from explorer.exports.run import translate_errors
from explorer.files import atomic_write
from explorer.formatting import bytes_short, short
from explorer.i18n import _, language
from explorer.prediction import browser_network
from explorer.weights.files import load

MAX_BYTES = 12_000_000  # of weights as 32-bit floats; the file is a third larger
MAX_MACS = 300_000_000  # for one image: about a second in a browser
ASSETS = Path(__file__).parents[1] / "ui" / "assets"
SCRIPTS = ("answer_bars", "drawing_strokes", "drawing_network", "drawing_field", "home_page")
STYLES = ("answer_bars", "drawing_field", "home_page")
_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    undefined=jinja2.StrictUndefined,
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


def home_page(path: Path) -> str:
    """Returns the HTML file of trained weights.

    Args:
        path: Path of the weights.

    Raises:
        InputError: If the weights can't be read, or their network is too large for a browser or has a layer that the
            page can't compute.
    """
    module, card = load(path)
    size = 4 * sum(parameter.numel() for parameter in module.parameters())
    macs = browser_network.macs_of(card)
    if size > MAX_BYTES or macs > MAX_MACS:
        raise InputError(
            _(
                "page: the network has {size} of weights and {macs} MACs; a page holds at most {most} and {limit} "
                "MACs, which a browser computes in about a second"
            ).format(size=bytes_short(size), macs=short(macs), most=bytes_short(MAX_BYTES), limit=short(MAX_MACS))
        )
    found = browser_network.written(module, card)
    if found is None:
        raise InputError(_("page: the network has a layer that the page can't compute; export it as onnx"))
    strokes = browser_network.strokes_of(card)
    data = {
        "name": card.name, "classes": list(card.classes), "network": {**found, **(strokes or {})},
        "resize": card.inputs.resize, "draws": strokes is not None, "side": 300, "words": _words(),
    }  # fmt: skip
    return _templates.get_template("home_page.html.jinja").render(
        language=language(),
        title=card.name,
        subtitle=_("{classes} classes. Your browser computes the answer; no picture leaves this computer.").format(
            classes=f"{len(card.classes):,}"
        ),
        light=theme(dark=False),
        dark=theme(dark=True),
        field=(ASSETS / "drawing_field.html").read_text(encoding="utf-8"),
        styles=[(ASSETS / f"{name}.css").read_text(encoding="utf-8") for name in STYLES],
        scripts=[(ASSETS / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS],
        data=data,
        words=data["words"],
    )


def write_page(path: Path, target: Path) -> int:
    """Writes the HTML file of trained weights, and returns its size in bytes.

    Raises:
        InputError: As in :func:`home_page`, or if the file can't be written.
    """
    content = home_page(path).encode()
    with translate_errors(target), atomic_write(target) as part:
        part.write_bytes(content)
    return len(content)


def _words() -> dict[str, Any]:
    return {
        "draw": _("Draw"),
        "pictures": _("Picture or camera"),
        "file": _("Choose a picture"),
        "start": _("Start the camera"),
        "stop": _("Stop the camera"),
        "invert": _("Swap light and dark"),
        "refused": _("The camera can't be used: allow it for this page, or choose a picture."),
        "unreadable": _("This file is not a picture that your browser can show."),
        "made_by": _("Made by CNN Architecture Explorer. This file works offline."),
        **browser_network.field_words(preparation=""),
    }
