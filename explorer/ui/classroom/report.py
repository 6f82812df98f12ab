"""The questions and answers of a class, as one HTML file or as CSV.

Both are made in pieces, one for each round, so that a report of any size takes the memory of one round.
"""

import csv as writer
import io
from collections.abc import Callable, Iterable, Iterator
from html import escape

from explorer.classroom.classes import Round
from explorer.classroom.members import Class
from explorer.classroom.question import Answer, Kind, curves_in, picture_address, tally
from explorer.drawing import curves
from explorer.drawing.curves import Curve
from explorer.i18n import _, language, ngettext

STYLE = """
:root { color-scheme: light dark; } body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto;
  padding: 0 1rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .3rem; } table { border-collapse: collapse; }
td { padding: .2rem 1rem .2rem 0; vertical-align: top; } .bar { background: #5b8def; height: 1rem; min-width: 1px; }
figure:has(> svg) { background: #fff; padding: .5rem; width: 34rem; max-width: 100%; }
figure { position: relative; display: inline-block; margin: 0; } figure img { display: block; max-width: 100%; }
figure i { position: absolute; width: 12px; height: 12px; margin: -6px; border-radius: 6px; background: #e4572e;
  border: 2px solid #fff; box-sizing: border-box; }
figure i.right { background: #2e7d32; }
"""
Rounds = Callable[[], Iterable[Round]]  # reads the rounds of a class again at each call
FORMULA = tuple("=+-@\t\r＝＋－＠")  # beginnings that spreadsheets take for a formula


def csv(rounds: Rounds, words: dict[str, str]) -> Iterator[str]:
    """Yields all answers as CSV: question, round, student's word, answer, and whether the answer is right.

    A curve of a run has a row for each of its points, with epoch and accuracy.

    Args:
        rounds: Reads the rounds of the class.
        words: Words of the students, by the hashes of their keys.
    """
    marks, _most = _summary(rounds())
    yield _rows([["question", "text", "round", "student", "answer", "right", "epoch", "accuracy"]])
    numbers: dict[int, int] = {}
    for one in rounds():
        number = numbers[one.first] = numbers.get(one.first, 0) + 1
        yield _rows(_table(one, number, words, marks.get(one.first)))


def html(found: Class, rounds: Rounds, words: dict[str, str]) -> Iterator[str]:
    """Yields a page with all questions and answers. It loads nothing from the network.

    Args:
        found: The class.
        rounds: Reads the rounds of the class.
        words: Words of the students, by the hashes of their keys.
    """
    marks, most = _summary(rounds())
    title = _("Class {code}").format(code=found.code)
    students = ngettext("{count} student", "{count} students", found.students).format(count=found.students)
    yield (
        f'<!doctype html><html lang="{language()}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><main><h1>{escape(title)}</h1><p>{escape(students)}</p>"
    )
    is_empty = True
    for one in rounds():
        is_empty = False
        text = one.question.text
        if one.first != one.number:
            text = _("{question} (asked again)").format(question=text)
        yield f"<h2>{escape(text)}</h2>{_answers(one, words, marks.get(one.first), most.get(one.first, 1))}"
    if is_empty:
        yield f"<p>{escape(_('Nothing was asked.'))}</p>"
    yield "</main></body></html>"


def _table(answered: Round, number: int, words: dict[str, str], right: Answer | None) -> Iterator[list[object]]:
    """Yields the rows of a round.

    Args:
        answered: The round.
        number: Number of the round among those of its question, from 1.
        words: Words of the students, by the hashes of their keys.
        right: The right answer.
    """
    question = answered.question
    for student, answer in answered.answers.items():
        first = [answered.first, _cell(question.text), number, _cell(words.get(student, ""))]
        if lines := curves_in(answer):
            for line in lines:
                for epoch, value in line["points"]:
                    yield [*first, _cell(line["name"]), "", f"{epoch:g}", value]
            continue
        is_right = "" if right is None or question.kind is Kind.PLACE else str(answer == right).lower()
        value = answer_text(answered, answer)
        if question.kind is not Kind.NUMBER:  # -5 stays a number
            value = _cell(value)
        yield [*first, value, is_right, "", ""]


def _rows(rows: Iterable[list[object]]) -> str:
    out = io.StringIO()
    writer.writer(out).writerows(rows)
    return out.getvalue()


def _cell(text: str) -> str:
    """Returns a text in a form that spreadsheets do not read as a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def answer_text(answered: Round, answer: object) -> str:
    """Returns an answer in words."""
    if answered.question.kind is Kind.CHOICE and isinstance(answer, int):
        return answered.question.options[answer]
    if isinstance(answer, list):
        return " ".join(f"{part:g}" for part in answer)
    return str(answer)


def _summary(rounds: Iterable[Round]) -> tuple[dict[int, Answer | None], dict[int, int]]:
    """Returns what all rounds of a question share, by their first round.

    Returns:
        The right answer: the mark of the last round holds for all. The largest count of an option, because their charts
        have one scale.
    """
    marks: dict[int, Answer | None] = {}
    most: dict[int, int] = {}
    for one in rounds:
        marks[one.first] = one.question.right
        if one.question.kind is Kind.CHOICE:
            counts = tally(one.question, list(one.answers.values()))["counts"]
            most[one.first] = max(most.get(one.first, 1), *counts)
    return marks, most


def _answers(answered: Round, words: dict[str, str], right: Answer | None, most: int) -> str:
    """Returns the answers of a round in HTML.

    Args:
        answered: The round.
        words: Words of the students, by the hashes of their keys.
        right: The right answer.
        most: Count that has the longest bar.
    """
    question, counted = answered.question, tally(answered.question, list(answered.answers.values()))
    match question.kind:
        case Kind.CHOICE:
            rows = [
                f"<tr><td>{escape(option)}{' ✓' if place == right else ''}</td><td>{count}</td>"
                f'<td><div class="bar" style="width:{12 * count / most:.1f}rem"></div></td></tr>'
                for place, (option, count) in enumerate(zip(question.options, counted["counts"], strict=True))
            ]
        case Kind.PLACE:
            dots = "".join(f'<i style="left:{100 * x:g}%;top:{100 * y:g}%"></i>' for x, y in counted["places"])
            for x, y in [] if right is None else tally(question, [right])["places"]:
                dots += f'<i class="right" style="left:{100 * x:g}%;top:{100 * y:g}%"></i>'
            return f'<figure><img alt="" src="{picture_address(question.picture)}">{dots}</figure>'
        case Kind.RUN:
            return f"<figure>{_chart(answered, words)}</figure>"
        case _:
            rows = [
                f"<tr><td>{escape(words.get(student, ''))}</td><td>{escape(str(answer))}"
                f"{' ✓' if right is not None and answer == right else ''}</td></tr>"
                for student, answer in answered.answers.items()
            ]
            if right is not None:  # perhaps nobody has given it
                rows.insert(0, f"<tr><td>{escape(_('Right answer'))}</td><td>{escape(str(right))} ✓</td></tr>")
    return f"<table>{''.join(rows)}</table>"


def _chart(answered: Round, words: dict[str, str]) -> str:
    """Returns all curves of a round on one chart."""
    lines = [
        Curve(
            f"{words.get(student, '')}: {line['name']}",
            line["points"],
            0,
            colour=f"hsl({137.5 * place % 360:g},65%,45%)",
        )
        for place, (student, run) in enumerate(answered.answers.items())
        for line in curves_in(run)
    ]
    return curves.draw(lines, label=_("Accuracy by epoch, on images that were not learned from"), styles=("", ""))
