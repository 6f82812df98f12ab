"""The diagram on the page: how it is coloured and opened, and what picking a part does."""

import streamlit as st

from explorer.analysis import Analysis, analyse
from explorer.analysis.measures import DRAWN
from explorer.drawing import diagram
from explorer.drawing.looks import Appearance, toggled
from explorer.i18n import _
from explorer.ui.architecture import state
from explorer.ui.architecture.view import ArchitectureView
from explorer.ui.shared.picture import picture

SMALLEST = 0.66  # of the drawn size: below it labels can't be read


def colours() -> dict[str, str]:
    """What boxes can be coloured by."""
    return {"kind": _("Kind"), **{link: measure.record.names().name for link, measure in DRAWN.items()}}


def details() -> dict[str, str]:
    """How much of a network is open."""
    return {"auto": _("What fits"), "stages": _("Stages"), "all": _("Every layer")}


def appearance(view: ArchitectureView, *, dark: bool) -> Appearance:
    """The diagram's part of the view."""
    return Appearance(view.colour, view.detail, frozenset(view.folded), view.layer, dark)


def controls() -> None:
    """Widgets for colour and detail."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        names = colours()
        st.segmented_control(
            _("Colour by"),
            list(names),
            format_func=names.__getitem__,
            required=True,
            wrap=True,
            key=state.VIEW + "colour",
        )
        known = details()
        st.segmented_control(
            _("Show"), list(known), format_func=known.__getitem__, required=True, key=state.VIEW + "detail",
            help=_("A click on a stack opens it, a click on a heading closes it."),
            on_change=_unfold,
        )  # fmt: skip


def _unfold() -> None:
    state.fold(frozenset(), st.session_state["editing"].view.layer)


def render(analysis: Analysis, name: str, view: ArchitectureView, *, dark: bool) -> None:
    """The picture; a pick chooses a layer, or opens and closes a part."""
    svg = diagram.draw(analysis, name, appearance(view, dark=dark))
    picture(svg, key="diagram", on_pick=_picked, smallest=SMALLEST)


def _picked(part: str) -> None:
    editing = st.session_state["editing"]
    what, _colon, key = part.partition(":")
    if what == "layer":
        state.choose_layer("" if key == editing.view.layer else key)
        return
    now = appearance(editing.view, dark=False)
    then = toggled(analyse(editing.spec), now, key)
    state.fold(then.folded, then.chosen)
