"""The export formats of networks; the page and the command line offer all of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from explorer.exports.dot import dot
from explorer.exports.exported_program import exported_program
from explorer.exports.figure import FigureOptions, Network, pdf_figure, png_figure, svg_figure
from explorer.exports.keras import keras_source
from explorer.exports.layer_tables import latex_table, layer_workbook, markdown_table
from explorer.exports.onnx_model import onnx_model
from explorer.exports.pytorch import source
from explorer.exports.table import table
from explorer.exports.tikz import tikz
from explorer.exports.torchinfo_summary import torchinfo_summary
from explorer.exports.web_page import web_page
from explorer.families import Spec
from explorer.i18n import _

Draw = Callable[[Network, FigureOptions], bytes]


@dataclass(frozen=True, slots=True)
class Format:
    """An export format; ``make`` returns the content of a file, and ``is_text`` says whether it is UTF-8 text.

    ``draw`` does the same for figures, with options. If a format ``needs_spec``, networks without one don't have it.

    Files that have weights are binary and may be large, so a separate process makes them (:mod:`explorer.exports.run`).
    """

    title: Callable[[], str]
    suffix: str
    media_type: str
    make: Callable[[Any], bytes]  # of a Network; of a Spec if the format needs one
    has_weights: bool = False
    is_text: bool = True
    draw: Draw | None = None
    needs_spec: bool = False


def spec_json(spec: Spec) -> str:
    """Returns the spec as JSON, with one key per line."""
    pairs = (f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in spec.to_dict().items())
    return "{\n" + ",\n".join(pairs) + "\n}\n"


def _text(make: Callable[[Any], str]) -> Callable[[Any], bytes]:
    return lambda network: make(network).encode()


def _drawn_text(draw: Callable[[Network, FigureOptions], str]) -> Draw:
    return lambda network, options: draw(network, options).encode()


def _figure(title: Callable[[], str], suffix: str, media_type: str, draw: Draw, *, is_text: bool = True) -> Format:
    return Format(title, suffix, media_type, lambda network: draw(network, FigureOptions()), is_text=is_text, draw=draw)


FORMATS: dict[str, Format] = {
    "pytorch": Format(lambda: _("PyTorch source"), ".py", "text/x-python", _text(source), needs_spec=True),
    "onnx": Format(
        lambda: _("ONNX with random weights"),
        ".onnx",
        "application/octet-stream",
        onnx_model,
        has_weights=True,
        is_text=False,
        needs_spec=True,
    ),
    "pt2": Format(
        lambda: _("torch.export (.pt2) with random weights"),
        ".pt2",
        "application/octet-stream",
        exported_program,
        has_weights=True,
        is_text=False,
        needs_spec=True,
    ),
    "keras": Format(lambda: _("Keras source"), ".py", "text/x-python", _text(keras_source), needs_spec=True),
    "json": Format(lambda: _("Spec as JSON"), ".json", "application/json", _text(spec_json), needs_spec=True),
    "torchinfo": Format(
        lambda: _("Summary by torchinfo"), ".txt", "text/plain", _text(torchinfo_summary), needs_spec=True
    ),
    "dot": Format(lambda: _("Graphviz DOT"), ".dot", "text/vnd.graphviz", _text(dot)),
    "svg": _figure(lambda: _("Diagram as SVG"), ".svg", "image/svg+xml", _drawn_text(svg_figure)),
    "pdf": _figure(lambda: _("Diagram as PDF"), ".pdf", "application/pdf", pdf_figure, is_text=False),
    "png": _figure(lambda: _("Diagram as PNG"), ".png", "image/png", png_figure, is_text=False),
    "tikz": _figure(lambda: _("Diagram as TikZ (LaTeX)"), ".tex", "text/x-tex", _drawn_text(tikz)),
    "html": Format(lambda: _("Web page that works offline"), ".html", "text/html", _text(web_page)),
    "csv": Format(lambda: _("Table of layers as CSV"), ".csv", "text/csv", _text(table)),
    "latex": Format(lambda: _("Table of layers as LaTeX"), ".tex", "text/x-tex", _text(latex_table)),
    "markdown": Format(lambda: _("Table of layers as Markdown"), ".md", "text/markdown", _text(markdown_table)),
    "xlsx": Format(
        lambda: _("Table of layers for Excel"),
        ".xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        layer_workbook,
        is_text=False,
    ),
}
