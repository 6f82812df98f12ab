"""Headline numbers of a network. Hovering shows the exact number and its formula."""

import streamlit as st

from explorer.analysis import Analysis, SpecAnalysis
from explorer.analysis.measures import Definition, Measure, Number, Place, by_stage, measures_at
from explorer.families import PRESETS
from explorer.families.naming import same_as
from explorer.formatting import bytes_short, change
from explorer.i18n import _
from explorer.ui.glossary import explain
from explorer.ui.shared.text import plain

LEAST_SHARE = 0.0005  # a relative difference below it has no room in a card
CARD_WIDTH = 88  # pixels: three numbers in a row on a phone, all in one on a laptop
# The measures of the last change. The others follow from them.
LAST_CHANGE = (Measure.PARAMS, Measure.MACS, Measure.PEAK_ACTIVATION_BYTES, Measure.RECEPTIVE_FIELD)


def _explain(measure: Measure, analysis: Analysis) -> str:
    """Return the exact number, what it counts, and its formula."""
    totals, formula, training = analysis.totals, analysis.formulas, analysis.training
    match measure:
        case Measure.PARAMS:
            return _join(
                _("{count:,} in all.").format(count=totals.params),
                _("{count:,} more in auxiliary heads, in training only.").format(count=totals.aux_params)
                if totals.aux_params
                else "",
                _sum_over_stages(analysis, measure),
            )
        case Measure.MACS:
            return _join(
                _("{count:,} multiply-accumulates for one image, without bias: what papers call FLOPs.").format(
                    count=totals.macs
                ),
                _sum_over_stages(analysis, measure),
            )
        case Measure.FLOPS:
            return _join(_("{count:,} of the chosen terms.").format(count=totals.flops), formula[measure])
        case Measure.MULT_ADDS:
            return _join(
                _(
                    "{count:,} mult-adds as torchinfo counts them: weights and biases of convolutions and linear "
                    "layers at every place, other layers' once; attention's own products and projections are left out."
                ).format(count=totals.torchinfo_mult_adds)
            )
        case Measure.WEIGHT_BYTES:
            return _join(
                _("{count:,} bytes in float32; {buffers:,} more in buffers.").format(
                    count=totals.weight_bytes, buffers=totals.buffer_bytes
                ),
                formula[measure],
            )
        case Measure.PEAK_ACTIVATION_BYTES:
            return _join(
                _(
                    "{peak:,} bytes at the peak while one image passes, the image included: {parts}. Work space "
                    "of the kernels comes on top. {all:,} over all layers."
                ).format(peak=totals.peak_activation_bytes, parts=formula[measure], all=totals.activation_bytes),
                _sum_over_stages(analysis, Measure.ACTIVATION_BYTES),
            )
        case Measure.TRAINING_BYTES:
            if training is None and not isinstance(analysis, SpecAnalysis):
                return _join(_("Unknown: a file of a network does not say how it would train."))
            if training is None:
                return _join(_("This network can't train on such a batch."))
            return _join(
                _(
                    "For batches of {batch} on {device}: {weights} weights, {gradients} gradients, {optimizer} "
                    "optimizer state and {activations} activations kept for the backward pass."
                ).format(
                    batch=analysis.batch_size,
                    device=analysis.device,
                    weights=bytes_short(training.weights + training.half_copy),
                    gradients=bytes_short(training.gradients),
                    optimizer=bytes_short(training.optimizer),
                    activations=bytes_short(training.activations),
                ),
                _("Auxiliary heads train too.") if totals.aux_params else "",
                formula[measure],
            )
        case Measure.RECEPTIVE_FIELD:
            return _explain_field(analysis)
        case _:
            return _join(measure.formula(analysis) or measure.definition.exact(measure.definition.of_network(analysis)))


def _explain_field(analysis: Analysis) -> str:
    field = analysis.field
    if field is None or not _has_field(analysis):
        return _join(
            analysis.field_note or _("No convolution or pool: every unit of the first layer sees the whole image.")
        )
    height, width = analysis.image
    wide = field.columns[0] if field.columns else field.size
    return _join(
        _(
            "One unit of the last map sees {size} pixels per side (the image has {image}); neighbouring fields "
            "are {stride} apart, and the first extends {padding} beyond the edge."
        ).format(
            size=field.size if wide == field.size else f"{field.size}×{wide}",
            image=height if height == width else analysis.image,
            stride=field.stride,
            padding=field.padding,
        ),
        _last_step(analysis),
    )


def _has_field(analysis: Analysis) -> bool:
    """Whether the network has a convolution or pool. Without one, its receptive field has no meaning."""
    return any(layer.field for layer in analysis.layers)


def _sum_over_stages(analysis: Analysis, measure: Measure) -> str:
    """Return the sum over the stages of the charts, as a formula."""
    sums = {stage: measure.definition.amount(layers) for stage, layers in by_stage(analysis.layers).items()}
    parts = " + ".join(f"{amount:,} ({stage})" for stage, amount in sums.items() if amount)
    return f"{parts} = {measure.definition.of_network(analysis):,}" if parts else ""


def _last_step(analysis: Analysis) -> str:
    """Return the last step of the recursion for the network's receptive field."""
    size = analysis.field.size if analysis.field else 0
    steps = [layer.formulas["receptive_field"] for layer in analysis.layers if layer.field and layer.field.size == size]
    return next((step for step in steps if "=" in step), "")


def _join(*sentences: str) -> str:
    return "\n\n".join(plain(text) for text in sentences if text)


def render(analysis: Analysis, base: Analysis, name: str) -> None:
    """Render the headline numbers in a grid, each with its difference to a preset.

    Args:
        analysis: The network.
        base: The preset that the network was made from.
        name: Name of the preset.
    """
    equal = same_as(analysis.spec) if isinstance(analysis, SpecAnalysis) else None
    if equal not in (None, name):
        st.caption(
            plain(
                _("This is {title} ({preset}); the differences are those to {base}.").format(
                    title=PRESETS[equal or name].title, preset=equal, base=name
                )
            )
        )
    measures = measures_at(Place.HEADLINE)
    with st.grid(len(measures), min_column_width=CARD_WIDTH, gap="xsmall"):
        for measure in measures:
            definition = measure.definition
            now, before = amounts(measure, analysis, base)
            percent, absolute = difference(definition, now, before)
            against = _("{amount} against {name}").format(amount=absolute, name=name) if absolute else ""
            st.metric(
                definition.names().name, definition.text(now), delta=percent or None,
                help="\n\n".join(filter(None, [plain(against), _explain(measure, analysis), explain(definition.term)])),
                delta_color="off", delta_arrow="off",
            )  # fmt: skip


def last_change(analysis: Analysis, before: Analysis) -> str:
    """Return what the last edit changed, as ``Parameters +4.72 M (+18.5%), MACs …``; empty if no number changed."""
    parts = []
    for measure in LAST_CHANGE:
        percent, absolute = difference(measure.definition, *amounts(measure, analysis, before))
        if absolute:
            name = measure.label
            parts.append(f"{name} {absolute}" if percent == absolute else f"{name} {absolute} ({percent})")
    return ", ".join(parts)


def amounts(measure: Measure, analysis: Analysis, base: Analysis) -> tuple[Number | None, Number | None]:
    """Return the network's number and the preset's."""
    if measure is Measure.RECEPTIVE_FIELD and not _has_field(analysis):
        return None, None
    return measure.definition.of_network(analysis), measure.definition.of_network(base)


def difference(definition: Definition, now: Number | None, before: Number | None) -> tuple[str, str]:
    """Return the difference to the preset as ``+3.2%`` and ``+4.42 M``; both are empty if nothing changed."""
    if now is None or before is None or now == before:
        return "", ""
    amount = f"{'+' if now > before else '−'}{definition.text(abs(now - before))}"
    if not before:
        return amount, amount
    share = (now - before) / before
    return change(share) if abs(share) >= LEAST_SHARE else "<0.1%", amount
