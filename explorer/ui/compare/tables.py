"""Tables of totals and stages: the number of each network, and below it the difference to the first network's."""

from collections.abc import Sequence

from explorer.analysis.comparison import Comparison
from explorer.analysis.comparison_words import format_difference, format_ratio, measure_name
from explorer.analysis.measures import Measure, Numbers, Place, measures_at
from explorer.i18n import _
from explorer.ui.shared.html_tables import cell, table


def totals(comparison: Comparison, letters: Sequence[str]) -> str:
    """Return a table of the totals with a row for each measure."""
    return table(
        _("Totals of each network, with the difference to the first"),
        [_("For one image"), *letters],
        [[measure_name(measure), *_cells(comparison.totals, measure)] for measure in measures_at(Place.COMPARISON)],
    )


def stages(comparison: Comparison, letters: Sequence[str], chosen: Measure) -> str:
    """Return a table of each measure with a row for each stage. Those that are not chosen are hidden."""
    return "".join(
        f'<div class="of-measure" data-measure="{measure}"{"" if measure is chosen else " hidden"}>'
        f"{_stages(comparison, letters, measure)}</div>"
        for measure in measures_at(Place.STAGES)
    )


def _stages(comparison: Comparison, letters: Sequence[str], measure: Measure) -> str:
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
            parts = (format_difference(first, numbers, measure), format_ratio(first, numbers, measure))
            below = " · ".join(dict.fromkeys(part for part in parts if part))
        cells.append(cell(measure.definition.text(value), below, measure.definition.exact(value)))
    return cells
