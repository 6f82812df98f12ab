"""Every place with numbers shows every measure, unless the measure's record excludes the place."""

import csv
import io
from collections.abc import Callable
from functools import cache

import altair as alt
import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from explorer.analysis import Analysis, analyse
from explorer.analysis.comparison import by_depth, compare
from explorer.analysis.comparison_words import measure_name
from explorer.analysis.measures import DEFINITIONS, DIAGRAM_MEASURES, LAYER_PLACES, Measure, Place, measures_at
from explorer.cli import print_analysis, print_compare
from explorer.drawing import diagram
from explorer.drawing.appearance import Appearance
from explorer.exports.table import table
from explorer.families import resolve
from explorer.ui.architecture import charts
from explorer.ui.architecture.tables import COLUMNS
from explorer.ui.glossary import entries
from tests.pages.helpers import component_data, layer_panel, layer_table, metrics, open_page

NETWORK, OTHER, LAYER = "lenet5", "alexnet", "features.3"
IN_JSON_ELSEWHERE = {Measure.RECEPTIVE_FIELD, Measure.DEPTH}  # has its own key; is in comparisons only


@cache
def network() -> Analysis:
    return analyse(resolve(NETWORK))


@cache
def page(name: str, **link: str) -> AppTest:
    return open_page(name, **link)


def architecture(**link: str) -> AppTest:
    return page("architecture", net=NETWORK, layer=LAYER, **link)


def amounts(measure: Measure) -> list[float]:
    found = (measure.definition.amount([layer]) for layer in network().layers)
    return [amount for amount in found if amount is not None]


def columns(app: AppTest) -> dict[str, str]:
    """Return the titles of the table of layers, by column."""
    return {column["key"]: column["title"] for column in component_data(app, "layers")["columns"]}


def in_diagram_and_charts(measure: Measure) -> bool:
    name = measure.definition.names().name
    link = next(link for link, one in DIAGRAM_MEASURES.items() if one is measure)
    app = architecture(chart=link, colour=link)
    picture = diagram.draw(network(), NETWORK, Appearance(colour=link))
    chart = go.Figure(charts.along_layers(network(), measure, dark=False).to_dict())  # refuses what is no figure
    alt.Chart.from_dict(charts.per_stage(network(), measure, dark=False))
    parts = [part.y for part in chart.data if part.name]
    return (
        {name} <= set(app.segmented_control(key="view.chart").options)
        and {name} <= set(app.segmented_control(key="view.colour").options)
        and any(heading.value == f"{name} along the network" for heading in app.header)
        and "on a log scale" in picture
        and sorted(value for part in parts for value in part) == sorted(filter(None, amounts(measure)))
        and max(row["amount"] for row in charts.by_stage(network(), measure)) > 0
    )


def in_table(measure: Measure) -> bool:
    column = COLUMNS.get(measure, str(measure))
    names = measure.definition.names()
    values = layer_table(architecture())[column].dropna()
    return columns(architecture())[column] == (names.column or measure.definition.heading()) and list(values) == list(
        map(pytest.approx, amounts(measure))
    )


def in_formulas(measure: Measure) -> bool:
    app = architecture(table="formulas")
    chosen = next(layer for layer in network().layers if layer.name == LAYER)
    rows = layer_table(app).set_index("layer")
    formula = measure.formula(chosen)
    return (
        "=" in formula and rows.loc[LAYER, measure] == formula and measure.definition.heading() in columns(app).values()
    )


def in_panel(measure: Measure) -> bool:
    chosen = next(layer for layer in network().layers if layer.name == LAYER)
    return layer_panel(architecture(), LAYER).get(measure.definition.heading()) == measure.formula(chosen)


def in_list(measure: Measure) -> bool:
    names = measure.definition.names()
    return (names.terminal_column or names.terminal) in print_analysis.report(network()).splitlines()[0]


def in_csv(measure: Measure) -> bool:
    rows = csv.DictReader(io.StringIO(table(resolve(NETWORK)), newline=""))
    values = [float(text) for row in rows if (text := row[measure.definition.csv or measure])]
    return values == list(map(pytest.approx, amounts(measure)))


def in_stages(measure: Measure) -> bool:
    comparison = compare([network(), analyse(resolve(OTHER))])
    name = measure_name(measure)
    app = page("compare", a=NETWORK, b=OTHER, measure=measure)
    return (
        any(numbers and numbers[measure] for stage in comparison.stages for numbers in stage.numbers)
        and any(point.numbers[measure] for point in by_depth(network()))
        and name in app.segmented_control(key="compare.view.measure").options
        and any(f"{name} by stage" in html for html in texts(app))
    )


def texts(app: AppTest) -> list[str]:
    return [element.proto.body for element in app.get("html")]


def in_headline(measure: Measure) -> bool:
    definition = measure.definition
    return metrics(architecture())[definition.names().name] == definition.text(definition.of_network(network()))


def on_cards(measure: Measure) -> bool:
    app = page("compare", a=NETWORK, b=OTHER)
    values = [metric.value for metric in app.metric if metric.label == measure_name(measure)]
    return values == [
        measure.definition.text(measure.definition.of_network(analyse(resolve(name)))) for name in (NETWORK, OTHER)
    ]


def in_comparison(measure: Measure) -> bool:
    comparison = compare([network(), analyse(resolve(OTHER))])
    name = measure_name(measure)
    document = comparison.to_dict()
    return (
        all(one["totals"][measure] is not None for one in document["networks"])
        and document["differences"][0]["totals"][measure]["difference"] is not None
        and any(line.startswith(name) for line in print_compare.report(comparison).splitlines())
        and any(f'<th scope="row">{name}</th>' in html for html in texts(page("compare", a=NETWORK, b=OTHER)))
    )


def in_terminal(measure: Measure) -> bool:
    name = measure.definition.names().terminal.partition("{")[0]
    return any(line.startswith(name) and line.split("  ")[-1] for line in print_analysis.report(network()).splitlines())


SHOWS: dict[Place, Callable[[Measure], bool]] = {
    Place.DIAGRAM: in_diagram_and_charts,
    Place.TABLE: in_table,
    Place.FORMULAS: in_formulas,
    Place.PANEL: in_panel,
    Place.TERMINAL_LAYERS: in_list,
    Place.CSV: in_csv,
    Place.STAGES: in_stages,
    Place.HEADLINE: in_headline,
    Place.CARDS: on_cards,
    Place.COMPARISON: in_comparison,
    Place.TERMINAL_TOTALS: in_terminal,
}


@pytest.mark.parametrize(("place", "measure"), [(place, measure) for place in Place for measure in measures_at(place)])
def test_a_place_shows_a_measure(place: Place, measure: Measure) -> None:
    assert SHOWS[place](measure)


def test_every_measure_is_shown_and_explained() -> None:
    """A measure is in every place for which it has numbers, unless its definition excludes the place."""
    assert list(DEFINITIONS) == list(Measure)
    for measure, definition in DEFINITIONS.items():
        numbers = {place for place in Place if (definition.layers if place in LAYER_PLACES else definition.total)}
        assert {place for place in Place if measure in measures_at(place)} == numbers & definition.places != set(), (
            measure
        )
        assert definition.term in entries(), measure
    assert measures_at(Place.CARDS) == tuple(
        measure for measure in measures_at(Place.COMPARISON) if measure in measures_at(Place.CARDS)
    )


def test_json_has_every_measure() -> None:
    document = network().to_dict()
    for measure, definition in DEFINITIONS.items():
        if definition.total and measure not in IN_JSON_ELSEWHERE:
            assert document["totals"][measure] == definition.of_network(network())
        if definition.layers and Place.TABLE in definition.places:
            found = [(layer["receptive_field"] or {}) | layer for layer in document["layers"]]
            key = "size" if measure is Measure.RECEPTIVE_FIELD else measure
            assert [layer[key] for layer in found if layer.get(key) is not None] == amounts(measure)
