"""An import on a terminal: questions with likely answers as defaults, and a report."""

from collections.abc import Callable
from typing import Any

import click

from explorer.errors import InputError
from explorer.families import nearest, parse_spec
from explorer.families.recognition.guess import Question
from explorer.i18n import _, ngettext
from explorer.ui.shared.questions import parse_answer
from explorer.weights.importing.questions import format_answer
from explorer.weights.importing.result import ImportResult

MAX_ANSWER = 60  # characters of a shown answer


def ask(question: Question, check: Callable[[Any], None]) -> Any:
    """Asks the user a question; Enter takes the likely answer, and the question is repeated after a wrong answer.

    Args:
        question: Question of the import.
        check: Function that raises InputError for a wrong answer.

    Raises:
        click.Abort: If the user cancels.
    """
    likely = format_answer(question.likely)
    short = likely if len(likely) <= MAX_ANSWER else _("{beginning} …").format(beginning=likely[:MAX_ANSWER])

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


def report(imported: ImportResult) -> str:
    """Returns the file with its network, and notes, one line each."""
    spec = parse_spec(imported.card.spec)
    first = ngettext(
        "{file}: {family} like {name}, {classes} class, {size} pixels",
        "{file}: {family} like {name}, {classes} classes, {size} pixels",
        spec.num_classes,
    ).format(
        file=imported.weights, family=spec.family, name=nearest(spec), classes=spec.num_classes, size=spec.image_size
    )
    lines = [first, *imported.notes]
    if imported.ignored:
        lines.append(_("Left out: {names}").format(names=", ".join(imported.ignored)))
    return "\n".join(lines)
