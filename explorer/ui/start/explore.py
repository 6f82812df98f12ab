"""Explore: a cfg list to type. Numbers and figure follow; the link opens the network on the Architecture page."""

import streamlit as st

from explorer.analysis import analyse
from explorer.analysis.measures import Measure
from explorer.drawing import vignettes
from explorer.errors import InputError
from explorer.families import NamedNetwork, from_layers, resolve
from explorer.families.naming import title
from explorer.i18n import _
from explorer.ui.shared.figure import show_figure
from explorer.ui.shared.text import plain
from explorer.ui.start import parts

BASE = "vgg16"
CFG = "start.cfg"
VALID = "start.network"  # session_state key: the last valid network
MEASURES = (Measure.PARAMS, Measure.MACS, Measure.RECEPTIVE_FIELD)


def render(*, dark: bool) -> None:
    """Render the card."""
    with parts.card(
        "explore",
        _("Explore"),
        _("Change the layers: the numbers follow."),
    ):
        _render(dark=dark)


@st.fragment
def _render(*, dark: bool) -> None:
    start = NamedNetwork(resolve(BASE), BASE)
    if CFG not in st.session_state:
        st.session_state[CFG] = ", ".join(map(str, start.spec.to_dict()["cfg"]))
    text = st.text_input(_("Layers (cfg)"), key=CFG, live="100ms", persist_state="session")
    message = st.container(key="start-message")
    network: NamedNetwork = st.session_state.get(VALID, start)
    try:
        changed = NamedNetwork(from_layers(text, start.spec), BASE)
        analyse(changed.spec)
    except InputError as error:
        message.markdown(
            _(":material/error: {problem}. The numbers are those of the last valid network.").format(
                problem=plain(str(error))
            )
        )
    else:
        network = st.session_state[VALID] = changed
        message.caption(
            _("**{name}**: **64** is a 3×3 convolution to 64 channels, **M** halves the map. Type your own.").format(
                name=plain(title(network.spec, BASE))
            )
        )
    figure, facts = parts.figure_and_facts("explore", in_row=True)
    analysis = analyse(network.spec)
    with figure:
        show_figure(vignettes.volumes(analysis, dark=dark), key="start-volumes")
    with facts:
        for measure in MEASURES:
            definition = measure.definition
            st.metric(definition.names().name, definition.text(definition.of_network(analysis)), width=104)
    with st.container(horizontal=True):
        parts.link("architecture", _("Open in Architecture"), network.link)
        parts.link("architecture", _("Start from another network"))
