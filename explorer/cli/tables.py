"""An analysis as text for a terminal."""

from explorer.analysis import Analysis
from explorer.formatting import bytes_short, shape, short
from explorer.i18n import _


def report(analysis: Analysis) -> str:
    """Table of layers, totals and warnings."""
    totals = analysis.totals
    header = (_("layer"), _("kind"), _("output"), _("parameters"), _("MACs"), _("field"))
    every = [*analysis.layers, *(layer for head in analysis.auxiliary for layer in head.layers)]
    rows = [
        (
            layer.name,
            layer.kind,
            shape(layer.output_shape),
            f"{layer.params:,}",
            short(layer.macs),
            str(layer.field.size) if layer.field else _("all") if layer.sees_whole_image else "?",
        )
        for layer in every
    ]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    ]
    if analysis.auxiliary:
        lines.insert(1 + len(analysis.layers), _("auxiliary heads, in training only, counted apart:"))
    field = analysis.field
    sums = [
        (_("parameters"), f"{totals.params:,}"),
        (_("parameters of auxiliary heads"), f"{totals.aux_params:,}"),
        (_("MACs"), f"{totals.macs:,}"),
        (_("FLOPs"), f"{totals.flops:,}"),
        (_("torchinfo mult-adds"), f"{totals.torchinfo_mult_adds:,}"),
        (_("weights"), bytes_short(totals.weight_bytes)),
        (_("activations, all"), bytes_short(totals.activation_bytes)),
        (_("activations, at most at once"), bytes_short(totals.peak_activation_bytes)),
        (
            _("training on {device}, batches of {batch}").format(device=analysis.device, batch=analysis.batch_size),
            bytes_short(analysis.training.total) if analysis.training else "–",
        ),
        (
            _("receptive field"),
            _("{size} pixels, stride {stride}, padding {padding}").format(
                size=field.size, stride=field.stride, padding=field.padding
            )
            if field
            else analysis.field_note,
        ),
    ]
    label_width = max(len(label) for label, _value in sums)
    lines += ["", *(f"{label.ljust(label_width)}  {value}" for label, value in sums)]
    lines += ["", *(f"! {warned.message}" for warned in analysis.warnings)] if analysis.warnings else []
    return "\n".join(lines)
