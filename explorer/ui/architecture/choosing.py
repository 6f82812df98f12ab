"""Parts of the page in which the user chooses a layer. The browser shows it everywhere; the server changes the link.

Such a part is a fragment, so that a choice costs much less than a run of the page. The whole page runs if it shows more
of the layer than the browser does.
"""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from explorer.analysis import Analysis
from explorer.drawing.appearance import Appearance, open_predicate
from explorer.drawing.tree import Node, tree, visible
from explorer.ui.architecture import state
from explorer.ui.architecture.view import ArchitectureView


@dataclass
class _Part:
    """A part of the page.

    Attributes:
        render: Function that renders it.
        analysis: The network.
        view: The view with which the page was run.
        is_rendered: Whether the page has rendered it, so that the fragment alone runs now.
    """

    render: Callable[[], None]
    analysis: Analysis
    view: ArchitectureView
    is_rendered: bool = False


def render(part: Callable[[], None], analysis: Analysis, view: ArchitectureView) -> None:
    """Render a part of the page that has a component in which the user chooses a layer.

    Args:
        part: Function that renders the part.
        analysis: The network.
        view: The view of this run of the page.
    """
    _render(_Part(part, analysis, view))


@st.fragment
def _render(part: _Part) -> None:
    part.render()
    if not part.is_rendered:
        part.is_rendered = True
        return
    page_state = state.ArchitectureState.of_session()
    if _looks_different(part, page_state.view):
        page_state.refresh()
    page_state.write_link()


def _looks_different(part: _Part, view: ArchitectureView) -> bool:
    """Return whether the page shows something else for a new view than the browser, which marks the chosen layer."""
    before = part.view
    if view.changed(layer=before.layer) != before or view.start == "field":  # the field is that of the layer
        return True
    return _boxes(part.analysis, view) != _boxes(part.analysis, before)


def _boxes(analysis: Analysis, view: ArchitectureView) -> list[Node]:
    """Return the boxes of the diagram. It has a layer of a closed block only while the layer is chosen."""
    stages = tree(analysis)
    shown = Appearance(view.colour, view.detail, frozenset(view.folded), view.layer)
    return visible(stages, open_predicate(analysis, stages, shown))
