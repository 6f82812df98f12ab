"""Start: links to three pages, well-known networks, and the glossary.

Old links lead to this page. If a link names a network, the page redirects to the Architecture page with the whole link.
"""

from pathlib import Path

import streamlit as st

from explorer.analysis import analyse
from explorer.drawing import vignettes
from explorer.families import PRESETS
from explorer.families.link import BASE
from explorer.families.registry import titles
from explorer.formatting import short
from explorer.i18n import _
from explorer.ui import glossary
from explorer.ui.glossary import term
from explorer.ui.shared import address
from explorer.ui.shared.figure import show_figure
from explorer.ui.shared.text import plain

PAGES = Path(__file__).parent
ARCHITECTURE, KERNELS, COMPARE = (str(PAGES / f"{name}.py") for name in ("architecture", "kernels", "compare"))
NETWORKS = ("lenet5", "alexnet", "vgg16", "vgg19", "googlenet", "resnet18", "resnet50", "resnet152")
PAIR = {"VGG-16": "vgg16", "ResNet-50": "resnet50"}
# Makes the whole card clickable.
STYLE = """<style>
  [class*="st-key-card-"] { position: relative; }
  [class*="st-key-card-"]:has(a:hover) { border-color: currentcolor; }
  [class*="st-key-card-"] .stElementContainer:has(a) { position: static; }
  [class*="st-key-card-"] a { padding-left: 0; background: transparent !important; }
  [class*="st-key-card-"] a::after { content: ""; position: absolute; inset: 0; z-index: 1; }
</style>"""

if BASE in st.query_params:
    st.switch_page(ARCHITECTURE, query_params=st.query_params.to_dict())

shared_parameters = address.shared_parameters()
dark = st.context.theme.type == "dark"


def card(key: str, svg: str, description: str, page: str, label: str) -> None:
    """Render a card with a figure, a description and a link."""
    with st.container(border=True, height="stretch", key=f"card-{key}"):
        show_figure(svg, key=f"picture-{key}")
        st.markdown(description)
        st.page_link(page, label=f":primary[**{label}**]", query_params=shared_parameters, width="stretch")


st.html(STYLE)
st.title("CNN Architecture Explorer", anchor=False)
st.html(
    _(
        "Change any layer of a convolutional network and see at once its {params}, {macs}, {memory} and {field}: "
        "exact, with the formula behind each number."
    ).format(
        params=term("parameter", _("parameters")),
        macs=term("macs", _("MACs")),
        memory=term("training-memory", _("memory")),
        field=term("receptive-field", _("receptive field")),
    )
)

with st.grid(3, min_column_width=260, gap="small"):
    card(
        "edit",
        vignettes.volumes(analyse(PRESETS["vgg16"].spec), dark=dark),
        _("{families} and every torchvision model, layer by layer, with costs and warnings.").format(families=titles()),
        ARCHITECTURE,
        _("Edit a network"),
    )
    card(
        "kernels",
        vignettes.nested(dark=dark),
        _("What one unit sees of the image as convolutions are stacked, and what the stack costs."),
        KERNELS,
        _("See why 3×3"),
    )
    card(
        "compare",
        vignettes.bars({title: analyse(PRESETS[name].spec) for title, name in PAIR.items()}, dark=dark),
        _("Two networks side by side: where they differ, and what the difference costs."),
        COMPARE,
        _("Compare two networks"),
    )

st.header(_("Open a well-known network"), anchor=False)
captions = {}
with st.grid(4, min_column_width=160, gap="xsmall"):
    for name in NETWORKS:
        with st.container(border=True, gap="xxsmall", key=f"card-open-{name}"):
            st.page_link(
                ARCHITECTURE,
                label=f"**{plain(PRESETS[name].title)}**",
                icon="",
                query_params={BASE: name, **shared_parameters},
                width="stretch",
            )
            captions[name] = st.empty()
            captions[name].caption(_("Counting…"))
for name, caption in captions.items():  # after all links, so that the user need not wait for eight analyses
    totals = analyse(PRESETS[name].spec).totals
    params, macs = (short(amount).replace(" ", "\u00a0") for amount in (totals.params, totals.macs))
    caption.caption(_("{params} parameters, {macs} MACs").format(params=params, macs=macs))

with st.expander(_("Glossary"), key="glossary-section", icon=":material/menu_book:"):
    glossary.render()
