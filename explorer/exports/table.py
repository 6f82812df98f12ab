"""The table of layers as CSV (RFC 4180), with exact numbers for one image."""

from explorer.analysis import Analysis, Layer
from explorer.analysis.measures import Place, measures_at
from explorer.exports.figure import Network, analysed
from explorer.exports.spreadsheet import as_csv

COLUMNS = (
    "name",
    "kind",
    "stage",
    "inputs",
    "input_shape",
    "output_shape",
    "kernel",
    "stride",
    "padding",
    "dilation",
    "groups",
    *(measure.definition.csv or measure for measure in measures_at(Place.CSV)),
    "sees_whole_image",
    "auxiliary",
)


def table(network: Network) -> str:
    """Returns a row for each layer of a network, followed by the layers of its auxiliary heads.

    ``auxiliary`` is 1 for auxiliary heads; the sums of the other rows are the totals of the analysis. Shapes are
    written ``1x64x112x112`` and windows ``3x3`` (down by across). ``inputs`` are names of layers, separated by blanks.
    A cell is empty if the layer has no such value.

    Raises:
        SpecError: If torchvision can't build or run the model.
    """
    return as_csv([COLUMNS, *table_rows(analysed(network))])


def table_rows(analysis: Analysis) -> list[tuple[str | float | None, ...]]:
    """Returns the rows of the table, in the order of :data:`COLUMNS`."""
    layers = analysis.all_layers
    return [(*_row(layer, layers), int(position >= len(analysis.layers))) for position, layer in enumerate(layers)]


def _row(layer: Layer, layers: tuple[Layer, ...]) -> tuple[str | float | None, ...]:
    window = layer.window
    return (
        layer.name,
        layer.kind,
        layer.stage,
        " ".join(layers[position].name for position in layer.inputs),
        _by(layer.input_shape),
        _by(layer.output_shape),
        *((_by(window.kernel), _by(window.stride), _by(window.padding), _by(window.dilation)) if window else [""] * 4),
        window.groups if window else "",
        *(measure.definition.amount([layer]) for measure in measures_at(Place.CSV)),
        int(layer.sees_whole_image),
    )


def _by(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))
