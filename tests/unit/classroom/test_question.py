"""Questions and answers as browsers send them: read, or refused in a sentence."""

import base64
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from explorer.classroom.question import MAX_SIDE, Kind, Question, marked, read_answer, read_question, tally
from explorer.errors import InputError


def picture(side: int = 8, **options: Any) -> str:
    out = io.BytesIO()
    Image.new("RGB", (side, 2 * side), (200, 30, 30)).save(out, "PNG", **options)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


CHOICE = {"kind": "choice", "text": " Which\n one? ", "options": ["first", "second", "third"], "right": 1}


def test_a_question_of_each_kind_is_read() -> None:
    choice = read_question(CHOICE)
    assert (choice.text, choice.options, choice.right) == ("Which one?", ("first", "second", "third"), 1)
    number = read_question({"kind": "number", "text": "How many?", "right": 2.5})
    assert (number.kind, number.right) == (Kind.NUMBER, 2.5)
    place = read_question({"kind": "place", "text": "Where?", "picture": picture(1000, compress_level=1)})
    with Image.open(io.BytesIO(place.picture)) as image:
        assert (image.format, max(image.size)) == ("JPEG", MAX_SIDE)
    assert read_answer(place, [0.25, 1]) == [0.25, 1.0]
    text = read_question({"kind": "text", "text": "Why?"})
    assert read_answer(text, "<b>because</b>\n") == "<b>because</b>"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "essay"}, "kind"), ({"kind": ["choice"]}, "kind"), ({"text": ""}, "question"),
        ({"text": 7}, "question"),
        ({"text": "x" * 301}, "301"), ({"options": ["one"]}, "options"), ({"options": ["x"] * 9}, "options"),
        ({"options": "first"}, "options"), ({"options": ["one", ""]}, "option"), ({"right": 3}, "answer"),
        ({"right": True}, "answer"), ({"kind": "place"}, "picture"),
        ({"kind": "place", "picture": "data:,x"}, "picture"),
        ({"kind": "place", "picture": "data:image/svg+xml;base64,PHN2Zy8+"}, "picture"),
        ({"kind": "place", "picture": "data:;base64," + "A" * 600_000}, "picture"),
        ({"kind": "place", "picture": picture()[:-40]}, "picture"),
    ],
)  # fmt: skip
def test_other_questions_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_question(CHOICE | change)


@pytest.mark.parametrize(
    ("kind", "answer"),
    [("choice", 3), ("choice", -1), ("choice", 0.5), ("choice", "0"), ("choice", True), ("choice", None),
     ("number", "7"), ("number", float("nan")), ("number", float("inf")), ("number", 1e300), ("number", True),
     ("place", [0.5]), ("place", [0.5, 1.1]), ("place", "0.5"), ("place", [None, 0]), ("text", " \0 "),
     ("text", "\u202e"), ("text", 3)],
)  # fmt: skip
def test_other_answers_are_refused(kind: str, answer: object) -> None:
    with pytest.raises(InputError, match="answer"):
        read_answer(Question(Kind(kind), "?", ("a", "b", "c")), answer)


@settings(max_examples=30)
@given(raw=st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=4))
def test_any_answer_is_read_or_refused(raw: object) -> None:
    for kind in Kind:
        question = Question(kind, "?", ("a", "b"))
        try:
            answer = read_answer(question, raw)
        except InputError:
            continue
        assert tally(question, [answer, answer])
        assert marked(question, raw).right == answer


def test_answers_are_counted() -> None:
    assert tally(read_question(CHOICE), [0, 2, 2]) == {"counts": [1, 0, 2]}
    assert tally(Question(Kind.NUMBER, "?"), [3, 1.5]) == {"values": [1.5, 3]}
