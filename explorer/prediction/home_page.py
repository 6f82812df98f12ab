"""A trained network as one HTML file: it answers drawings, pictures and the camera in the browser, without a network.

The file holds the weights, the scripts of the drawing field and an engine, so that nobody has to install anything.
Nothing leaves the computer: the file's own policy (Content-Security-Policy) forbids every request.
"""

import base64
import gzip
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from torch import nn

from explorer.drawing.theme import theme
from explorer.errors import InputError, shown
from explorer.exports.onnx_options import OnnxOptions
from explorer.exports.run import translate_errors
from explorer.exports.weights import trained_bytes
from explorer.files import atomic_write
from explorer.formatting import bytes_short, short
from explorer.i18n import _, language
from explorer.prediction import browser_network, onnxruntime_web
from explorer.weights.files import Card, load
from explorer.workers.progress import Progress, silent


class Limits(NamedTuple):
    """The largest network of an engine.

    Attributes:
        weights: Bytes of weights as 32-bit floats; the file is a third larger.
        macs: MACs for one image: about a second in a browser.
    """

    weights: int
    macs: int


BUILT_IN, ONNXRUNTIME = "built-in", "onnxruntime"
ENGINES = {BUILT_IN: Limits(12_000_000, 300_000_000), ONNXRUNTIME: Limits(60_000_000, 2_000_000_000)}
ASSETS = Path(__file__).parents[1] / "ui" / "assets"
SCRIPTS = ("answer_bars", "drawing_strokes", "drawing_network", "drawing_field", "page_engines", "home_page")
STYLES = ("answer_bars", "drawing_field", "home_page")
_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    undefined=jinja2.StrictUndefined,
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


def home_page(path: Path, engine: str = BUILT_IN, progress: Progress = silent) -> str:
    """Returns the HTML file of trained weights.

    Args:
        path: Path of the weights.
        engine: What computes in the browser, one of :data:`ENGINES`. onnxruntime is downloaded at its first use.
        progress: Function that shows the progress.

    Raises:
        InputError: If the weights can't be read, their network is too large for the engine or has a layer that it
            can't compute, there is no such engine, or it can't be downloaded.
        ExplorerError: If the process of the ONNX export failed.
    """
    module, card = load(path)
    check_engine(engine)
    _check_size(module, card, engine)
    web = None
    if engine == ONNXRUNTIME:
        web = onnxruntime_web.engine(progress)
        onnx = trained_bytes(path, "onnx", lambda note: progress(note, 0, 0), onnx=OnnxOptions(fold=True))
        network: dict[str, Any] = {"input": browser_network.input_of(card)}
        data: dict[str, Any] = {"model": base64.b64encode(gzip.compress(onnx, mtime=0)).decode()}
    else:
        found = browser_network.written(module, card)
        if found is None:
            raise InputError(
                _("page: the network has a layer that the built-in engine can't compute; choose the engine onnxruntime")
            )
        network, data = found, {}
    strokes = browser_network.strokes_of(card)
    data |= {
        "name": card.name, "classes": list(card.classes), "network": {**network, **(strokes or {})}, "engine": engine,
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
        engine=web,
        license=onnxruntime_web.LICENSE,
    )


def write_page(path: Path, target: Path, engine: str = BUILT_IN, progress: Progress = silent) -> int:
    """Writes the HTML file of trained weights, and returns its size in bytes.

    Raises:
        InputError: As in :func:`home_page`, or if the file can't be written.
        ExplorerError: As in :func:`home_page`.
    """
    content = home_page(path, engine, progress).encode()
    with translate_errors(target), atomic_write(target) as part:
        part.write_bytes(content)
    return len(content)


def check_engine(engine: str) -> None:
    """Checks the name of an engine.

    Raises:
        InputError: If there is no such engine.
    """
    if engine not in ENGINES:
        raise InputError(
            _("engine: {value} is not one of {known}").format(value=shown(engine), known=", ".join(ENGINES))
        )


def _check_size(module: nn.Module, card: Card, engine: str) -> None:
    size = 4 * sum(parameter.numel() for parameter in module.parameters())
    macs = browser_network.macs_of(card)

    def fits(limits: Limits) -> bool:
        return size <= limits.weights and macs <= limits.macs

    if fits(ENGINES[engine]):
        return
    sentence = _(
        "page: the network has {size} of weights and {macs} MACs; a page with the engine {engine} holds at most {most} "
        "and {limit} MACs, which a browser computes in about a second"
    ).format(
        size=bytes_short(size), macs=short(macs), engine=engine, most=bytes_short(ENGINES[engine].weights),
        limit=short(ENGINES[engine].macs),
    )  # fmt: skip
    if others := [name for name, limits in ENGINES.items() if fits(limits)]:
        sentence += _("; {other} holds it").format(other=", ".join(others))
    raise InputError(sentence)


def _words() -> dict[str, Any]:
    return {
        "loading": _("The network is being loaded…"),
        "failed": _("This browser can't run the network; a newer one can."),
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
