"""The questions and answers of a class, as one HTML file or as CSV."""

import csv as writer
import io
from collections.abc import Sequence
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
FORMULA = tuple("=+-@\t\r＝＋－＠")  # beginnings that spreadsheets take for a formula


def csv(rounds: Sequence[Round], words: dict[str, str]) -> str:
    """Returns all answers as CSV: question, round, student's word, answer, and whether the answer is right.

    A curve of a run has a row for each of its points, with epoch and accuracy.
    """
    out = io.StringIO()
    table = writer.writer(out)
    table.writerow(["question", "text", "round", "student", "answer", "right", "epoch", "accuracy"])
    numbers: dict[int, int] = {}
    marks = _marks(rounds)
    for one in rounds:
        numbers[one.first] = numbers.get(one.first, 0) + 1
        right = marks[one.first]
        for student, answer in one.answers.items():
            if lines := curves_in(answer):
                rows = [(line["name"], epoch, value) for line in lines for epoch, value in line["points"]]
                first = [one.first, _cell(one.question.text), numbers[one.first], _cell(words.get(student, ""))]
                table.writerows([*first, _cell(name), "", f"{epoch:g}", value] for name, epoch, value in rows)
                continue
            is_right = "" if right is None or one.question.kind is Kind.PLACE else str(answer == right).lower()
            text, word = _cell(one.question.text), _cell(words.get(student, ""))
            value = answer_text(one, answer)
            if one.question.kind is not Kind.NUMBER:  # -5 stays a number
                value = _cell(value)
            table.writerow([one.first, text, numbers[one.first], word, value, is_right, "", ""])
    return out.getvalue()


def html(found: Class, rounds: Sequence[Round], words: dict[str, str]) -> str:
    """Returns a page with all questions and answers. It loads nothing from the network."""
    title = _("Class {code}").format(code=found.code)
    students = ngettext("{count} student", "{count} students", found.students).format(count=found.students)
    parts = [f"<h1>{escape(title)}</h1><p>{escape(students)}</p>"]
    marks, most = _marks(rounds), _most(rounds)
    for one in rounds:
        text = one.question.text
        if one.first != one.number:
            text = _("{question} (asked again)").format(question=text)
        parts.append(f"<h2>{escape(text)}</h2>{_answers(one, words, marks[one.first], most.get(one.first, 1))}")
    if not rounds:
        parts.append(f"<p>{escape(_('Nothing was asked.'))}</p>")
    return (
        f'<!doctype html><html lang="{language()}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><main>{''.join(parts)}</main></body></html>"
    )


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


def _marks(rounds: Sequence[Round]) -> dict[int, Answer | None]:
    """Returns the right answers by the first rounds of their questions: the mark of the last round holds for all."""
    return {one.first: one.question.right for one in rounds}


def _most(rounds: Sequence[Round]) -> dict[int, int]:
    """Returns the largest counts of options by the first rounds of their questions, whose charts have one scale."""
    most: dict[int, int] = {}
    for one in rounds:
        if one.question.kind is Kind.CHOICE:
            counts = tally(one.question, list(one.answers.values()))["counts"]
            most[one.first] = max(most.get(one.first, 1), *counts)
    return most


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
