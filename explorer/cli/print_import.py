"""An import on a terminal: questions with the likely answer preset, and what came of it."""

from collections.abc import Callable
from typing import Any

import click

from explorer.errors import InputError
from explorer.families import nearest, parse_spec
from explorer.families.recognition.guess import Question
from explorer.i18n import _
from explorer.ui.shared.questions import parse_answer
from explorer.weights.importing.importing import ImportResult
from explorer.weights.importing.questions import format_answer

SHOWN = 60  # characters of an answer


def ask(question: Question, check: Callable[[Any], None]) -> Any:
    """The user's answer; Enter takes the likely one, and an answer that can't be is asked for again.

    Raises:
        click.Abort: where the user ends the questions.
    """
    likely = format_answer(question.likely)
    short = likely if len(likely) <= SHOWN else _("{beginning} …").format(beginning=likely[:SHOWN])

    def parse(text: str) -> Any:
        try:
            value = question.likely if text == short else parse_answer(question, text)
            check(value)
        except InputError as error:
            raise click.UsageError(str(error)) from None
        return value

    text = f"{question.text} {question.cost}".rstrip()
    if question.choices:
        text = f"{text} ({', '.join(map(format_answer, question.choices))})"
    elif question.offers:
        text = _("{question} Usual are {offers}.").format(
            question=text, offers=_(", or ").join(map(format_answer, question.offers))
        )
    return click.prompt(text, default=short, value_proc=parse)


def report(done: ImportResult) -> str:
    """The file, its network, and every note, a line each."""
    spec = parse_spec(done.card.spec)
    first = _("{file}: {family} like {name}, {classes} classes, {size} pixels").format(
        file=done.weights, family=spec.family, name=nearest(spec), classes=spec.num_classes, size=spec.image_size
    )
    lines = [first, *done.notes]
    if done.ignored:
        lines.append(_("Left out: {names}").format(names=", ".join(done.ignored)))
    return "\n".join(lines)
