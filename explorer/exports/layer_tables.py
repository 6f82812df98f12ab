"""The table of layers for papers, documents and spreadsheets."""

from collections.abc import Iterable, Sequence

from explorer.analysis import Analysis, Layer
from explorer.analysis.measures import Measure, Place, measures_at
from explorer.exports.figure import Network, analysed, name_of
from explorer.exports.table import COLUMNS, table_rows
from explorer.exports.workbook import workbook
from explorer.exports.written_table import Cell, WrittenTable, latex, markdown
from explorer.formatting import shape
from explorer.i18n import _


def latex_table(network: Network) -> str:
    """Returns the layers of a network as a LaTeX table.

    Raises:
        SpecError: If torchvision can't build or run the model.
    """
    return latex(layer_tables(network))


def markdown_table(network: Network) -> str:
    """Returns the layers of a network as a Markdown table.

    Raises:
        SpecError: If torchvision can't build or run the model.
    """
    return markdown(layer_tables(network))


def layer_tables(network: Network) -> list[WrittenTable]:
    """Returns a table of the layers with their totals, and one for each auxiliary head."""
    analysis = analysed(network)
    measures = measures_at(Place.TERMINAL_LAYERS)
    total = [_("Total"), "", "", *(measure.definition.of_network(analysis) for measure in measures)]
    caption = _("{name}: layers for one image {size}").format(name=name_of(analysis), size=shape(analysis.input_shape))
    main = WrittenTable(caption, _columns(measures), _rows(analysis.layers, measures), total)
    heads = [
        WrittenTable(
            _("{name}: an auxiliary head, in training only, counted apart").format(name=head.name),
            _columns(measures),
            _rows(head.layers, measures),
        )
        for head in analysis.auxiliary
    ]
    return [main, *heads]


def _columns(measures: Sequence[Measure]) -> list[str]:
    names = [(measure.definition, measure.definition.names()) for measure in measures]
    return [_("Layer"), _("Kind"), _("Output"), *(name.column or definition.heading() for definition, name in names)]


def _rows(layers: Iterable[Layer], measures: Sequence[Measure]) -> list[list[Cell]]:
    return [
        [
            layer.name,
            layer.description,
            shape(layer.output_shape),
            *(measure.definition.amount([layer]) for measure in measures),
        ]
        for layer in layers
    ]


def layer_workbook(network: Network) -> bytes:
    """Returns a workbook with the rows of the CSV table and the totals.

    Raises:
        SpecError: If torchvision can't build or run the model.
    """
    analysis = analysed(network)
    layers = WrittenTable(_("Layers"), COLUMNS, table_rows(analysis))
    return workbook([layers, _totals(analysis)])


def _totals(analysis: Analysis) -> WrittenTable:
    values = {"device": analysis.device, "batch": analysis.batch_size}
    rows = [
        (
            measure.definition.names().terminal.format(**values),
            measure.definition.of_network(analysis),
            measure.definition.unit.name(),
        )
        for measure in measures_at(Place.TERMINAL_TOTALS)
    ]
    return WrittenTable(_("Totals"), [_("for one image"), _("Value"), _("Unit")], rows)
