"""Editor of the ``torchvision`` family: the model, its input and its head."""

import streamlit as st

from explorer.families import Spec
from explorer.families.torchvision.names import names
from explorer.families.torchvision.spec import FIXED_ACTIVATION, NATIVE_SIZES, ZooSpec
from explorer.families.torchvision.spec import PREFIX as ZOO
from explorer.i18n import _
from explorer.specs.cfg_text import format_text, read_widths
from explorer.ui.architecture.state import EDIT, PRESET, ArchitectureState
from explorer.ui.editors.common import activation_field, choice_field, error_area, shared_fields
from explorer.ui.glossary import explain


def edit(_page_state: ArchitectureState) -> Spec:
    """Render the widgets, and return the spec that they describe.

    Raises:
        SpecError: If the values of the widgets break a rule.
    """
    name = st.selectbox(
        _("Model"),
        names(),
        key=EDIT + "name",
        on_change=_choose,
        help=_("Every classification model that torchvision builds, without its weights."),
    )
    error_area("name")
    fields = shared_fields()
    head = choice_field(
        "head",
        _("Head"),
        {"own": _("torchvision's"), "last": _("last layer replaced"), "pooled": _("all behind the mean replaced")},
        explain("head", _("Linear layers of your own in place of torchvision's, as for classes of your own.")),
    )
    widths: list[int | str] = []
    if head != "own":
        value = st.session_state[EDIT + "classifier"]
        if not isinstance(value, str):  # PageState.fill has set the whole list
            st.session_state[EDIT + "classifier"] = format_text(value) if value else ""
        hidden = st.text_input(
            _("Hidden layers of the head"), key=EDIT + "classifier", live="100ms",
            placeholder=_("none: straight to the classes"),
        )  # fmt: skip
        widths = read_widths(hidden)
    error_area("head", "classifier")
    is_fixed = name.startswith(FIXED_ACTIVATION)
    activation = activation_field(
        _("This model calls ReLU as a function in its code, so that there is no layer to replace.")
        if is_fixed
        else _(
            "Replaces ReLU, ReLU6, Hardswish, SiLU, GELU and Tanh after layers. Gates, such as the Sigmoid of a "
            "squeeze-and-excitation block, and the softmax of attention stay."
        ),
        own=_("torchvision's"),
        disabled=is_fixed and st.session_state[EDIT + "activation"] == "own",
    )
    error_area("activation")
    return ZooSpec.parse(
        {
            "family": "torchvision",
            "name": name,
            "head": head,
            "classifier": widths,
            "activation": activation,
            **fields,
        }
    )


def _choose() -> None:
    """Callback: choose a model at its native size. It is the base to which later edits are compared."""
    name = st.session_state[EDIT + "name"]
    st.session_state[EDIT + "image_size"] = str(NATIVE_SIZES.get(name, 224))
    if name.startswith(FIXED_ACTIVATION):
        st.session_state[EDIT + "activation"] = "own"
    page_state = ArchitectureState.of_session()
    page_state.network = page_state.network._replace(base=ZOO + name)
    st.session_state[PRESET] = page_state.base
