"""A comparison as tables for papers, documents and spreadsheets."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from explorer.analysis import Layer
from explorer.analysis.alignment import AlignmentRow, Status
from explorer.analysis.comparison import Comparison, difference, input_size_note, ratio, status_counts
from explorer.analysis.comparison_words import format_difference, format_ratio, measure_name, status_name, tally
from explorer.analysis.measures import Measure, Place, measures_at
from explorer.exports.workbook import workbook
from explorer.exports.written_table import Cell, WrittenTable, latex, markdown
from explorer.formatting import shape
from explorer.i18n import _

LETTERS = "ABCD"


class ComparisonFormat(NamedTuple):
    """A format of a comparison; ``make`` returns a file's content from the comparison and the networks' names."""

    title: Callable[[], str]
    suffix: str
    media_type: str
    make: Callable[[Comparison, Sequence[str]], bytes]
    is_text: bool = True


def text_tables(comparison: Comparison, names: Sequence[str]) -> list[WrittenTable]:
    """Returns tables for readers: totals with differences to the first, and the layers that differ."""
    letters = LETTERS[: len(names)]
    notes = [
        _("{letter}: {name}").format(letter=letter, name=name) for letter, name in zip(letters, names, strict=True)
    ]
    if note := input_size_note(comparison.networks):
        notes.append(note)
    totals = WrittenTable(
        _("Totals for one image, with the difference to A"),
        ["", *letters],
        [_text_totals(comparison, measure) for measure in measures_at(Place.COMPARISON)],
        notes=notes,
    )
    return [totals, *_layers(comparison, differences_only=True)]


def number_tables(comparison: Comparison, names: Sequence[str]) -> list[WrittenTable]:
    """Returns tables for spreadsheets: totals, stages and all layers, with exact numbers."""
    letters = LETTERS[: len(names)]
    others = letters[1:]
    columns = ["", _("Unit"), *names, *(f"{letter} − A" for letter in others), *(f"{letter} / A" for letter in others)]
    totals = [_number_totals(comparison, measure) for measure in measures_at(Place.COMPARISON)]
    stages: list[list[Cell]] = [
        [stage.name, measure_name(measure), *(numbers[measure] if numbers else None for numbers in stage.numbers)]
        for measure in measures_at(Place.STAGES)
        for stage in comparison.stages
    ]
    return [
        WrittenTable(_("Totals"), columns, totals),
        WrittenTable(_("Stages"), [_("Stage"), _("Measure"), *names], stages),
        *_layers(comparison, differences_only=False),
    ]


def _text_totals(comparison: Comparison, measure: Measure) -> list[Cell]:
    first, *others = comparison.totals
    cells: list[Cell] = [measure_name(measure), measure.definition.text(first[measure])]
    for numbers in others:
        words = dict.fromkeys((format_difference(first, numbers, measure), format_ratio(first, numbers, measure)))
        text = ", ".join(filter(None, words))  # empty if one of the networks has no such number
        cells.append(measure.definition.text(numbers[measure]) + (f" ({text})" if text else ""))
    return cells


def _number_totals(comparison: Comparison, measure: Measure) -> list[Cell]:
    first, *others = comparison.totals
    return [
        measure_name(measure),
        measure.definition.unit.name(),
        *(numbers[measure] for numbers in comparison.totals),
        *(difference(first, numbers, measure) for numbers in others),
        *(ratio(first, numbers, measure) for numbers in others),
    ]


def _layers(comparison: Comparison, *, differences_only: bool) -> list[WrittenTable]:
    """Returns a table of layers for each network after the first; without rows, none."""
    tables = []
    for letter, rows in zip(LETTERS[1:], comparison.rows, strict=False):
        shown = [row for row in rows if not (differences_only and row.status is Status.SAME)]
        caption = _("Layers of A and {letter}: {tally}").format(letter=letter, tally=tally(status_counts(rows)))
        if not differences_only:
            caption = _("Layers of A and {letter}").format(letter=letter)
        if shown:
            tables.append(
                WrittenTable(caption, [_("Status"), "A", letter, _("What changed")], [_cells(row) for row in shown])
            )
    return tables


def _cells(row: AlignmentRow) -> list[Cell]:
    return [status_name(row.status), _layer(row.left), _layer(row.right), "; ".join(map(str, row.changes))]


def _layer(layer: Layer | None) -> str:
    return "" if layer is None else f"{layer.name} {layer.description} {shape(layer.output_shape)}"


COMPARISON_FORMATS: dict[str, ComparisonFormat] = {
    "latex": ComparisonFormat(
        lambda: _("LaTeX tables"),
        ".tex",
        "text/x-tex",
        lambda comparison, names: latex(text_tables(comparison, names)).encode(),
    ),
    "markdown": ComparisonFormat(
        lambda: _("Markdown tables"),
        ".md",
        "text/markdown",
        lambda comparison, names: markdown(text_tables(comparison, names)).encode(),
    ),
    "xlsx": ComparisonFormat(
        lambda: _("Excel workbook"),
        ".xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        lambda comparison, names: workbook(number_tables(comparison, names)),
        is_text=False,
    ),
}
