"""Predictions and results in words."""

import re

from explorer.formatting import short
from explorer.i18n import _
from explorer.lessons import Ask
from explorer.lessons.lesson import Answer, written
from explorer.ui.learn.state import LearnState

FENCED = re.compile(r"\s*```.*?```\s*", re.DOTALL)  # a block of code, which has no place in a table


def answer_text(question: Ask, answer: Answer) -> str:
    """Return an answer in words."""
    if isinstance(answer, str):
        # With settings from a link, the answer may be none of the options.
        return question.options.get(answer, answer)
    return f"{answer:,.12g}" if abs(answer) < 1e6 else short(answer)


def answered(page_state: LearnState) -> list[tuple[str, str, str]]:
    """Return the questions that are answered and whose reveal was passed, with prediction and result as plain text."""
    lesson, rows = page_state.lesson, []
    for name, question in lesson.questions.items():
        reveal = lesson.reveal_of(name)
        if name not in page_state.predictions or reveal > page_state.step:
            continue
        result = page_state.section.compute(page_state.settings_of.get(name) or page_state.initial_view(reveal))
        if name in page_state.seen:
            found = answer_text(question, page_state.seen[name])
        elif page_state.section.is_complete(result):
            found = answer_text(question, question.answer(result))
        else:  # a link to this step, opened where the experiment has not been run
            found = _("not run here yet")
        text = FENCED.sub(" … ", written(question.text, result))
        rows.append((text, answer_text(question, page_state.predictions[name]), found))
    return rows
