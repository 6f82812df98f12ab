"""A comparison as text for a terminal."""

from explorer.analysis import Analysis, Layer, SpecAnalysis
from explorer.analysis.alignment import AlignmentRow, Status
from explorer.analysis.comparison import Comparison, input_size_note, status_counts
from explorer.analysis.comparison_words import SIGNS, format_difference, format_ratio, measure_name, same_layers, tally
from explorer.analysis.measures import Measure, Place, measures_at
from explorer.cli.output import columns
from explorer.families import NamedNetwork
from explorer.formatting import shape
from explorer.i18n import _
from explorer.ui.shared.networks import full_title


def report(comparison: Comparison) -> str:
    """Returns names, totals, and the layers in which each network differs from the first."""
    names = [_title(network) for network in comparison.networks]
    letters = "ABCD"[: len(names)]
    lines = [
        _("{letter}  {name}, images {size}").format(letter=letter, name=name, size=shape(network.input_shape))
        for letter, name, network in zip(letters, names, comparison.networks, strict=True)
    ]
    lines += ["", f"! {note}"] if (note := input_size_note(comparison.networks)) else []
    totals = [_totals(comparison, measure) for measure in measures_at(Place.COMPARISON)]
    lines += ["", *columns([[_("for one image"), *letters], *totals])]
    first, *others = comparison.networks
    for letter, other, rows in zip(letters[1:], others, comparison.rows, strict=True):
        found = status_counts(rows)
        lines += ["", f"A → {letter}: {tally(found)}"]
        if found[Status.SAME] == len(rows):
            lines.append(same_layers(first, other))
        lines += columns([_cells(row) for row in rows if row.status is not Status.SAME])
    return "\n".join(lines)


def _title(network: Analysis) -> str:
    return full_title(NamedNetwork(network.spec)) if isinstance(network, SpecAnalysis) else network.name


def _totals(comparison: Comparison, measure: Measure) -> list[str]:
    first, *others = comparison.totals
    cells = [measure_name(measure), measure.definition.text(first[measure])]
    for numbers in others:
        differences = dict.fromkeys((format_difference(first, numbers, measure), format_ratio(first, numbers, measure)))
        text = ", ".join(filter(None, differences))  # empty if one of the networks has no such number
        cells.append(measure.definition.text(numbers[measure]) + (f" ({text})" if text else ""))
    return cells


def _cells(row: AlignmentRow) -> list[str]:
    return [f"{SIGNS[row.status]} {_layer(row.left)}", _layer(row.right), "; ".join(map(str, row.changes))]


def _layer(layer: Layer | None) -> str:
    if layer is None:
        return ""
    return f"{layer.name} {layer.description} {shape(layer.output_shape)}"
