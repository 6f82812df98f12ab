"""Editor of the ``torchvision`` family: which model, and at which size."""

import streamlit as st

from explorer.families import Spec
from explorer.families.torchvision.network import names
from explorer.families.torchvision.spec import NATIVE_SIZES, ZooSpec
from explorer.families.torchvision.spec import PREFIX as ZOO
from explorer.i18n import _
from explorer.specs.cfg_text import format_text, read_widths
from explorer.ui.architecture.state import PREFIX, PRESET, Editing
from explorer.ui.editors.common import choice, shared_fields, slot
from explorer.ui.glossary import explain


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
    slot("name")
    fields = shared_fields()
    head = choice(
        "head",
        _("Head"),
        {"own": _("torchvision's"), "last": _("last layer replaced"), "pooled": _("all behind the mean replaced")},
        explain("head", _("Linear layers of your own in place of torchvision's, as for classes of your own.")),
    )
    widths: list[int | str] = []
    if head != "own":
        held = st.session_state[PREFIX + "classifier"]
        if not isinstance(held, str):  # filled from a spec
            st.session_state[PREFIX + "classifier"] = format_text(held) if held else ""
        hidden = st.text_input(
            _("Hidden layers of the head"), key=PREFIX + "classifier", live=True,
            placeholder=_("none: straight to the classes"),
        )  # fmt: skip
        widths = read_widths(hidden)
    slot("head", "classifier")
    return ZooSpec.parse({"family": "torchvision", "name": name, "head": head, "classifier": widths, **fields})


def _choose() -> None:
    """Callback: another model at its own size, to which later edits are compared."""
    name = st.session_state[PREFIX + "name"]
    st.session_state[PREFIX + "image_size"] = NATIVE_SIZES.get(name, 224)
    editing = Editing.of_session()
    editing.network = editing.network._replace(base=ZOO + name)
    st.session_state[PRESET] = editing.base
