"""The gallery: a card for each lesson, with its question, its length, and how far the reader has come."""

from base64 import b64encode
from html import escape

import streamlit as st

from explorer.i18n import _
from explorer.lessons import Lesson, lessons
from explorer.ui.shared.address import PAGES, shared_parameters
from explorer.ui.shared.text import plain


def render(*, dark: bool) -> None:
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
            _card(number, lesson, dark=dark)
    st.caption(_("Your progress is stored in this browser only."))


def _card(number: int, lesson: Lesson, *, dark: bool) -> None:
    with st.container(border=True, height="stretch", gap="xxsmall", key=f"learn-card-{lesson.name}"):
        st.html(_picture(lesson, dark=dark))
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


def _picture(lesson: Lesson, *, dark: bool) -> str:
    """Return the picture of a card, which has no text alternative: title and question say what it shows."""
    encoded = b64encode(lesson.vignette(dark=dark).encode()).decode()
    return f'<img class="learn-vignette" alt="" width="240" height="96" src="data:image/svg+xml;base64,{encoded}">'
