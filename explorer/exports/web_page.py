"""The network as one HTML file, which works without a server: diagram, numbers, and the formulas of a chosen layer."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from explorer.analysis import Analysis, Layer
from explorer.analysis.measures import Definition, Place, measures_at
from explorer.drawing.appearance import Appearance
from explorer.drawing.theme import theme
from explorer.errors import InputError
from explorer.exports.figure import FigureOptions, Network, analysed, drawn, name_of
from explorer.formatting import NONE, bytes_short, shape
from explorer.i18n import _, language

MAX_BYTES = 500_000
LEAST_BYTES = 250  # of a layer in the table
_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    undefined=jinja2.StrictUndefined,
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


def web_page(network: Network, options: FigureOptions | None = None) -> str:
    """Returns an HTML file of at most :data:`MAX_BYTES`, which sends no request.

    The diagram shows all layers, or as many as fit into the file.

    Raises:
        InputError: If the table of layers alone is larger, or torchvision can't build or run the model.
    """
    analysis = analysed(network)
    count = len(analysis.layers)
    if count * LEAST_BYTES > MAX_BYTES:
        raise _too_large(count)
    colour = options.appearance.colour if options else Appearance().colour
    for detail in ("all", "auto", "stages"):
        page = _page(analysis, Appearance(colour=colour, detail=detail), with_formulas=True)
        if len(page.encode()) <= MAX_BYTES:
            return page
    page = _page(analysis, Appearance(colour=colour, detail="stages"), with_formulas=False)
    if len(page.encode()) > MAX_BYTES:
        raise _too_large(count)
    return page


def _too_large(count: int) -> InputError:
    return InputError(
        _("a web page of {count:,} layers is larger than {limit}; export diagram and table instead").format(
            count=count, limit=bytes_short(MAX_BYTES)
        )
    )


def _page(analysis: Analysis, appearance: Appearance, *, with_formulas: bool) -> str:
    measures = measures_at(Place.TERMINAL_LAYERS)
    diagram = ET.tostring(drawn(analysis, FigureOptions(appearance)), encoding="unicode")
    names = [(measure.definition, measure.definition.names()) for measure in measures]
    return _templates.get_template("web_page.html.jinja").render(
        language=language(),
        title=name_of(analysis),
        subtitle=_("Layers and numbers for one image of {size}").format(size=shape(analysis.input_shape)),
        theme=theme(dark=False),
        diagram=Markup(diagram),  # noqa: S704  the words in it are escaped where they are drawn
        totals=_totals(analysis),
        columns=[_("Layer"), _("Kind"), _("Output"), *(one.column or own.heading() for own, one in names)],
        rows=[
            [
                layer.name,
                layer.description,
                shape(layer.output_shape),
                *(_exact(own, layer) for own, _names in names),
            ]
            for layer in analysis.layers
        ],
        layers=[_layer(layer, with_formulas=with_formulas) for layer in analysis.layers],
        words={
            "diagram": _("Diagram of the network"),
            "table": _("Layers"),
            "none": _("No layer is chosen"),
            "how": _("Choose a layer in the diagram or in the table to see its numbers and their formulas."),
            "made_by": _("Made by CNN Architecture Explorer. This file works offline."),
        },
    )


def _totals(analysis: Analysis) -> list[tuple[str, str]]:
    values = [(measure.definition, measure.definition.of_network(analysis)) for measure in measures_at(Place.HEADLINE)]
    return [(own.names().name, own.text(value)) for own, value in values if value is not None]


def _exact(own: Definition, layer: Layer) -> str:
    amount = own.amount([layer])
    return NONE if amount is None else own.unit.exact(amount)


def _layer(layer: Layer, *, with_formulas: bool) -> dict[str, Any]:
    lines = [
        (_("Map"), f"{shape(layer.input_shape)} → {shape(layer.output_shape)}"),
        (_("Output side"), layer.formulas["output_shape"]),
        *((measure.definition.heading(), measure.formula(layer)) for measure in measures_at(Place.PANEL)),
    ]
    shown = lines if with_formulas else lines[:1]
    return {"name": layer.name, "description": layer.description, "lines": [line for line in shown if line[1]]}
