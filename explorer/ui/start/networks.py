"""Well-known networks as cards. Their numbers are rendered after all links, because eight analyses take time."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.analysis import analyse
from explorer.families import PRESETS
from explorer.families.link import BASE
from explorer.formatting import short
from explorer.i18n import _
from explorer.ui.shared.text import plain
from explorer.ui.start import parts

NETWORKS = ("lenet5", "alexnet", "vgg16", "vgg19", "googlenet", "resnet18", "resnet50", "resnet152")


def render() -> dict[str, DeltaGenerator]:
    """Render the cards, and return the places of their numbers, by the names of the networks."""
    st.header(_("Open a well-known network"), anchor=False)
    places = {}
    with st.grid(4, min_column_width=160, gap="xsmall"):
        for name in NETWORKS:
            with st.container(border=True, gap="xxsmall", height="stretch", key=f"card-open-{name}"):
                parts.link("architecture", plain(PRESETS[name].title), {BASE: name})
                places[name] = st.empty()
                places[name].caption(_("Counting…"))
    return places


def count(places: dict[str, DeltaGenerator]) -> None:
    """Fill in the numbers."""
    for name, place in places.items():
        totals = analyse(PRESETS[name].spec).totals
        params, macs = (short(amount).replace(" ", "\u00a0") for amount in (totals.params, totals.macs))
        place.caption(_("{params} parameters, {macs} MACs").format(params=params, macs=macs))
