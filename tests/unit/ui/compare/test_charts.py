"""Charts of Compare: Plotly takes them, and they show what was computed."""

import plotly.graph_objects as go
import pytest

from explorer.analysis import analyse
from explorer.analysis.comparison import Comparison, compare
from explorer.analysis.landmarks import Landmark
from explorer.analysis.measures import Measure, Place, measures_at
from explorer.families import resolve
from explorer.ui.compare import charts

TITLES = ("One", "Other")


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare([analyse(resolve(name)) for name in ("vgg11", "lenet5")])


@pytest.mark.parametrize("measure", measures_at(Place.STAGES), ids=str)
def test_plotly_takes_the_charts_of_a_measure(comparison: Comparison, measure: Measure) -> None:
    for draw in (charts.along_depth, charts.by_stage):
        figure = go.Figure(draw(comparison, TITLES, measure, dark=False).to_dict())  # refuses what is no figure
        assert [trace.name for trace in figure.data] == list(TITLES)


def test_the_lines_of_the_images_are_inside_the_chart_of_receptive_fields(comparison: Comparison) -> None:
    figure = go.Figure(charts.along_depth(comparison, TITLES, Measure.RECEPTIVE_FIELD, dark=True).to_dict())
    assert [line.y0 for line in figure.layout.shapes] == [32, 224]
    assert [label.text for label in figure.layout.annotations] == ["image: 32 pixels", "image: 224 pixels"]
    assert figure.layout.yaxis.range[1] > 224
    assert max(figure.data[0].y) == 150  # by hand: 1 + 2 + 1 + 4 + 2 + 16 + 4 + 32 + 8 + 64 + 16


def test_the_costs_stand_among_the_published_ones(comparison: Comparison) -> None:
    published = [Landmark("Some network", 1_000_000, 2_000_000)]
    figure = go.Figure(charts.costs(comparison, TITLES, "AB", published, dark=False).to_dict())
    assert [(trace.x[0], trace.y[0]) for trace in figure.data] == [
        (1_000_000, 2_000_000),
        *((network.totals.params, network.totals.macs) for network in comparison.networks),
    ]
