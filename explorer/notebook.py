"""``explorer.show``: a network's diagram and numbers in a notebook, as one piece of HTML that needs no server."""

from dataclasses import dataclass
from html import escape
from typing import Any

from torch import nn

from explorer.analysis import Analysis, Layer, SpecAnalysis, analyse
from explorer.analysis.measures import Measure, Place, measures_at
from explorer.analysis.modules import analyse_module
from explorer.cli.print_analysis import cell_text, report, total_text
from explorer.drawing.diagram import draw
from explorer.exports.figure import name as spec_name
from explorer.families import Spec, nearest
from explorer.formatting import shape
from explorer.i18n import _

# Light, also in a dark notebook: the colours of the diagram are those of a light page.
STYLE = (
    "background:#fff;color:#1f2933;color-scheme:light;padding:12px;border-radius:6px;"
    "font:14px/1.45 system-ui,sans-serif;text-align:left"
)
CELL = "padding:2px 14px 2px 0;text-align:{align};white-space:nowrap;font-variant-numeric:tabular-nums"


@dataclass(frozen=True)
class Report:
    """The result of :func:`show`. A notebook displays it as HTML, other programs as text.

    Attributes:
        analysis: All numbers of the network.
        name: Name of the network.
    """

    analysis: Analysis
    name: str

    def __str__(self) -> str:
        """The table of layers, totals and warnings, as ``python -m explorer analyze`` prints them."""
        return report(self.analysis)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        image = "×".join(map(str, self.analysis.input_shape[1:]))
        parts = [
            f'<h3 style="margin:0 0 8px;font-size:18px">{escape(self.name)}</h3>',
            f'<div style="overflow-x:auto" tabindex="0">{draw(self.analysis, self.name)}</div>',
            f'<p style="margin:8px 0">{escape(_("For one image of {size}:").format(size=image))}</p>',
            _table([], [_total_row(self.analysis, measure) for measure in measures_at(Place.TERMINAL_TOTALS)]),
        ]
        if self.analysis.warnings:
            items = "".join(f"<li>{escape(warning.message)}</li>" for warning in self.analysis.warnings)
            parts.append(f'<ul style="margin:8px 0;padding-left:20px">{items}</ul>')
        summary = escape(_("All {count} layers").format(count=len(self.analysis.layers)))
        measures = measures_at(Place.TERMINAL_LAYERS)
        names = [measure.definition.names() for measure in measures]
        heading = [_("layer"), _("kind"), _("output"), *(one.terminal_column or one.terminal for one in names)]
        rows = [_layer_row(layer) for layer in self.analysis.all_layers]
        parts.append(
            f'<details><summary style="cursor:pointer">{summary}</summary><div style="overflow-x:auto" tabindex="0">'
            f"{_table(heading, rows)}</div></details>"
        )
        return f'<div style="{STYLE}">{"".join(parts)}</div>'


def show(network: nn.Module | Spec | Analysis, *, name: str = "", **options: Any) -> Report:
    """Shows the diagram and the numbers of a network.

    Args:
        network: Module that takes one image, a spec, or an analysis of :func:`explorer.analyse`.
        name: Name of the network. Empty for the name of its class.
        options: Arguments of :func:`explorer.analyse`, such as ``image_size``.

    Raises:
        InputError: As :func:`explorer.analyse`.
    """
    if isinstance(network, Analysis):
        analysis = network
    elif isinstance(network, Spec):
        analysis = analyse(network, **options)
    else:
        analysis = analyse_module(network, name=name, **options)
    if not name and isinstance(analysis, SpecAnalysis):
        name = spec_name(analysis.spec, nearest(analysis.spec))
    return Report(analysis, name or analysis.name)


def _total_row(analysis: Analysis, measure: Measure) -> list[str]:
    values = {"device": analysis.device, "batch": analysis.batch_size}
    return [measure.definition.names().terminal.format(**values), total_text(analysis, measure)]


def _layer_row(layer: Layer) -> list[str]:
    cells = (cell_text(layer, measure) for measure in measures_at(Place.TERMINAL_LAYERS))
    return [layer.name, layer.kind, shape(layer.output_shape), *cells]


def _table(heading: list[str], rows: list[list[str]]) -> str:
    def cell(kind: str, text: str, column: int) -> str:
        align = "left" if column < (3 if heading else 1) else "right"
        return f'<{kind} style="{CELL.format(align=align)}">{escape(text)}</{kind}>'

    lines = [[cell("th", text, column) for column, text in enumerate(heading)]] if heading else []
    lines += [[cell("td", text, column) for column, text in enumerate(row)] for row in rows]
    body = "".join(f"<tr>{''.join(line)}</tr>" for line in lines)
    return f'<table style="border-collapse:collapse;color:inherit;background:none">{body}</table>'
