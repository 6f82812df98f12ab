"""Answers to the questions of an import, as text."""

from typing import Any

from explorer.families.recognition.guess import Question
from explorer.recipes import spec_assignments
from explorer.weights.importing.questions import PARSERS, format_answer


def parsed(question: Question, text: str) -> Any:
    """An answer as people type it, in the type of the likely one.

    Names of classes may be those of a file on this machine: not for pages.

    Raises:
        InputError: where it is none.
    """
    if question.key in PARSERS:
        return PARSERS[question.key](text)
    for choice in question.choices:
        if format_answer(choice).casefold() == text.strip().casefold():
            return choice
    return spec_assignments([f"{question.key}={text}"])[question.key]
