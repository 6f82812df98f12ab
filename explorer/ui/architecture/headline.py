"""Headline numbers of a network: short on the page, exact and with their formula on hover."""

import streamlit as st

from explorer.analysis import Analysis
from explorer.analysis.measures import Measure, Number, Place, Record, by_stage, shown
from explorer.families import PRESETS
from explorer.families.naming import same_as
from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.ui.glossary import explain
from explorer.ui.shared.text import plain

CARD = 118  # pixels: two in a row


def explained(measure: Measure, analysis: Analysis) -> str:
    """A number to the last digit, what it counts here, and how it comes about."""
    totals, formula, training = analysis.totals, analysis.formulas, analysis.training
    match measure:
        case Measure.PARAMS:
            return _exactly(
                _("{count:,} in all.").format(count=totals.params),
                _("{count:,} more in auxiliary heads, in training only.").format(count=totals.aux_params)
                if totals.aux_params
                else "",
                _by_stage(analysis, measure),
            )
        case Measure.MACS:
            return _exactly(
                _("{count:,} multiply-accumulates for one image, without bias: what papers call FLOPs.").format(
                    count=totals.macs
                ),
                _by_stage(analysis, measure),
            )
        case Measure.FLOPS:
            return _exactly(_("{count:,} of the chosen terms.").format(count=totals.flops), formula[measure])
        case Measure.MULT_ADDS:
            return _exactly(
                _(
                    "{count:,} mult-adds as torchinfo counts them: weights and biases of convolutions and linear "
                    "layers at every place, other layers' once; attention's own products and projections are left out."
                ).format(count=totals.torchinfo_mult_adds)
            )
        case Measure.WEIGHT_BYTES:
            return _exactly(
                _("{count:,} bytes in float32; {buffers:,} more in buffers.").format(
                    count=totals.weight_bytes, buffers=totals.buffer_bytes
                ),
                formula[measure],
            )
        case Measure.PEAK_ACTIVATION_BYTES:
            return _exactly(
                _(
                    "{peak:,} bytes at most at once while one image passes, the image included: {parts}. Work space of "
                    "the kernels comes on top. {all:,} over all layers."
                ).format(peak=totals.peak_activation_bytes, parts=formula[measure], all=totals.activation_bytes),
                _by_stage(analysis, Measure.ACTIVATION_BYTES),
            )
        case Measure.TRAINING_BYTES:
            if training is None:
                return _exactly(_("This network can't train on such a batch."))
            return _exactly(
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
            return _of_field(analysis)
        case _:
            return _exactly(measure.formula(analysis) or measure.record.exact(measure.record.of_network(analysis)))


def _of_field(analysis: Analysis) -> str:
    field = analysis.field
    if field is None or not _traced(analysis):
        return _exactly(
            analysis.field_note or _("No convolution or pool: every unit of the first layer sees the whole image.")
        )
    return _exactly(
        _(
            "One unit of the last map sees {size} pixels a side of {image}; neighbours are {stride} apart and "
            "the first hangs {padding} over the edge."
        ).format(size=field.size, image=analysis.spec.image_size, stride=field.stride, padding=field.padding),
        _by_window(analysis),
    )


def _traced(analysis: Analysis) -> bool:
    """Whether there is a convolution or pool: else that a unit of the image sees itself says nothing."""
    return any(layer.field for layer in analysis.layers)


def _by_stage(analysis: Analysis, measure: Measure) -> str:
    """The sum over the stages that the charts show."""
    sums = {stage: measure.record.amount(layers) for stage, layers in by_stage(analysis.layers).items()}
    parts = " + ".join(f"{amount:,} ({stage})" for stage, amount in sums.items() if amount)
    return f"{parts} = {measure.record.of_network(analysis):,}" if parts else ""


def _by_window(analysis: Analysis) -> str:
    """The last step of the recursion that leads to the network's field."""
    size = analysis.field.size if analysis.field else 0
    steps = [layer.formulas["receptive_field"] for layer in analysis.layers if layer.field and layer.field.size == size]
    return next((step for step in steps if "=" in step), "")


def _exactly(*sentences: str) -> str:
    return "\n\n".join(plain(text) for text in sentences if text)


def render(analysis: Analysis, base: Analysis, name: str) -> None:
    """The headline numbers in a grid, each with its difference to the preset ``base``, called ``name``."""
    equal = same_as(analysis.spec)
    if equal not in (None, name):
        st.caption(
            plain(
                _("This is {title} ({preset}); the differences are those to {base}.").format(
                    title=PRESETS[equal or name].title, preset=equal, base=name
                )
            )
        )
    with st.grid(2, min_column_width=CARD, gap="xsmall"):
        for measure in shown(Place.HEADLINE):
            record = measure.record
            now, before = amounts(measure, analysis, base)
            percent, apart = difference(record, now, before)
            against = _("{amount} against {name}").format(amount=apart, name=name) if apart else ""
            known = now is not None and before is not None
            st.metric(
                record.names().name, record.write(now), border=True,
                delta=percent or (_("unchanged") if known else None),
                help="\n\n".join(filter(None, [plain(against), explained(measure, analysis), explain(record.term)])),
                delta_color="off", delta_arrow="off",
            )  # fmt: skip


def amounts(measure: Measure, analysis: Analysis, base: Analysis) -> tuple[Number | None, Number | None]:
    """The network's number and the preset's."""
    if measure is Measure.RECEPTIVE_FIELD and not _traced(analysis):
        return None, None
    return measure.record.of_network(analysis), measure.record.of_network(base)


def difference(record: Record, now: Number | None, before: Number | None) -> tuple[str, str]:
    """``+3.2%`` and ``+4.42 M`` against the preset; both empty where nothing changed."""
    if now is None or before is None or now == before:
        return "", ""
    amount = f"{'+' if now > before else '−'}{record.write(abs(now - before))}"
    percent = f"{100 * (now - before) / before:+,.1f}%".replace("-", "−") if before else amount
    return percent if float(percent[1:-1].replace(",", "") or 0) or not before else _("almost the same"), amount
