"""The answers to an import's questions, as text."""

from typing import Any

from explorer.families.recognition.guess import Question
from explorer.recipes import parse_spec_assignments
from explorer.weights.importing.questions import PARSERS, format_answer


def parse_answer(question: Question, text: str) -> Any:
    """Return a typed answer, in the type of the likely answer.

    The text may name a file of class names on this machine, so pages must not pass a user's text for class names.

    Raises:
        InputError: If the text is not an answer to the question.
    """
    if question.key in PARSERS:
        return PARSERS[question.key](text)
    for choice in question.choices:
        if format_answer(choice).casefold() == text.strip().casefold():
            return choice
    return parse_spec_assignments([f"{question.key}={text}"])[question.key]
