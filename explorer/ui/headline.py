"""Headline numbers of a network: short on the page, exact and with their formula on hover."""

from collections.abc import Callable
from typing import NamedTuple

import streamlit as st

from explorer.analysis import Analysis, Term
from explorer.families import PRESETS
from explorer.families.naming import same_as
from explorer.formatting import bytes_short, short
from explorer.i18n import _
from explorer.ui.glossary import explain
from explorer.ui.text import plain

CARD = 118  # pixels: two in a row


class Headline(NamedTuple):
    """One number: its entry in the glossary, its name, its short form, what hovering says, how to take and write it."""

    term: str
    label: str
    value: str
    explanation: str
    amount: Callable[[Analysis], int | None]
    write: Callable[[int], str] = short


def headlines(analysis: Analysis, terms: frozenset[Term]) -> list[Headline]:
    """The numbers at the top of the page."""
    totals, formulas, training, field = analysis.totals, analysis.formulas, analysis.training, analysis.field
    if not any(layer.field for layer in analysis.layers):
        field = None  # without convolution or pool: that a unit of the image sees itself says nothing
    flops = sum(amount for term, amount in totals.terms.items() if term in terms)
    aux = _("{count:,} more in auxiliary heads, in training only.").format(count=totals.aux_params)
    return [
        Headline(
            "parameter",
            _("Parameters"),
            short(totals.params),
            _exactly(
                _("{count:,} in all.").format(count=totals.params),
                aux if totals.aux_params else "",
                _by_stage(analysis, "params", totals.params),
            ),
            lambda of: of.totals.params,
        ),
        Headline(
            "macs",
            _("MACs"),
            short(totals.macs),
            _exactly(
                _("{count:,} multiply-accumulates for one image, without bias: what papers call FLOPs.").format(
                    count=totals.macs
                ),
                _by_stage(analysis, "macs", totals.macs),
            ),
            lambda of: of.totals.macs,
        ),
        Headline(
            "flops",
            _("FLOPs"),
            short(flops),
            _exactly(_("{count:,} of the chosen terms.").format(count=flops), formulas["flops"]),
            lambda of: sum(amount for term, amount in of.totals.terms.items() if term in terms),
        ),
        Headline(
            "mult-adds",
            _("Mult-adds"),
            short(totals.torchinfo_mult_adds),
            _exactly(
                _(
                    "{count:,} mult-adds as torchinfo counts them: weights and biases of convolutions and linear "
                    "layers at every place, other layers' once; attention's own products and projections are left out."
                ).format(count=totals.torchinfo_mult_adds)
            ),
            lambda of: of.totals.torchinfo_mult_adds,
        ),
        Headline(
            "parameter",
            _("Weights"),
            bytes_short(totals.weight_bytes),
            _exactly(
                _("{count:,} bytes in float32; {buffers:,} more in buffers.").format(
                    count=totals.weight_bytes, buffers=totals.buffer_bytes
                ),
                formulas["weight_bytes"],
            ),
            lambda of: of.totals.weight_bytes,
            bytes_short,
        ),
        Headline(
            "activation-memory",
            _("Peak activations"),
            bytes_short(totals.peak_activation_bytes),
            _exactly(
                _(
                    "{peak:,} bytes at most at once while one image passes, the image included: {parts}. Work space of "
                    "the kernels comes on top. {all:,} over all layers."
                ).format(
                    peak=totals.peak_activation_bytes,
                    parts=formulas["peak_activation_bytes"],
                    all=totals.activation_bytes,
                ),
                _by_stage(analysis, "activation_bytes", totals.activation_bytes),
            ),
            lambda of: of.totals.peak_activation_bytes,
            bytes_short,
        ),
        Headline(
            "training-memory",
            _("Training"),
            bytes_short(training.total) if training else "–",
            _exactly(
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
                formulas["training_bytes"],
            )
            if training
            else _("This network can't train on such a batch."),
            lambda of: of.training.total if of.training else None,
            bytes_short,
        ),
        Headline(
            "receptive-field",
            _("Receptive field"),
            _("{size} px").format(size=f"{field.size:,}") if field else "–",
            _exactly(
                _(
                    "One unit of the last map sees {size} pixels a side of {image}; neighbours are {stride} apart and "
                    "the first hangs {padding} over the edge."
                ).format(size=field.size, image=analysis.spec.image_size, stride=field.stride, padding=field.padding),
                _by_window(analysis),
            )
            if field
            else plain(
                analysis.field_note or _("No convolution or pool: every unit of the first layer sees the whole image.")
            ),
            lambda of: of.field.size if of.field and field else None,
            lambda size: _("{size} px").format(size=f"{size:,}"),
        ),
    ]


def _by_stage(analysis: Analysis, column: str, total: int) -> str:
    """The sum over the stages that the charts show."""
    sums: dict[str, int] = {}
    for layer in analysis.layers:
        sums[layer.stage] = sums.get(layer.stage, 0) + getattr(layer, column)
    parts = " + ".join(f"{amount:,} ({stage})" for stage, amount in sums.items() if amount)
    return f"{parts} = {total:,}" if parts else ""


def _by_window(analysis: Analysis) -> str:
    """The last step of the recursion that leads to the network's field."""
    size = analysis.field.size if analysis.field else 0
    steps = [layer.formulas["receptive_field"] for layer in analysis.layers if layer.field and layer.field.size == size]
    return next((step for step in steps if "=" in step), "")


def _exactly(*sentences: str) -> str:
    return "\n\n".join(plain(text) for text in sentences if text)


def draw(analysis: Analysis, base: Analysis, name: str, terms: frozenset[Term]) -> None:
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
        for line in headlines(analysis, terms):
            percent, amount = difference(line, analysis, base)
            known = line.amount(analysis) is not None and line.amount(base) is not None
            against = _("{amount} against {name}").format(amount=amount, name=name) if amount else ""
            st.metric(
                line.label, line.value, border=True, delta=percent or (_("unchanged") if known else None),
                help="\n\n".join(filter(None, [plain(against), line.explanation, explain(line.term)])),
                delta_color="off", delta_arrow="off",
            )  # fmt: skip


def difference(line: Headline, analysis: Analysis, base: Analysis) -> tuple[str, str]:
    """``+3.2%`` and ``+4.42 M`` against the preset; both empty where nothing changed."""
    now, before = line.amount(analysis), line.amount(base)
    if now is None or before is None or now == before:
        return "", ""
    amount = f"{'+' if now > before else '−'}{line.write(abs(now - before))}"
    percent = f"{100 * (now - before) / before:+,.1f}%".replace("-", "−") if before else amount
    return percent if float(percent[1:-1].replace(",", "") or 0) or not before else _("almost the same"), amount
