"""Questions of classes and their answers, in the store."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from explorer.classroom.members import Class, Member, Members, NotAllowedError, Role
from explorer.classroom.question import Answer, Kind, Question, jobs_of, marked, read_answer
from explorer.errors import InputError
from explorer.formatting import bytes_short
from explorer.i18n import _
from explorer.jobs.tables import CLASS_ANSWERS, CLASS_KEYS, CLASS_QUESTIONS
from explorer.settings import settings

MAX_QUESTIONS = 200  # of a class
MAX_PICTURES = 16_000_000  # bytes of all pictures of a class
# Bytes of all answers of a class, before it is asked again: 250 students can give six curves to ten questions. The
# answers of one round come on top.
MAX_ANSWERS = 16_000_000


@dataclass(frozen=True)
class Round:
    """A question that was asked in a class, with its answers. A question that is asked again has several rounds.

    Attributes:
        number: Number of the round in the class, from 1.
        first: Number of the first round of the same question; equal to ``number`` for a new question.
        question: The question.
        closed: Whether students can no longer answer.
        revealed: Whether students see the answers.
        answers: Answers, by the hash of the student's key.
        hidden: Hashes of the keys of students whose text only teachers see.
    """

    number: int
    first: int
    question: Question
    closed: bool
    revealed: bool
    answers: dict[str, Answer]
    hidden: frozenset[str]


class Classes(Members):
    """The classes of a store, with their members and questions."""

    def rounds(self, code: str, numbers: "list[int] | None" = None) -> list[Round]:
        """Returns rounds with their answers, in the order of their numbers.

        Args:
            code: Code of the class.
            numbers: Numbers of the rounds. None for all rounds.
        """
        questions = sa.select(CLASS_QUESTIONS).where(CLASS_QUESTIONS.c["class"] == code)
        answers = sa.select(CLASS_ANSWERS).where(CLASS_ANSWERS.c["class"] == code)
        if numbers is not None:
            questions = questions.where(CLASS_QUESTIONS.c.number.in_(numbers))
            answers = answers.where(CLASS_ANSWERS.c.number.in_(numbers))
        with self.reading() as connection:
            rows = connection.execute(questions.order_by(CLASS_QUESTIONS.c.number)).mappings().all()
            given = connection.execute(answers).mappings().all()
        return [_to_round(dict(row), [dict(one) for one in given if one["number"] == row["number"]]) for row in rows]

    def each_round(self, code: str) -> Iterator[Round]:
        """Yields all rounds of a class. Only one of them is in memory at a time."""
        numbers = sa.select(CLASS_QUESTIONS.c.number).where(CLASS_QUESTIONS.c["class"] == code)
        with self.reading() as connection:
            stored = connection.execute(numbers.order_by(CLASS_QUESTIONS.c.number)).scalars().all()
        for number in stored:
            yield from self.rounds(code, [number])

    def current_rounds(self, found: Class) -> list[Round]:
        """Returns all rounds of the current question, the current round last; empty if there is no question."""
        if not found.question:
            return []
        of_class = CLASS_QUESTIONS.c["class"] == found.code
        first = sa.select(CLASS_QUESTIONS.c.first).where(of_class, CLASS_QUESTIONS.c.number == found.question)
        numbers = sa.select(CLASS_QUESTIONS.c.number).where(
            of_class, CLASS_QUESTIONS.c.first == first.scalar_subquery()
        )
        with self.reading() as connection:
            same = list(connection.execute(numbers).scalars())
        return self.rounds(found.code, [number for number in same if number <= found.question])

    def answer(self, member: Member, number: int, raw: Any) -> None:
        """Stores a student's answer to the current question. It replaces an earlier answer of the student.

        Args:
            member: A student of the class.
            number: Number of the current round.
            raw: Answer in the form that :func:`read_answer` reads.

        Raises:
            NotAllowedError: If the member is not a student, or the question is closed.
            InputError: If the answer is invalid for this question.
        """
        if member.role is not Role.STUDENT:
            raise NotAllowedError(_("Only students answer."))
        with self.writing() as connection:
            found = self._lock(connection, member.code)
            row = self._question(connection, member.code, number)
            if row["closed"] or found.question != number:
                raise NotAllowedError(_("This question takes no answers now."))
            question = _to_question(row)
            value = read_answer(question, raw)
            key = {"class": member.code, "number": number, "student": member.hash}
            if question.kind is Kind.RUN:
                self._check_new(connection, key, jobs_of(value))
            connection.execute(sa.delete(CLASS_ANSWERS).where(*(CLASS_ANSWERS.c[name] == key[name] for name in key)))
            shown = question.kind is not Kind.TEXT
            connection.execute(sa.insert(CLASS_ANSWERS).values(key | {"value": value, "shown": shown}))

    def ask(self, teacher: Member, question: Question, again: int = 0) -> int:
        """Asks a question. It replaces the current question.

        Args:
            teacher: A teacher of the class.
            question: The question.
            again: Number of the question's first round. 0 for a new question.

        Returns:
            The number of the new round.

        Raises:
            NotAllowedError: If the member is not a teacher.
            InputError: If the class has the largest allowed number of rounds, or of bytes of pictures or answers.
        """

        def change(connection: sa.Connection, found: Class) -> dict[str, Any]:
            of_class = CLASS_QUESTIONS.c["class"] == found.code
            count = connection.execute(sa.select(sa.func.count()).where(of_class)).scalar_one()
            if count >= MAX_QUESTIONS:
                raise InputError(_("This class has {count} questions: open a new one.").format(count=count))
            _check_size(connection, found.code, question)
            close = sa.update(CLASS_QUESTIONS).where(of_class, CLASS_QUESTIONS.c.number == found.question)
            connection.execute(close.values(closed=True))
            values = {
                "class": found.code, "number": count + 1, "first": again or count + 1, "kind": question.kind,
                "text": question.text, "options": list(question.options), "answer": question.right,
                "picture": question.picture, "closed": False, "revealed": False,
            }  # fmt: skip
            connection.execute(sa.insert(CLASS_QUESTIONS).values(values))
            return {"question": count + 1}

        return self._change(teacher, change).question

    def ask_again(self, teacher: Member, number: int) -> int:
        """Asks a question again. The answers of all its rounds are shown next to each other when they are revealed.

        Returns:
            The number of the new round.

        Raises:
            NotAllowedError: If the member is not a teacher.
            InputError: If there is no such question.
        """
        for old in self.rounds(teacher.code, [number]):
            return self.ask(teacher, old.question, again=old.first)
        raise _no_question(number)

    def change_question(
        self,
        teacher: Member,
        number: int,
        *,
        closed: bool | None = None,
        revealed: bool | None = None,
        right: Any = None,
    ) -> None:
        """Closes or opens a question, reveals or hides its answers, or sets the right answer.

        Raises:
            NotAllowedError: If the member is not a teacher.
            InputError: If there is no such question, or the right answer is invalid for it.
        """

        def change(connection: sa.Connection, found: Class) -> dict[str, Any]:
            row = self._question(connection, found.code, number)
            values: dict[str, Any] = {"closed": closed, "revealed": revealed}
            if right is not None:
                values["answer"] = marked(_to_question(row), right).right
            is_this = sa.and_(CLASS_QUESTIONS.c["class"] == found.code, CLASS_QUESTIONS.c.number == number)
            given = {name: value for name, value in values.items() if value is not None}
            if given:
                connection.execute(sa.update(CLASS_QUESTIONS).where(is_this).values(given))
            return {}

        self._change(teacher, change)

    def end_question(self, teacher: Member) -> None:
        """Closes the current question and removes it from the screens.

        Raises:
            NotAllowedError: If the member is not a teacher.
        """

        def change(connection: sa.Connection, found: Class) -> dict[str, Any]:
            is_this = sa.and_(CLASS_QUESTIONS.c["class"] == found.code, CLASS_QUESTIONS.c.number == found.question)
            connection.execute(sa.update(CLASS_QUESTIONS).where(is_this).values(closed=True))
            return {"question": 0}

        self._change(teacher, change)

    def show_text(self, teacher: Member, number: int, word: str, *, shown: bool = True) -> None:
        """Shows a student's text to the class, or hides it.

        Raises:
            NotAllowedError: If the member is not a teacher.
        """

        def change(connection: sa.Connection, found: Class) -> dict[str, Any]:
            student = sa.select(CLASS_KEYS.c.hash).where(CLASS_KEYS.c["class"] == found.code, CLASS_KEYS.c.word == word)
            is_this = sa.and_(
                CLASS_ANSWERS.c["class"] == found.code,
                CLASS_ANSWERS.c.number == number,
                CLASS_ANSWERS.c.student.in_(student),
            )
            connection.execute(sa.update(CLASS_ANSWERS).where(is_this).values(shown=shown))
            return {}

        self._change(teacher, change)

    def _check_new(self, connection: sa.Connection, key: dict[str, Any], jobs: set[str]) -> None:
        """Checks that no other student has given one of the jobs.

        Raises:
            NotAllowedError: If one has.
        """
        others = sa.select(CLASS_ANSWERS.c.value).where(
            CLASS_ANSWERS.c["class"] == key["class"],
            CLASS_ANSWERS.c.number == key["number"],
            CLASS_ANSWERS.c.student != key["student"],
        )
        if any(jobs & jobs_of(value) for value in connection.execute(others).scalars()):
            raise NotAllowedError(_("Another student has given this run: train one of your own."))

    def _question(self, connection: sa.Connection, code: str, number: int) -> dict[str, Any]:
        is_this = sa.and_(CLASS_QUESTIONS.c["class"] == code, CLASS_QUESTIONS.c.number == number)
        row = connection.execute(sa.select(CLASS_QUESTIONS).where(is_this)).mappings().first()
        if row is None:
            raise _no_question(number)
        return dict(row)


def _check_size(connection: sa.Connection, code: str, question: Question) -> None:
    """Checks that the pictures and answers of a class leave room for another round.

    Raises:
        InputError: If they don't.
    """
    pictures = sa.select(sa.func.sum(sa.func.length(CLASS_QUESTIONS.c.picture))).where(
        CLASS_QUESTIONS.c["class"] == code
    )
    if question.picture and (connection.execute(pictures).scalar() or 0) + len(question.picture) > MAX_PICTURES:
        raise InputError(
            _("The pictures of this class would be larger than {limit} together: open a new class.").format(
                limit=bytes_short(MAX_PICTURES)
            )
        )
    stored = sa.func.sum(sa.func.length(sa.cast(CLASS_ANSWERS.c.value, sa.Text)))  # JSON, which is ASCII
    answers = sa.select(stored).where(CLASS_ANSWERS.c["class"] == code)
    if (connection.execute(answers).scalar() or 0) > MAX_ANSWERS:
        raise InputError(
            _("The answers of this class are larger than {limit} together: open a new class.").format(
                limit=bytes_short(MAX_ANSWERS)
            )
        )


@cache
def classes() -> Classes:
    """Returns the classes of this process's store."""
    return Classes(settings().database)


def _no_question(number: int) -> InputError:
    return InputError(_("This class has no question {number}.").format(number=number))


def _to_question(row: dict[str, Any]) -> Question:
    return Question(Kind(row["kind"]), row["text"], tuple(row["options"]), row["answer"], bytes(row["picture"]))


def _to_round(row: dict[str, Any], answers: list[dict[str, Any]]) -> Round:
    return Round(
        row["number"], row["first"], _to_question(row), row["closed"], row["revealed"],
        {one["student"]: one["value"] for one in answers},
        frozenset(one["student"] for one in answers if not one["shown"]),
    )  # fmt: skip
