"""Classes in the store: rights, questions and their answers, on both databases."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from explorer.classroom import classes as module
from explorer.classroom import members
from explorer.classroom.classes import Classes
from explorer.classroom.members import Member, NoClassError, NotAllowedError, Role
from explorer.classroom.question import Kind, Line, Question, Run, curves_in, jobs_of
from explorer.errors import InputError
from explorer.jobs.tables import CLASSES
from explorer.settings import settings
from tests.helpers.stores import both_databases

QUESTION = Question(Kind.CHOICE, "Which?", ("a", "b"))


@pytest.fixture
def classes(database_url: str, tmp_path: Path) -> Iterator[Classes]:
    made = Classes(database_url or f"sqlite:///{tmp_path / 'store.db'}")
    with made.writing() as connection:  # tests on a server use one database in turn
        connection.execute(sa.delete(CLASSES))
    yield made
    made.close()


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {"CLASSES": 2, "CLASS_STUDENTS": 3, "READ_ONLY": "false"}.items():
        monkeypatch.setenv(f"EXPLORER_{name}", str(value))
    settings.cache_clear()
    yield
    settings.cache_clear()


def opened(classes: Classes) -> Member:
    return classes.member(*classes.open())


def students(classes: Classes, code: str, count: int) -> list[Member]:
    return [classes.member(code, classes.join(code)[0]) for _student in range(count)]


@both_databases
def test_a_question_is_asked_answered_revealed_and_asked_again(classes: Classes) -> None:
    teacher = opened(classes)
    first, second, third = students(classes, teacher.code, 3)
    assert len({one.word for one in (first, second, third)}) == 3
    assert classes.get(teacher.code).students == 3
    number = classes.ask(teacher, QUESTION)
    for member, answer in ((first, 0), (second, 1), (first, 1)):
        classes.answer(member, number, answer)
    (asked,) = classes.current_rounds(classes.get(teacher.code))
    assert sorted(asked.answers.values()) == [1, 1], "a second answer replaces the first"
    assert not asked.revealed
    classes.change_question(teacher, number, closed=True, revealed=True, right=1)
    with pytest.raises(NotAllowedError):
        classes.answer(third, number, 0)
    again = classes.ask_again(teacher, number)
    with pytest.raises(NotAllowedError):
        classes.answer(third, number, 0)  # only the question that stands takes answers
    classes.answer(third, again, 0)
    other = Classes(classes.url.render_as_string(hide_password=False))  # another server, or this one after a restart
    before, now = other.current_rounds(other.get(teacher.code))
    assert (len(before.answers), before.revealed, before.question.right) == (2, True, 1)
    assert (list(now.answers.values()), now.revealed, now.closed) == ([0], False, False)
    other.close()
    classes.end_question(teacher)
    assert classes.current_rounds(classes.get(teacher.code)) == []


@both_databases
def test_a_run_is_given_by_one_student(classes: Classes) -> None:
    teacher = opened(classes)
    first, second = students(classes, teacher.code, 2)
    number = classes.ask(teacher, Question(Kind.RUN, "Train it."))
    run = Run((Line("a network", [], "job1"), Line("an experiment", [(1, 0.5)])))
    for member in (first, first):
        classes.answer(member, number, run)
    with pytest.raises(NotAllowedError, match="Another student"):
        classes.answer(second, number, Run((Line("a network", [], "job1"),)))
    classes.answer(second, number, Run(run.lines[1:]))
    again = classes.ask_again(teacher, number)
    classes.answer(second, again, Run(run.lines[:1]))
    before, now = classes.current_rounds(classes.get(teacher.code))
    assert {student: len(curves_in(answer)) for student, answer in before.answers.items()} == {
        first.hash: 2, second.hash: 1,
    }  # fmt: skip
    assert [jobs_of(answer) for answer in now.answers.values()] == [{"job1"}]


@both_databases
def test_only_who_has_the_right_changes_a_class(classes: Classes) -> None:
    teacher, stranger = opened(classes), opened(classes)
    (student,) = students(classes, teacher.code, 1)
    number = classes.ask(teacher, QUESTION)
    for change in (
        lambda: classes.send(student, "/learn"), lambda: classes.ask(student, QUESTION), lambda: classes.end(student),
        lambda: classes.change_question(student, number, revealed=True), lambda: classes.invite(student),
        lambda: classes.answer(teacher, number, 0), lambda: classes.member(teacher.code, "guessed"),
        lambda: classes.show_text(student, number, "x"), lambda: classes.end_question(student),
        lambda: classes.ask_again(student, number), lambda: classes.teacher_of(teacher.code, "guessed"),
    ):  # fmt: skip
        with pytest.raises(NotAllowedError):
            change()
    with pytest.raises(InputError, match="no question 1"):
        classes.change_question(stranger, number, revealed=True)
    for screen in (
        "https://elsewhere.org",
        "//elsewhere.org",
        "/\\elsewhere.org",
        "/\t/elsewhere.org",
        "learn",
        "/" + "x" * 9000,
    ):
        with pytest.raises(InputError, match="screen"):
            classes.send(teacher, screen)
    classes.send(teacher, "/learn?lesson=mistakes")
    assert classes.get(teacher.code).screen == "/learn?lesson=mistakes"
    assert classes.get(stranger.code).screen == ""


@both_databases
def test_an_invitation_makes_one_teacher(classes: Classes, monkeypatch: pytest.MonkeyPatch) -> None:
    teacher = opened(classes)
    invitation = classes.invite(teacher)
    second = classes.member(teacher.code, classes.accept(teacher.code, invitation))
    assert second.role is Role.TEACHER
    classes.send(second, "/learn")
    with pytest.raises(NotAllowedError, match="used already"):
        classes.accept(teacher.code, invitation)
    late = classes.invite(second)
    monkeypatch.setattr(members, "INVITATION", 0.0)
    with pytest.raises(NotAllowedError, match="ten minutes"):
        classes.accept(teacher.code, late)


@both_databases
def test_an_ended_class_is_kept_for_its_teacher_alone(classes: Classes) -> None:
    code, key = classes.open()
    teacher = classes.member(code, key)
    (student,) = students(classes, code, 1)
    classes.answer(student, classes.ask(teacher, QUESTION), 1)
    classes.end(teacher)
    for use in (lambda: classes.get(code), lambda: classes.join(code), lambda: classes.answer(student, 1, 0)):
        with pytest.raises(NoClassError, match="ended"):
            use()
    assert classes.teacher_of(code, key).students == 1
    assert [list(one.answers.values()) for one in classes.rounds(code)] == [[1]]


@both_databases
def test_limits_hold_when_many_come_at_once(classes: Classes, limits: None, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _key = classes.open()

    def join(_student: int) -> str:
        try:
            return classes.join(code)[1]
        except InputError as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(join, range(12)))
    words = [one for one in told if "full" not in one]
    assert len(words) == len(set(words)) == classes.get(code).students == 3
    classes.open()
    with pytest.raises(InputError, match="2 classes"):
        classes.open()


@both_databases
def test_a_key_that_was_made_and_never_used_makes_room(
    classes: Classes, limits: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _key = classes.open()
    student, *_made_up = students(classes, code, 3)
    classes.note_presence(student)
    with pytest.raises(InputError, match="full"):
        classes.join(code)
    now = classes.now
    monkeypatch.setattr(classes, "now", lambda connection: now(connection) + members.FIRST_SILENCE + 1)
    later, _word = classes.join(code)
    assert classes.member(code, later).role is Role.STUDENT
    assert set(classes.words(code)) == {student.hash, members.hashed(later)}, "who is there keeps the place"
    monkeypatch.setattr(classes, "now", lambda connection: now(connection) + members.SILENCE + 1)
    students(classes, code, 3)
    assert student.hash not in classes.words(code), "for three minutes"


@both_databases
def test_the_pictures_of_a_class_are_limited_together(classes: Classes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PICTURES", 25_000)
    teacher, other = opened(classes), opened(classes)
    place = Question(Kind.PLACE, "Where?", picture=b"x" * 10_000)
    number = classes.ask(teacher, place)
    classes.ask_again(teacher, number)
    with pytest.raises(InputError, match="larger than 25"):
        classes.ask_again(teacher, number)
    classes.ask(teacher, QUESTION)
    classes.ask(other, place)


@both_databases
def test_the_answers_of_a_class_are_limited_together(classes: Classes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ANSWERS", 1000)
    teacher, other = opened(classes), opened(classes)
    first, second = students(classes, teacher.code, 2)
    text = Question(Kind.TEXT, "Why?")
    for _round in range(2):
        number = classes.ask(teacher, text)
        classes.answer(first, number, "é" * 99)  # six bytes each, as JSON
    classes.answer(second, number, "who was asked may still answer")
    with pytest.raises(InputError, match="answers of this class are larger"):
        classes.ask_again(teacher, number)
    classes.ask(other, text)


@both_databases
def test_ended_classes_are_limited_and_those_without_answers_go_first(
    classes: Classes, limits: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*, answered: bool) -> str:
        teacher = opened(classes)
        if answered:
            (student,) = students(classes, teacher.code, 1)
            classes.answer(student, classes.ask(teacher, QUESTION), 1)
        classes.end(teacher)
        return teacher.code

    def stored() -> set[str]:
        with classes.reading() as connection:
            return set(connection.execute(sa.select(CLASSES.c.code)).scalars())

    going_on = opened(classes).code
    first, empty, second = ended(answered=True), ended(answered=False), ended(answered=True)
    assert stored() == {going_on, first, second}, f"and not {empty}"
    third = ended(answered=True)
    assert stored() == {going_on, second, third}
    now = classes.now
    monkeypatch.setattr(classes, "now", lambda connection: now(connection) + members.RETENTION + 1)
    classes.delete_old()
    assert stored() == {going_on}, "which has ended by itself, but not a day ago"


@both_databases
def test_an_unused_class_makes_room(classes: Classes, limits: None, monkeypatch: pytest.MonkeyPatch) -> None:
    joined, asked = opened(classes), opened(classes)
    students(classes, joined.code, 1)
    classes.ask(asked, QUESTION)
    classes.end_question(asked)
    monkeypatch.setattr(members, "UNUSED", -1.0)  # both were opened longer ago than that
    with pytest.raises(InputError, match="2 classes"):
        classes.open()
    classes.end(asked)
    unused, newer = opened(classes), opened(classes)
    with pytest.raises(NoClassError):
        classes.get(unused.code)
    assert classes.get(newer.code).students == 0
    assert classes.get(joined.code).students == 1


@pytest.mark.parametrize("code", ["", "ABC", "abcdef", "ABCDE0", "A" * 50, "\0" * 6, "ABCDE'"])
def test_other_codes_are_no_class(code: str, tmp_path: Path) -> None:
    classes = Classes(f"sqlite:///{tmp_path / 'store.db'}")
    with pytest.raises(NoClassError):
        classes.join(code)
    classes.close()


def test_codes_and_keys_are_by_chance_and_only_hashes_are_stored(tmp_path: Path) -> None:
    classes = Classes(f"sqlite:///{tmp_path / 'store.db'}")
    code, key = classes.open()
    assert re.fullmatch(f"[{members.ALPHABET}]{{6}}", code)
    assert len(key) >= 32
    classes.close()
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("store.db*"))
    assert code.encode() in stored
    assert key.encode() not in stored
