"""The steps of a lesson: text, question, experiment, and comparison of the prediction with the result."""

import json
from html import escape
from typing import Any

import streamlit as st

from explorer.i18n import _
from explorer.lessons import Ask, Reveal, Step, Try
from explorer.lessons.lesson import Answer, without_markdown, written
from explorer.ui.learn import summary
from explorer.ui.learn.results import answer_text
from explorer.ui.learn.state import WIDGET, LearnState
from explorer.ui.shared.address import PAGES, shared_parameters
from explorer.ui.shared.sections.section import only, widget_key
from explorer.ui.shared.text import plain

TEXT_WIDTH = 720  # pixels: longer lines are hard to read

STYLE = """<style>
  [class*="st-key-learn-card-"] { position: relative; }
  [class*="st-key-learn-card-"]:has(a:hover) { border-color: currentcolor; }
  [class*="st-key-learn-card-"] .stElementContainer:has(a) { position: static; }
  [class*="st-key-learn-card-"] a { padding-left: 0; background: transparent !important; }
  [class*="st-key-learn-card-"] a p { white-space: normal; }
  [class*="st-key-learn-card-"] a::after { content: ""; position: absolute; inset: 0; z-index: 1; }
  .st-key-learn-links [data-testid="stPageLink"] a { padding-left: 0; background: transparent !important; }
  .st-key-learn-links [data-testid="stPageLink"] p { white-space: normal; }
  .st-key-learn-all [data-testid="stPageLink"] a { background: transparent !important; }
  .learn-vignette { display: block; width: 240px; height: 96px; max-width: 100%; object-fit: contain; }
  .learn-vignette { margin: 0 auto 0.5rem; }
  .learn-minutes { font-size: 0.875rem; margin-right: 1rem; }
  .learn-progress { font-size: 0.875rem; font-weight: 600; }
  .st-key-learn-seen table { table-layout: fixed; }
  .st-key-learn-seen :is(th, td) { width: 25%; overflow-wrap: anywhere; hyphens: auto; vertical-align: top; }
  .st-key-learn-seen :is(th, td):first-child { width: 50%; }
  .st-key-learn-step pre code { white-space: pre-wrap !important; overflow-wrap: anywhere; }
  .st-key-learn-step :is(p, td, li) code { font-size: max(0.875em, 12px); }
  .st-key-learn-question [data-testid="stMarkdownContainer"] p { font-size: 1.05rem; }
</style>"""


def render(page_state: LearnState, *, dark: bool) -> None:
    """Render the current step of the open lesson."""
    lesson, step = page_state.lesson, page_state.current
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.title(plain(lesson.title), anchor=False, width="content")
        words = _("All lessons")
        with st.container(key="learn-all", width="content"):
            st.page_link(
                str(PAGES / "learn.py"), label=f":primary[**{words}**]", icon=":material/arrow_back:",
                query_params=shared_parameters(),
            )  # fmt: skip
    st.caption(plain(lesson.question))
    count = len(lesson.steps) + 1
    st.progress(
        page_state.step / (count - 1),
        text=_("Step {step} of {count}").format(step=page_state.step + 1, count=count),
    )
    with st.container(key="learn-step"):  # so that the buttons keep their place and with it the focus
        if step is None:
            summary.render(page_state)
        else:
            _render_step(page_state, step, dark=dark)
    _buttons(page_state, step)


def _render_step(page_state: LearnState, step: Step, *, dark: bool) -> None:
    if isinstance(step, Try):
        _render_experiment(page_state, step, dark=dark)
        return
    text = written(step.text, page_state.compute())
    st.markdown(text, width=TEXT_WIDTH)
    if isinstance(step, Ask):
        page_state.settings_of[step.name] = page_state.view
        _ask(step, text)


def _ask(question: Ask, text: str) -> None:
    """Render the widget for a prediction. The answer is not part of the page."""
    key = WIDGET + question.name
    with st.container(border=True, width=TEXT_WIDTH, key="learn-question"):
        if question.options:
            st.radio(
                _("Your prediction"), list(question.options), format_func=question.options.__getitem__, key=key,
                index=None,
            )  # fmt: skip
        else:
            label = (
                _("Your prediction, in {unit}").format(unit=question.unit) if question.unit else _("Your prediction")
            )
            st.number_input(label, value=None, step=1.0, format="%.12g", key=key, width=240)
        st.caption(_("A guess is good enough: you will remember more if you commit to one."))
        st.html(_for_class(question, text))


def _for_class(question: Ask, text: str) -> str:
    """Return the question in a form that the bar of a class can ask. It does not hold the answer."""
    content = {
        "kind": "choice" if question.options else "number",
        "text": without_markdown(text),
        "options": list(question.options.values()),
    }
    return f'<span hidden data-class-question="{escape(json.dumps(content))}"></span>'


def _render_experiment(page_state: LearnState, step: Try, *, dark: bool) -> None:
    section = page_state.section
    text, controls = st.empty(), st.container()
    shown = step.controls if page_state.only is None else page_state.only
    for name in section.labels():
        if name not in shown:  # a hidden widget may have an old value
            st.session_state[widget_key(section.name, name)] = getattr(page_state.view, name)
    with controls, only(shown):
        values = section.controls()
    result = page_state.compute(values)
    complete = section.is_complete(result)
    with text.container(width=TEXT_WIDTH):
        if isinstance(step, Reveal):
            if complete:
                _compare(page_state, page_state.lesson.questions[step.of], result)
                st.markdown(written(step.text, result))
            else:
                st.markdown(_("Run the experiment to see whether you were right."))
        elif complete or isinstance(step.text, str):
            st.markdown(written(step.text, result))
    if page_state.problem:
        st.error(plain(page_state.problem), title=_("You see the last valid settings"), icon=":material/error:")
    with only(shown):
        section.render(result, dark=dark, numbers=step.numbers)
    if complete:
        summary.download(page_state, result)


def _compare(page_state: LearnState, question: Ask, result: Any) -> None:
    prediction = page_state.predictions.get(question.name)
    if prediction is None:
        return
    # The reader has predicted for the settings of the question, and may have changed them since.
    before = page_state.settings_of.setdefault(question.name, page_state.view)
    original = result if before == page_state.view else page_state.section.compute(before)
    now = question.answer(result)
    if not page_state.section.is_complete(original):
        st.info(
            _("Your prediction was for other settings. With these, the answer is: **{answer}**").format(
                answer=plain(answer_text(question, now))),
            icon=":material/lightbulb:",
        )  # fmt: skip
        return
    answer = question.answer(original)
    page_state.seen[question.name] = answer
    _render_verdict(question, prediction, answer, is_right=question.is_right(prediction, original))
    if now != answer:
        st.caption(_("With the settings that you see now: {answer}").format(answer=plain(answer_text(question, now))))


def _render_verdict(question: Ask, prediction: Answer, answer: Answer, *, is_right: bool) -> None:
    predicted, found = answer_text(question, prediction), answer_text(question, answer)
    if is_right and isinstance(prediction, str) and prediction != answer:
        st.success(
            _("You were right: {prediction}. This run gave {answer}, but the two are too close to tell apart.").format(
                prediction=plain(predicted), answer=plain(found)),
            icon=":material/check_circle:",
        )  # fmt: skip
    elif is_right:
        st.success(_("You were right: {answer}").format(answer=plain(found)), icon=":material/check_circle:")
    else:
        st.info(
            _("You said: {guess}  \nThe answer: **{answer}**").format(guess=plain(predicted), answer=plain(found)),
            icon=":material/lightbulb:",
        )


def _buttons(page_state: LearnState, step: Step | None) -> None:
    waiting = isinstance(step, Ask) and step.name not in page_state.predictions
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            _("Back"), key="learn-back", icon=":material/chevron_left:", on_click=page_state.move, args=(-1,),
            disabled=page_state.step == 0,
        )  # fmt: skip
        if step is not None:
            st.button(
                _("Next"), key="learn-next", type="primary", icon=":material/chevron_right:", icon_position="right",
                on_click=page_state.move, args=(1,), disabled=waiting,
            )  # fmt: skip
        if waiting:  # not as help of the button: with another help it would be another button for Streamlit
            st.caption(_("First choose or type your prediction."), width="content")
