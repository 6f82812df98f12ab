"""The full card of weights."""

import json
from typing import Any

import pandas as pd
import streamlit as st

from explorer.formatting import short
from explorer.i18n import _, ngettext
from explorer.specs.size import picture_size
from explorer.ui.predict.figure_names import figure_name
from explorer.ui.shared import address, weights_options
from explorer.ui.shared.networks import title
from explorer.ui.shared.text import plain
from explorer.weights.files import Card
from explorer.weights.registry import RegistryEntry

ROW, ROWS_SHOWN = 30, 12
MAX_CLASSES = 12  # classes that are named without a click


def render(entry: RegistryEntry, card: Card) -> None:
    """Render network, images, classes, figures and origin of weights."""
    facts_side, figures_side = st.columns([3, 2], gap="medium")
    with facts_side:
        st.markdown("\n".join(f"- **{label}**: {text}" for label, text in _facts(entry, card)))
        st.page_link(
            "../pages/architecture.py", label=_("The network on the Architecture page"), icon=":material/schema:",
            width="content", query_params={**card.network.link, **address.shared_parameters()},
        )  # fmt: skip
    with figures_side:
        _render_figures(card)
    if len(card.classes) > MAX_CLASSES:
        with st.expander(
            ngettext("The only class", "All {count:,} classes", len(card.classes)).format(count=len(card.classes)),
            icon=":material/list:",
        ):
            st.markdown(" · ".join(map(plain, card.classes)))
    with st.expander(_("How they were made"), icon=":material/history:"):
        # Without a language: the colours of Streamlit's highlighter are too faint, and can't be changed.
        st.code(_as_json({"made_by": card.made_by, "recipe": card.recipe, "data": card.data}), language=None)


def _facts(entry: RegistryEntry, card: Card) -> list[tuple[str, str]]:
    spec, inputs = card.network_spec, card.inputs
    names = ", ".join(map(plain, card.classes[:MAX_CLASSES])) + ("…" if len(card.classes) > MAX_CLASSES else "")
    facts = [
        (
            _("Network"),
            _("{network}, {params} parameters").format(
                network=plain(title(card.network)), params=short(weights_options.parameter_count(entry.name, spec))
            ),
        ),
        (_("Classes"), _("{count:,}: {names}").format(count=len(card.classes), names=names)),
        (
            _("Images"),
            _("{size} pixels, {colour}").format(
                size=picture_size(inputs.sides),
                colour=_("grey") if spec.in_channels == 1 else _("colour"),
            ),
        ),
        (
            _("Prepared"),
            _("resized straight to this size")
            if inputs.resize is None
            else _("shorter side resized to {side} pixels, the middle cut out").format(side=inputs.resize),
        ),
        (
            _("Normalised"),
            _("mean {mean}, standard deviation {std}").format(
                mean=", ".join(f"{value:g}" for value in inputs.mean),
                std=", ".join(f"{value:g}" for value in inputs.std),
            ),
        ),
    ]
    if card.name != entry.name:  # renaming a file does not change its card
        facts.insert(0, (_("Original name"), plain(card.name)))
    if inputs.permutation_seed is not None:
        facts.append((_("Pixels"), _("shuffled by the seed {seed}").format(seed=inputs.permutation_seed)))
    if data := card.data.get("name"):
        facts.append((_("Trained on"), plain(str(data))))
    if precision := card.made_by.get("precision"):
        facts.append((_("Precision"), plain(str(precision))))
    facts.append((_("License"), plain(card.license) if card.license else _("not known")))
    return facts


def _render_figures(card: Card) -> None:
    tested_first = sorted(card.metrics.items(), key=lambda figure: not figure[0].startswith("test/"))
    figures = [figure for name, value in tested_first for figure in _figure(name, value)]
    if not figures:
        st.info(_("The card has no figures: test the weights."), icon=":material/fact_check:")
        return
    st.dataframe(
        pd.DataFrame(figures, columns=["name", "value"]),
        hide_index=True,
        row_height=ROW,
        height=ROW * (min(len(figures), ROWS_SHOWN) + 1) + 2,
        column_config={
            "name": st.column_config.TextColumn(_("Figure")),
            "value": st.column_config.TextColumn(_("Value"), alignment="right"),
        },
        alt=_("Figures of the card"),
    )


def _figure(name: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [figure for key, one in value.items() for figure in _figure(f"{name}/{key}", one)]
    share = isinstance(value, float) and "top" in name and 0 <= value <= 1
    text = f"{value:.2%}" if share else f"{value:,.5g}" if isinstance(value, float) else str(value)
    return [(figure_name(name), f"{value:,}" if isinstance(value, int) else text)]


def _as_json(part: dict[str, Any]) -> str:
    return json.dumps({key: value for key, value in part.items() if value}, ensure_ascii=False, indent=1)
