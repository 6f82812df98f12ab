"""Questions of a class, their answers, and the data of charts of answers. Independent of members and store."""

import io
import math
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from PIL import Image

from explorer.errors import InputError, shown
from explorer.i18n import _

MAX_TEXT = 300  # characters of a question, an option, and an answer in words
MAX_OPTIONS = 8
MAX_NUMBER = 1e15
MAX_PICTURE = 400_000  # bytes of an uploaded picture
MAX_SIDE = 640  # pixels of the longer side of a stored picture
MAX_PIXELS = 20_000_000  # of an uploaded picture
MAX_LINES = 6  # curves of one student
MAX_POINTS = 48  # points of a curve
# Characters that change the direction of the text around them.
DIRECTIONS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


class Kind(StrEnum):
    """The kinds of answers that questions ask for."""

    CHOICE = "choice"
    NUMBER = "number"
    PLACE = "place"
    TEXT = "text"
    RUN = "run"


Points = list[tuple[float, float]]  # epoch and accuracy, from 0 to 1


@dataclass(frozen=True)
class Line:
    """A curve of a student's experiment.

    Attributes:
        name: Name of the network and recipe. The server writes it, so it contains no text of a student.
        points: Epochs and accuracies. Empty for a job: the store has its curve.
        job: Id of the job. Empty for an experiment of a lesson.
    """

    name: str
    points: Points
    job: str = ""


@dataclass(frozen=True)
class Run:
    """The curves of a student's experiment. Only the server makes them: a browser cannot send its own.

    Attributes:
        lines: Curves.
    """

    lines: tuple[Line, ...]


# The position of an option, a number, a place as shares of width and height from the top left, a line of text, or the
# curves of a run with the names of the fields of Line as keys.
Answer = int | float | list[float] | str | list[dict[str, Any]]


@dataclass(frozen=True)
class Question:
    """A question.

    Attributes:
        kind: Kind of the answers.
        text: Text of the question.
        options: Options of a choice; empty for other kinds.
        right: Right answer. None if the teacher has set none.
        picture: JPEG file of the picture for a place; empty for other kinds.
    """

    kind: Kind
    text: str
    options: tuple[str, ...] = ()
    right: Answer | None = None
    picture: bytes = b""


def read_question(raw: Mapping[str, Any]) -> Question:
    """Reads a question that a browser has sent.

    Raises:
        InputError: If a part is missing, has a wrong type or is too long.
    """
    try:
        kind = Kind(raw.get("kind", ""))
    except ValueError:
        raise InputError(
            _("question, kind: {value} is not one of {names}").format(
                value=shown(raw.get("kind")), names=", ".join(Kind)
            )
        ) from None
    text = _read_text(raw.get("text"), _("question"))
    options: tuple[str, ...] = ()
    picture = b""
    if kind is Kind.CHOICE:
        listed = raw.get("options")
        if not isinstance(listed, list) or not 2 <= len(listed) <= MAX_OPTIONS:
            raise InputError(_("question: a choice has 2 to {most} options").format(most=MAX_OPTIONS))
        options = tuple(_read_text(option, _("option")) for option in listed)
    elif kind is Kind.PLACE:
        picture = _read_picture(raw.get("picture"))
    question = Question(kind, text, options, None, picture)
    right = raw.get("right")
    return question if right is None else marked(question, right)


def marked(question: Question, right: Any) -> Question:
    """Returns a question with another right answer.

    Raises:
        InputError: If the answer is invalid for this question.
    """
    answer = read_answer(question, right)
    return Question(question.kind, question.text, question.options, answer, question.picture)


def read_answer(question: Question, raw: Any) -> Answer:
    """Reads an answer that a browser has sent, or a :class:`Run`.

    Raises:
        InputError: If the answer is invalid for this question.
    """
    match question.kind:
        case Kind.CHOICE if _is_number(raw) and raw == int(raw) and 0 <= raw < len(question.options):
            return int(raw)
        case Kind.NUMBER if _is_number(raw) and abs(raw) <= MAX_NUMBER:
            return int(raw) if raw == int(raw) else float(raw)
        case Kind.PLACE if isinstance(raw, list) and len(raw) == 2 and all(_is_number(x) and 0 <= x <= 1 for x in raw):
            return [round(float(x), 4) for x in raw]
        case Kind.TEXT:
            return _read_text(raw, _("answer"))
        case Kind.RUN if isinstance(raw, Run) and 1 <= len(raw.lines) <= MAX_LINES:
            return [{"name": one.name, "points": thinned(one.points), "job": one.job} for one in raw.lines]
        case Kind.NUMBER if not _is_number(raw):
            raise InputError(_("answer: {value} is not a number").format(value=shown(raw)))
    raise InputError(_("answer: {value} is no answer to this question").format(value=shown(raw)))


def tally(question: Question, answers: Sequence[Answer]) -> dict[str, Any]:
    """Returns the data of a chart of the answers.

    Returns:
        ``counts`` of the options of a choice; ``values`` of numbers, sorted; ``places``; ``texts``; or ``runs``.
    """
    match question.kind:
        case Kind.CHOICE:
            counts = [0] * len(question.options)
            for answer in answers:
                counts[answer] += 1  # type: ignore[index]  # the answer of a choice is a position
            return {"counts": counts}
        case Kind.NUMBER:
            return {"values": sorted(answers)}
        case Kind.PLACE:
            return {"places": list(answers)}
        case Kind.TEXT:
            return {"texts": list(answers)}
        case Kind.RUN:
            return {"runs": list(answers)}


def thinned(points: Sequence[tuple[float, float]]) -> Points:
    """Returns at most ``MAX_POINTS`` finite points of a curve, including the last one."""
    finite = [(round(float(epoch), 3), round(float(value), 4)) for epoch, value in points if math.isfinite(value)]
    step = -(-len(finite) // MAX_POINTS) or 1
    return finite[::-1][::step][::-1]


def curves_in(answer: Any) -> list[dict[str, Any]]:
    """Returns the curves of an answer as dictionaries with the fields of ``Line``; empty for other kinds of answers."""
    return [one for one in answer if isinstance(one, dict)] if isinstance(answer, list) else []


def jobs_of(answer: Any) -> set[str]:
    """Returns the ids of the jobs in an answer."""
    return {line["job"] for line in curves_in(answer) if line["job"]}


def picture_address(picture: bytes) -> str:
    """Returns the data URL of a picture; empty without one."""
    return f"data:image/jpeg;base64,{b64encode(picture).decode()}" if picture else ""


def _is_number(raw: Any) -> bool:
    return isinstance(raw, int | float) and not isinstance(raw, bool) and math.isfinite(raw)


def _read_text(raw: Any, place: str) -> str:
    if not isinstance(raw, str) or not (text := " ".join(raw.replace("\0", " ").translate(DIRECTIONS).split())):
        raise InputError(_("{place}: write some words").format(place=place))
    if len(text) > MAX_TEXT:
        raise InputError(
            _("{place}: it has {count} characters, and at most {most} fit").format(
                place=place, count=len(text), most=MAX_TEXT
            )
        )
    return text.encode(errors="replace").decode()  # half a surrogate pair is no text for a database


def _read_picture(raw: Any) -> bytes:
    """Returns a picture as a new JPEG file. Metadata of the uploaded file are not sent to other browsers."""
    wrong = InputError(_("picture: a question about a place needs a PNG, JPEG or WebP picture"))
    if not isinstance(raw, str) or len(raw) > 4 * MAX_PICTURE // 3 + 100:
        raise wrong
    try:
        file = io.BytesIO(b64decode(raw.partition(",")[2], validate=True))
        with Image.open(file, formats=["PNG", "JPEG", "WEBP"]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise wrong
            image.thumbnail((MAX_SIDE, MAX_SIDE))
            out = io.BytesIO()
            image.convert("RGB").save(out, "JPEG", quality=80)
    except (OSError, ValueError, SyntaxError, Base64Error, Image.DecompressionBombError):
        raise wrong from None
    return out.getvalue()
