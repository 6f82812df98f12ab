"""Classes in the store: their members, the rights of the members, and the screen of the class.

Each call is one transaction. So a class continues after a restart of the server, and several servers can serve it. A
browser has a random key with one of these roles; the store has only the hash of the key:

    teacher      may do everything in the class
    invitation   makes a browser a teacher, once, within ten minutes
    student      answers questions, and sees the screen and the revealed answers
"""

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from explorer import access
from explorer.classroom.words import new_word
from explorer.errors import InputError
from explorer.i18n import _
from explorer.jobs.database import Database
from explorer.jobs.tables import CLASS_ANSWERS, CLASS_KEYS, CLASSES
from explorer.settings import settings

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # without characters that look alike
CODE_LENGTH = 6
MAX_SCREEN = 8_000  # characters of a link
SCREEN = re.compile(r"/(?![/\\])[^\s\x00-\x1f]*")  # a browser leaves out tabs and line ends, and "//" is another server
INVITATION = 600.0  # seconds in which an invitation can be used
SILENCE = 180.0  # seconds without a request, after which a student without answers can lose the place
FIRST_SILENCE = (
    15.0  # the same for who has joined and never asked for the state of the class, as no bar of a class does
)
UNUSED = 600.0  # seconds after which a class that nobody has joined or used can lose the place
RETENTION = 86_400.0  # seconds after the end of a class, in which a teacher can save questions and answers


class Role(StrEnum):
    """The role of a key in a class."""

    TEACHER = "teacher"
    INVITATION = "invitation"
    STUDENT = "student"


class NoClassError(InputError):
    """There is no class with this code, or it has ended."""


class NotAllowedError(InputError):
    """The role of the key does not allow this action."""


@dataclass(frozen=True)
class Member:
    """A browser that belongs to a class.

    Attributes:
        code: Code of the class.
        hash: Hash of the key.
        role: Role of the key.
        word: The student's word; empty for a teacher.
    """

    code: str
    hash: str
    role: Role
    word: str


@dataclass(frozen=True)
class Class:
    """The state of a class at one moment.

    Attributes:
        code: Code of the class.
        ends: End of the class, in seconds since 1970.
        students: Number of students.
        screen: Path and query of the page that all students see. Empty if each student may open any page.
        question: Number of the current question. 0 for none.
        version: Number of changes. Each change increases it.
    """

    code: str
    ends: float
    students: int
    screen: str
    question: int
    version: int


class Members(Database):
    """The classes of a store, and their members."""

    def delete_old(self) -> None:
        """Deletes classes that ended a day ago, and those that ended before as many others as may be open."""
        with self.writing() as connection:
            _delete_old(connection, self.now(connection))

    def open(self) -> tuple[str, str]:
        """Opens a class. Old classes are deleted.

        Returns:
            The code of the class, and the key of its teacher.

        Raises:
            InputError: If the server has the largest allowed number of classes, or is read-only.
        """
        access.check()
        if settings().sign_in:
            raise NotAllowedError(_("This server asks people to sign in, and classes are for servers without that."))
        key = new_key()
        with self.writing() as connection:
            now = self.now(connection)
            _delete_old(connection, now)
            count = connection.execute(sa.select(sa.func.count()).where(CLASSES.c.ends > now)).scalar_one()
            if count >= settings().classes and not _free_a_class(connection, now):
                raise InputError(
                    _("This server has {count} classes, as many as it may have; try again when one has ended.").format(
                        count=count
                    )
                )
            code = "".join(secrets.choice(ALPHABET) for _place in range(CODE_LENGTH))
            ends = now + 3600 * settings().class_hours
            row = {"code": code, "opened": now, "ends": ends, "students": 0, "screen": "", "question": 0, "version": 1}
            connection.execute(sa.insert(CLASSES).values(row))
            _add_key(connection, code, key, Role.TEACHER, now)
        return code, key

    def join(self, code: str) -> tuple[str, str]:
        """Adds a student.

        Returns:
            The student's key and word.

        Raises:
            NoClassError: If there is no such class.
            InputError: If the class is full.
        """
        key = new_key()
        with self.writing() as connection:
            found = self._lock(connection, code)
            now = self.now(connection)
            if found.students >= settings().class_students and not _free_a_place(connection, code, now - SILENCE):
                raise InputError(
                    _("This class is full: it has {count} students.").format(count=settings().class_students)
                )
            words = connection.execute(sa.select(CLASS_KEYS.c.word).where(CLASS_KEYS.c["class"] == code)).scalars()
            word = new_word({one for one in words if one})
            _add_key(connection, code, key, Role.STUDENT, now - SILENCE + FIRST_SILENCE, word)
            _count_students(connection, code)
        return key, word

    def member(self, code: str, key: str) -> Member:
        """Returns the member with a key.

        Raises:
            NoClassError: If there is no such class.
            NotAllowedError: If the key does not belong to this class.
        """
        with self.reading() as connection:
            self._find(connection, code)
            has_key = sa.and_(CLASS_KEYS.c["class"] == code, CLASS_KEYS.c.hash == hashed(key))
            row = connection.execute(sa.select(CLASS_KEYS).where(has_key)).mappings().first()
        if row is None:
            raise NotAllowedError(_("This browser does not belong to the class: join it again."))
        return Member(code, row["hash"], Role(row["role"]), row["word"] or "")

    def get(self, code: str) -> Class:
        """Returns a class.

        Raises:
            NoClassError: If there is no such class.
        """
        with self.reading() as connection:
            return self._find(connection, code)

    def teacher_of(self, code: str, key: str) -> Class:
        """Returns a class for one of its teachers, also after the end of the class.

        Raises:
            NoClassError: If there is no such class.
            NotAllowedError: If the key does not belong to a teacher of the class.
        """
        is_teacher = sa.and_(
            CLASS_KEYS.c["class"] == code, CLASS_KEYS.c.hash == hashed(key), CLASS_KEYS.c.role == Role.TEACHER
        )
        with self.reading() as connection:
            found = self._row(connection, code)
            if connection.execute(sa.select(CLASS_KEYS.c.hash).where(is_teacher)).first() is None:
                raise NotAllowedError(_("Only a teacher of this class may do that."))
        return found

    def note_presence(self, member: Member) -> None:
        """Stores the time at which a student was last present."""
        with self.writing() as connection:
            is_member = CLASS_KEYS.c.hash == member.hash
            connection.execute(sa.update(CLASS_KEYS).where(is_member).values(seen=self.now(connection)))

    def words(self, code: str) -> dict[str, str]:
        """Returns the words of all students, by the hashes of their keys."""
        students = sa.select(CLASS_KEYS.c.hash, CLASS_KEYS.c.word).where(
            CLASS_KEYS.c["class"] == code, CLASS_KEYS.c.role == Role.STUDENT
        )
        with self.reading() as connection:
            return {row.hash: row.word for row in connection.execute(students)}

    def send(self, teacher: Member, screen: str) -> None:
        """Sets the page that all students see.

        Args:
            teacher: A teacher of the class.
            screen: Path and query of a page of this server. Empty if each student may open any page.

        Raises:
            NotAllowedError: If the member is not a teacher.
            InputError: If the path is not a page of this server.
        """
        if screen and (not SCREEN.fullmatch(screen) or len(screen) > MAX_SCREEN):
            raise InputError(_("screen: it must be a page of this server, as a path that begins with one slash"))
        self._change(teacher, lambda _connection, _found: {"screen": screen})

    def invite(self, teacher: Member) -> str:
        """Returns the key of an invitation for another teacher.

        Raises:
            NotAllowedError: If the member is not a teacher.
        """
        key = new_key()

        def change(connection: sa.Connection, found: Class) -> dict[str, Any]:
            _add_key(connection, found.code, key, Role.INVITATION, self.now(connection))
            return {}

        self._change(teacher, change)
        return key

    def accept(self, code: str, invitation: str) -> str:
        """Returns the key of a new teacher for an invitation. The invitation cannot be used again.

        Raises:
            NoClassError: If there is no such class.
            NotAllowedError: If the invitation was used before, or is too old.
        """
        key = new_key()
        with self.writing() as connection:
            self._lock(connection, code)
            now = self.now(connection)
            used = connection.execute(
                sa.delete(CLASS_KEYS).where(
                    CLASS_KEYS.c["class"] == code,
                    CLASS_KEYS.c.hash == hashed(invitation),
                    CLASS_KEYS.c.role == Role.INVITATION,
                    CLASS_KEYS.c.seen > now - INVITATION,
                )
            )
            if used.rowcount != 1:
                raise NotAllowedError(
                    _("This invitation was used already, or is older than ten minutes: ask for a new one.")
                )
            _add_key(connection, code, key, Role.TEACHER, now)
        return key

    def end(self, teacher: Member) -> None:
        """Ends a class. A teacher can still save questions and answers.

        Raises:
            NotAllowedError: If the member is not a teacher.
        """
        self._change(teacher, lambda connection, _found: {"ends": self.now(connection)})
        self.delete_old()

    def _change(self, teacher: Member, change: Callable[[sa.Connection, Class], dict[str, Any]]) -> Class:
        """Changes a class in one transaction, and returns its new state.

        Raises:
            NotAllowedError: If the member is not a teacher.
        """
        if teacher.role is not Role.TEACHER:
            raise NotAllowedError(_("Only a teacher of this class may do that."))
        with self.writing() as connection:
            values = change(connection, self._lock(connection, teacher.code))
            if values:
                connection.execute(sa.update(CLASSES).where(CLASSES.c.code == teacher.code).values(values))
            return self._row(connection, teacher.code)

    def _lock(self, connection: sa.Connection, code: str) -> Class:
        """Increases the version of a class. Other changes of the class then wait for the end of this transaction."""
        is_this = CLASSES.c.code == code
        connection.execute(sa.update(CLASSES).where(is_this).values(version=CLASSES.c.version + 1))
        return self._find(connection, code)

    def _find(self, connection: sa.Connection, code: str) -> Class:
        found = self._row(connection, code)
        if found.ends <= self.now(connection):
            raise NoClassError(_("This class has ended."))
        return found

    def _row(self, connection: sa.Connection, code: str) -> Class:
        row = None
        if len(code) == CODE_LENGTH and set(code) <= set(ALPHABET):
            row = connection.execute(sa.select(CLASSES).where(CLASSES.c.code == code)).mappings().first()
        if row is None:
            raise NoClassError(_("There is no class with this code. Look at it once more, or ask for a new one."))
        names = ("code", "ends", "students", "screen", "question", "version")
        return Class(**{name: row[name] for name in names})


def are_offered() -> bool:
    """Returns whether this server has classes."""
    return bool(settings().classes and not settings().read_only and not settings().sign_in)


def new_key() -> str:
    """Returns a new key for a browser."""
    return secrets.token_urlsafe(24)


def hashed(key: str) -> str:
    """Returns the hash of a key, as the store has it."""
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()


def _add_key(connection: sa.Connection, code: str, key: str, role: Role, now: float, word: str | None = None) -> None:
    row = {"hash": hashed(key), "class": code, "role": role, "word": word, "seen": now}
    connection.execute(sa.insert(CLASS_KEYS).values(row))


def _free_a_place(connection: sa.Connection, code: str, since: float) -> bool:
    """Removes students who have left and have no answers. Returns whether there were any."""
    answered = sa.select(CLASS_ANSWERS.c.student).where(CLASS_ANSWERS.c["class"] == code)
    gone = connection.execute(
        sa.delete(CLASS_KEYS).where(
            CLASS_KEYS.c["class"] == code,
            CLASS_KEYS.c.role == Role.STUDENT,
            CLASS_KEYS.c.seen < since,
            CLASS_KEYS.c.hash.not_in(answered),
        )
    )
    return gone.rowcount > 0


def _delete_old(connection: sa.Connection, now: float) -> None:
    """Deletes classes that ended a day ago, and those beyond the number of classes that may be open.

    The size of a class is limited, so this limits the space of all of them. Classes in which nobody has answered go
    first, so that nobody drives out what others have to save by opening and ending classes.
    """
    connection.execute(sa.delete(CLASSES).where(CLASSES.c.ends < now - RETENTION))
    answered = CLASSES.c.code.in_(sa.select(CLASS_ANSWERS.c["class"]))
    order = sa.case((answered, 1), else_=0).desc(), CLASSES.c.ends.desc()
    ended = sa.select(CLASSES.c.code).where(CLASSES.c.ends <= now).order_by(*order).offset(max(settings().classes, 1))
    if codes := list(connection.execute(ended).scalars()):
        connection.execute(sa.delete(CLASSES).where(CLASSES.c.code.in_(codes)))


def _free_a_class(connection: sa.Connection, now: float) -> bool:
    """Deletes the oldest class that was opened some time ago and never used. Returns whether there was one."""
    unused = CLASSES.c.ends > now, CLASSES.c.opened < now - UNUSED, CLASSES.c.students == 0, CLASSES.c.version == 1
    oldest = sa.select(CLASSES.c.code).where(*unused).order_by(CLASSES.c.opened).limit(1).scalar_subquery()
    return connection.execute(sa.delete(CLASSES).where(CLASSES.c.code == oldest)).rowcount > 0


def _count_students(connection: sa.Connection, code: str) -> None:
    are_students = sa.and_(CLASS_KEYS.c["class"] == code, CLASS_KEYS.c.role == Role.STUDENT)
    count = sa.select(sa.func.count()).where(are_students).scalar_subquery()
    connection.execute(sa.update(CLASSES).where(CLASSES.c.code == code).values(students=count))
