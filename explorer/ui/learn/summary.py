"""The end of a lesson: predictions next to results, where to go on, what to read, and a file to keep."""

from typing import Any

import streamlit as st

from explorer.i18n import _
from explorer.lessons import lessons
from explorer.lessons.report import Chapter, report
from explorer.ui.glossary import entries
from explorer.ui.learn.results import answered
from explorer.ui.learn.state import LearnState
from explorer.ui.shared.address import PAGES, shared_parameters
from explorer.ui.shared.text import plain


def render(page_state: LearnState) -> None:
    """Render the summary."""
    lesson, section = page_state.lesson, page_state.section
    rows = answered(page_state)
    if rows:
        st.header(_("What you predicted, and what was seen"), anchor=False)
        questions, predictions, results = zip(*rows, strict=True)
        with st.container(key="learn-seen"):
            st.table(
                {_("Question"): questions, _("You said"): predictions, _("In your run"): results},
                border="horizontal", hide_index=True, alt=_("Questions with your predictions and the results"),
            )  # fmt: skip
    left, right = st.columns(2, gap="medium")
    with left, st.container(key="learn-links", gap="xxsmall"):
        st.header(_("Go on"), anchor=False)
        if section.page and page_state.view is not None:
            _link(section.page, _("This experiment with all settings"), section.page_link(page_state.view))
        for link in lesson.links:
            _link(link.page, link.label, dict(link.parameters))
        if following := _following(lesson.name):
            _link("learn", _("Next lesson: {title}").format(title=lessons()[following].title), {"lesson": following})
    with right:
        st.header(_("Read more"), anchor=False)
        for paper in lesson.papers:
            st.markdown(f"[{plain(paper.title)}]({paper.address})")
    st.header(_("Words of this lesson"), anchor=False)
    for term in lesson.terms:
        entry = entries()[term]
        st.markdown(f"**{plain(entry.name)}** · {plain(entry.sentence)}")
    result = page_state.compute()
    if section.is_complete(result):
        download(page_state, result)


def _link(page: str, label: str, parameters: dict[str, str]) -> None:
    st.page_link(
        str(PAGES / f"{page}.py"),
        label=f":primary[**{plain(label)}**]",
        query_params={**parameters, **shared_parameters()},
    )


def _following(name: str) -> str | None:
    names = list(lessons())
    return next(iter(names[names.index(name) + 1 :]), None)


def download(page_state: LearnState, result: Any) -> None:
    """Render a button that saves the experiment as one file, which needs no network."""
    lesson = page_state.lesson

    def content() -> str:
        section, view = page_state.section, page_state.view
        assert view is not None  # noqa: S101  there is a result
        chapter = Chapter(
            settings=section.settings(view),
            numbers=[(fact.label, fact.value, fact.formula) for fact in section.numbers(result)],
            figures=list(zip(section.figures(result, dark=False), section.figures(result, dark=True), strict=True)),
            predictions=answered(page_state),
        )
        return report(lesson, chapter)

    st.download_button(
        _("Save this experiment"), content, f"{lesson.name}.html", "text/html", key="learn-save", on_click="ignore",
        icon=":material/download:", type="tertiary", help=_("One file with charts, numbers and settings."),
    )  # fmt: skip
