"""The gallery: a card for each lesson, with its question, its length, and how far the reader has come."""

from html import escape

import streamlit as st

from explorer.i18n import _
from explorer.lessons import Lesson, lessons
from explorer.ui.shared.address import PAGES, shared_parameters
from explorer.ui.shared.text import plain


def render() -> None:
    """Render the gallery."""
    st.title(_("Learn"), anchor=False)
    st.markdown(
        _(
            "Each lesson asks one question. You predict, you try it on a live network, and then you see whether you "
            "were right."
        )
    )
    with st.grid(3, min_column_width=280, gap="small"):
        for number, lesson in enumerate(lessons().values(), 1):
            _card(number, lesson)
    st.caption(_("Your progress is stored in this browser only."))


def _card(number: int, lesson: Lesson) -> None:
    with st.container(border=True, height="stretch", gap="xxsmall", key=f"learn-card-{lesson.name}"):
        st.page_link(
            str(PAGES / "learn.py"), icon="",
            label=_("{number}. {title}").format(number=number, title=f":primary[**{plain(lesson.title)}**]"),
            query_params={"lesson": lesson.name, **shared_parameters()},
        )  # fmt: skip
        st.markdown(plain(lesson.question))
        minutes = _("{minutes} minutes").format(minutes=lesson.minutes)
        st.html(
            f'<span class="learn-minutes">{escape(minutes)}</span>'
            f'<span class="learn-progress" data-lesson="{escape(lesson.name)}"></span>'
        )
