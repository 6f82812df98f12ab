"""The state of a class for one browser. A student's browser gets no answers before the teacher reveals them."""

from collections.abc import Sequence
from typing import Any

from explorer.classroom.classes import Round
from explorer.classroom.members import Class, Member, Role
from explorer.classroom.question import Kind, curves_in, picture_address, tally


def state(
    found: Class, rounds: Sequence[Round], words: dict[str, str], member: Member, have: int = 0
) -> dict[str, Any]:
    """Returns the state of a class for one member, as JSON-ready values.

    Args:
        found: The class.
        rounds: Rounds of the current question, the current round last; empty for no question.
        words: Words of the students, by the hashes of their keys.
        member: Member that gets the state.
        have: Number of the round whose picture the browser has; 0 for none.
    """
    payload: dict[str, Any] = {
        "code": found.code,
        "ends": found.ends,
        "students": found.students,
        "screen": found.screen,
        "role": member.role,
        "word": member.word,
        "question": None,
    }
    if rounds:
        payload["question"] = _question(rounds, words, member, have)
    return payload


def _question(rounds: Sequence[Round], words: dict[str, str], member: Member, have: int) -> dict[str, Any]:
    last = rounds[-1]
    is_teacher = member.role is Role.TEACHER
    payload: dict[str, Any] = {
        "number": last.number,
        "kind": last.question.kind,
        "text": last.question.text,
        "options": list(last.question.options),
        "closed": last.closed,
        "revealed": last.revealed,
        "mine": _mine(last, member),
    }
    if last.question.picture and have != last.number:
        payload["picture"] = picture_address(last.question.picture)
    if is_teacher or last.revealed:
        payload["right"] = last.question.right
        payload["rounds"] = [
            {"number": one.number, "answered": len(one.answers), **_answers(one, words, all_texts=is_teacher)}
            for one in rounds
            if is_teacher or one.revealed or one is last
        ]
    return payload


def _mine(answered: Round, member: Member) -> Any:
    """Returns a member's own answer; for a run, the names of its lines."""
    mine = answered.answers.get(member.hash)
    return [line["name"] for line in curves_in(mine)] or mine


def _answers(answered: Round, words: dict[str, str], *, all_texts: bool) -> dict[str, Any]:
    if answered.question.kind is Kind.RUN:
        return {
            "runs": [
                {
                    "word": words.get(student, ""),
                    "lines": [{"name": line["name"], "points": line["points"]} for line in curves_in(run)],
                }
                for student, run in answered.answers.items()
            ]
        }
    if answered.question.kind is not Kind.TEXT:
        return tally(answered.question, list(answered.answers.values()))
    return {
        "texts": [
            {"word": words.get(student, ""), "text": text, "shown": student not in answered.hidden}
            for student, text in answered.answers.items()
            if all_texts or student not in answered.hidden
        ]
    }
