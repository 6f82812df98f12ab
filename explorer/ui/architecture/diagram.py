"""The diagram on the page: its colours, its folded parts, and the reaction to a click on a part."""

import streamlit as st

from explorer.analysis import Analysis
from explorer.analysis.measures import DIAGRAM_MEASURES
from explorer.drawing import diagram
from explorer.drawing.appearance import Appearance, toggle
from explorer.i18n import _
from explorer.ui.architecture import choosing, state
from explorer.ui.architecture.view import ArchitectureView
from explorer.ui.shared.figure import show_figure


def colours() -> dict[str, str]:
    """Return the titles of the measures that can colour the boxes."""
    return {"kind": _("Kind"), **{link: measure.label for link, measure in DIAGRAM_MEASURES.items()}}


def details() -> dict[str, str]:
    """Return the titles of the levels of detail."""
    return {"auto": _("What fits"), "stages": _("Stages"), "all": _("Every layer")}


def appearance(view: ArchitectureView, *, dark: bool) -> Appearance:
    """Return the diagram's part of the view."""
    return Appearance(view.colour, view.detail, frozenset(view.folded), view.layer, dark)


def controls() -> None:
    """Render the widgets for colour and detail."""
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
        levels = details()
        st.segmented_control(
            _("Show"), list(levels), format_func=levels.__getitem__, required=True, key=state.VIEW + "detail",
            help=_("A click on a stack opens it, a click on a heading closes it."),
            on_change=_unfold,
        )  # fmt: skip


def _unfold() -> None:
    state.set_folded_parts(frozenset(), state.ArchitectureState.of_session().view.layer)


def render(analysis: Analysis, name: str, view: ArchitectureView, *, dark: bool) -> None:
    """Render the diagram. A click chooses a layer, or folds or unfolds a part."""
    svg = diagram.draw(analysis, name, appearance(view, dark=dark), marks=False)

    def figure() -> None:
        show_figure(svg, key="diagram", on_pick=_fold, on_choose=state.choose_layer, tools=True)

    choosing.render(figure, analysis, view)


def _fold(part: str) -> None:
    page_state = state.ArchitectureState.of_session()
    key = part.removeprefix("fold:")
    new = toggle(page_state.analysis, appearance(page_state.view, dark=False), key)
    state.set_folded_parts(new.folded, new.chosen)
