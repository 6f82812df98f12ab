"""An analysis as text for a terminal."""

from explorer.analysis import Analysis, Layer
from explorer.analysis.measures import COUNT, Measure, Place, measures_at
from explorer.cli.output import columns
from explorer.formatting import shape, short
from explorer.i18n import _, ngettext


def report(analysis: Analysis) -> str:
    """Returns the table of layers, totals and warnings."""
    measures = measures_at(Place.TERMINAL_LAYERS)
    titles = [names.terminal_column or names.terminal for names in (measure.definition.names() for measure in measures)]
    header = (_("layer"), _("kind"), _("output"), *titles)
    rows = [
        (layer.name, layer.kind, shape(layer.output_shape), *(cell_text(layer, measure) for measure in measures))
        for layer in analysis.all_layers
    ]
    lines = columns((header, *rows))
    if analysis.auxiliary:
        lines.insert(1 + len(analysis.layers), _("auxiliary heads, in training only, counted apart:"))
    values = {"device": analysis.device, "batch": analysis.batch_size}
    sums = [
        (measure.definition.names().terminal.format(**values), total_text(analysis, measure))
        for measure in measures_at(Place.TERMINAL_TOTALS)
    ]
    lines += ["", *columns(sums)]
    lines += ["", *(f"! {warning.message}" for warning in analysis.warnings)] if analysis.warnings else []
    return "\n".join(lines)


def cell_text(layer: Layer, measure: Measure) -> str:
    """Returns the number of a layer as the table shows it."""
    amount = measure.definition.amount([layer])
    if measure is Measure.RECEPTIVE_FIELD:
        return str(amount) if amount is not None else _("all") if layer.sees_whole_image else "?"
    if amount is None:
        return "–"
    return short(amount) if measure is Measure.MACS else measure.definition.unit.exact(amount)


def total_text(analysis: Analysis, measure: Measure) -> str:
    """Returns the number of a network as the totals show it."""
    field, definition = analysis.field, measure.definition
    amount = definition.of_network(analysis)
    if measure is Measure.RECEPTIVE_FIELD:
        return (
            ngettext(
                "{size} pixel, stride {stride}, padding {padding}",
                "{size} pixels, stride {stride}, padding {padding}",
                field.size,
            ).format(size=field.size, stride=field.stride, padding=field.padding)
            if field
            else analysis.field_note
        )
    return f"{amount:,}" if definition.unit is COUNT else definition.text(amount)
