"""Editor of the ``torchvision`` family: which model, and at which size."""

import streamlit as st

from explorer.i18n import _
from explorer.models.zoo import names
from explorer.specs import Spec, ZooSpec
from explorer.specs.zoo import NATIVE_SIZES
from explorer.specs.zoo import PREFIX as ZOO
from explorer.ui.editors.common import shared_fields
from explorer.ui.state import PREFIX, PRESET, Editing


def edit(_editing: Editing) -> Spec:
    """Draw the widgets; the spec that they describe.

    Raises:
        SpecError: where they describe none.
    """
    name = st.selectbox(
        _("Model"),
        names(),
        key=PREFIX + "name",
        on_change=_choose,
        help=_("Every classification model that torchvision builds, without its weights."),
    )
    fields = shared_fields(channels=False)
    return ZooSpec.parse({"family": "torchvision", "name": name, **fields})


def _choose() -> None:
    """Callback: another model at its own size, to which later edits are compared."""
    name = st.session_state[PREFIX + "name"]
    st.session_state[PREFIX + "image_size"] = NATIVE_SIZES.get(name, 224)
    st.session_state[PRESET] = st.session_state["editing"].base = ZOO + name
