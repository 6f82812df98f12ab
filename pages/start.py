"""Start: what can be done, in one look. Four cards work where they stand; below are runs, networks, tour and glossary.

Old links lead to this page. If a link names a network, the page redirects to the Architecture page with the whole link.
"""

import streamlit as st

from explorer.families.link import BASE
from explorer.i18n import _
from explorer.ui import glossary
from explorer.ui.glossary import term
from explorer.ui.shared import link_problems
from explorer.ui.start import explore, learn, networks, parts, predict, runs, tour

if BASE in st.query_params:
    st.switch_page(str(parts.PAGES / "architecture.py"), query_params=st.query_params.to_dict())

dark = st.context.theme.type == "dark"

st.html(parts.STYLE)
st.title("CNN Architecture Explorer", anchor=False)
link_problems.render_unknown(())
st.html(
    _(
        "Change any layer of a convolutional network and see at once its {params}, {macs}, {memory} and {field}. Train "
        "it, show it a picture, and see why it gives its answer."
    ).format(
        params=term("parameter", _("parameters")),
        macs=term("macs", _("MACs")),
        memory=term("training-memory", _("memory")),
        field=term("receptive-field", _("receptive field")),
    )
)

with st.grid(2, min_column_width=340, gap="small"):
    explore.render(dark=dark)
    runs.render(dark=dark)
    drawing_place = predict.render()
    learn.render(dark=dark)

places = networks.render()
tour.render()
glossary.render()

predict.fill(drawing_place)
networks.count(places)
