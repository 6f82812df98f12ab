"""Parts that the cards of the Start page have in common: frame, figure next to facts, and links to other pages."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer.drawing.vignettes import WIDTH
from explorer.ui.shared import address

PAGES = address.PAGES

# The heights are reserved, so that nothing moves when a figure, a message or a number arrives.
STYLE = """<style>
  [class*="st-key-start-card-"] { min-height: 27.8rem }
  .st-key-start-card-predict, .st-key-start-card-learn { min-height: 25.3rem }
  @media (max-width: 1150px) {
    [class*="st-key-start-card-"] { min-height: 32rem }
    .st-key-start-card-predict { min-height: 43.3rem }
  }
  [class*="st-key-start-figure-"] { min-height: 158px }
  [class*="st-key-start-facts-"] { min-width: 150px }
  [class*="st-key-start-facts-"] [data-testid="stMetric"] { padding: 0 }
  .st-key-start-message { min-height: 2.9rem }
  .st-key-start-card-predict { container-type: inline-size }
  .st-key-start-drawing-place { min-height: 280px }
  @container (max-width: 519px) { .st-key-start-drawing-place { min-height: 550px } }
  [class*="st-key-start-card-"] h2 { padding-top: 0 }
  [class*="st-key-start-card-"] [data-testid="stPageLink"] a { padding-left: 0; background: transparent !important }
  [class*="st-key-start-card-"] [data-testid="stPageLink"] p, [class*="st-key-card-"] p { white-space: normal }
  @media (min-width: 641px) {
    .st-key-start-runs [data-testid="stPageLink"] p { white-space: nowrap !important; text-overflow: ellipsis }
  }
  [class*="st-key-start-card-"] [data-testid="stMarkdown"] a { text-decoration: none }
  [class*="st-key-start-card-"] [data-testid="stMarkdown"] p:has(> a) { font-size: 0.875rem; line-height: 1.5 }
  [class*="st-key-card-"] { position: relative; }
  [class*="st-key-card-"]:has(a:hover) { border-color: currentcolor; }
  [class*="st-key-card-"] .stElementContainer:has(a) { position: static; }
  [class*="st-key-card-"] a { padding-left: 0; background: transparent !important; }
  [class*="st-key-card-"] a::after { content: ""; position: absolute; inset: 0; z-index: 1; }
</style>"""


@contextmanager
def card(name: str, title: str, sentence: str) -> Iterator[None]:
    """Open a card with a title, a sentence and the elements of the block."""
    with st.container(border=True, height="stretch", gap="small", key=f"start-card-{name}"):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.header(title, anchor=False, width="content")
            st.caption(sentence, width="content")
        yield


def figure_and_facts(name: str, *, in_row: bool = False) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Add places for a figure and, next to it or on narrow cards below it, for facts.

    Args:
        name: Name of the card.
        in_row: Whether the facts are in a row if there is room.
    """
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        return (
            st.container(key=f"start-figure-{name}", width=WIDTH),
            st.container(key=f"start-facts-{name}", gap="xsmall", horizontal=in_row),
        )


def link(page: str, label: str, parameters: Mapping[str, str] | None = None, *, icon: str = "") -> None:
    """Render a link to a page of the app. The language stays.

    Args:
        page: Name of the page's script.
        label: Words of the link.
        parameters: Query parameters that the page opens with.
        icon: Icon of the link; the page's own if empty.
    """
    st.page_link(
        str(PAGES / f"{page}.py"), label=f":primary[**{label}**]", icon=icon or None,
        query_params={**(parameters or {}), **address.shared_parameters()},
    )  # fmt: skip
