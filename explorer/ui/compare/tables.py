"""Totals and stages as tables: each network's number and, below it, how it differs from the first's."""

from collections.abc import Sequence

from explorer.analysis.comparison import Comparison
from explorer.analysis.measures import Measure, Numbers, Place, shown
from explorer.i18n import _
from explorer.ui.compare.html import cell, table
from explorer.ui.compare.words import measure_name, more, relative


def totals(comparison: Comparison, letters: Sequence[str]) -> str:
    """One row per measure."""
    return table(
        _("Totals of each network, with the difference to the first"),
        [_("For one image"), *letters],
        [[measure_name(measure), *_cells(comparison.totals, measure)] for measure in shown(Place.COMPARISON)],
    )


def stages(comparison: Comparison, letters: Sequence[str], measure: Measure) -> str:
    """One row per stage."""
    return table(
        _("{what} by stage, with the difference to the first network").format(what=measure_name(measure)),
        [_("Stage"), *letters],
        [[stage.name, *_cells(stage.numbers, measure)] for stage in comparison.stages],
    )


def _cells(networks: Sequence[Numbers | None], measure: Measure) -> list[str]:
    first = networks[0]
    cells = []
    for position, numbers in enumerate(networks):
        value = numbers[measure] if numbers else None
        below = ""
        if position and first and numbers:
            parts = (more(first, numbers, measure), relative(first, numbers, measure))
            below = " · ".join(dict.fromkeys(part for part in parts if part))
        cells.append(cell(measure.record.write(value), below, measure.record.exact(value)))
    return cells
