"""Charts of the Runs page, which are updated while people read them."""

from explorer.jobs.compare import Point
from explorer.ui.runs.curves import MAX_DOTS, Curve, vega_spec


def curves(epochs: int) -> list[Curve]:
    points = [Point(epoch, 1 / epoch) for epoch in range(1, epochs + 1)]
    return [Curve(0, "validation", training=False, points=points), Curve(0, "training", training=True, points=points)]


def test_more_epochs_never_change_the_specification_of_a_chart() -> None:
    """Streamlit makes a chart anew when its specification changes, and then a reader's zoom and tooltip are lost."""
    first, *later = [
        vega_spec(curves(epochs), "Loss", ".3~f", 100, dark=False) for epochs in (1, 2, MAX_DOTS, MAX_DOTS + 1, 100)
    ]
    assert all(spec == first for spec in later)
