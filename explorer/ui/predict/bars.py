"""The likeliest classes as bars, and all classes as a table."""

from collections.abc import Sequence
from html import escape

import pandas as pd
import streamlit as st

from explorer.drawing.theme import theme
from explorer.i18n import _
from explorer.prediction.answers import Answer
from explorer.prediction.classify import ClassProbability

ROW = 30
ROWS_SHOWN = 12
STYLE = """<style>
  .top-classes { display: grid; grid-template-columns: minmax(5rem, 30%) 1fr 4.2rem; gap: 6px 10px; margin: 0;
             align-items: center; font-size: 0.93rem }
  .top-classes .candidate { display: contents }
  .top-classes .class { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
  .top-classes .ground, .top-classes .bar { display: block; height: 14px; border-radius: 3px }
  .top-classes .bar { min-width: 2px }
  .top-classes .share { text-align: right; font-variant-numeric: tabular-nums }
</style>"""


def render_top(candidates: Sequence[ClassProbability], truth: int | None, *, dark: bool) -> None:
    """Render the likeliest classes as bars, and mark the true one."""
    colours = theme(dark=dark)
    rows = "".join(
        f'<div class="candidate" role="listitem"><span class="class" title="{escape(candidate.name)}">'
        f'{"✓ " if candidate.index == truth else ""}{escape(candidate.name)}</span><span class="ground" '
        f'style="background:{colours.panel}"><span class="bar" style="background:{colours.accent};'
        f'width:{candidate.probability:.2%}"></span></span><span class="share">{candidate.probability:.2%}</span></div>'
        for candidate in candidates
    )
    st.html(f'{STYLE}<div class="top-classes" role="list">{rows}</div>')


def render_all_classes(answer: Answer, place: str) -> None:
    """Render all classes as a sortable table, when the user opens it."""
    with st.expander(
        _("Every class"), icon=":material/list:", key=f"predict.every.{place}", on_change="rerun"
    ) as opened:
        if not opened.open:
            return
        candidates = answer.top(len(answer.network.card.classes))
        frame = pd.DataFrame(
            [
                (rank, candidate.name, candidate.index, 100 * candidate.probability)
                for rank, candidate in enumerate(candidates, 1)
            ],
            columns=["rank", "class", "index", "probability"],
        )
        st.dataframe(
            frame, hide_index=True, row_height=ROW, height=ROW * (min(len(frame), ROWS_SHOWN) + 1) + 2,
            column_config={
                "rank": st.column_config.NumberColumn(_("Rank"), width=60),
                "class": st.column_config.TextColumn(_("Class")),
                "index": st.column_config.NumberColumn(_("Position"), help=_("Index of the output, from 0."), width=80),
                "probability": st.column_config.ProgressColumn(
                    _("Probability"), min_value=0, max_value=100, format="%.2f%%"
                ),
            },
            alt=_("Every class with its probability"),
        )  # fmt: skip
