"""Names from outside are shown in full and can't break a line, control a terminal or change a page."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import ContentError, ExplorerError, InputError, TokenError, printable, readable
from explorer.ui.shared.text import plain

# Unicode 16, Bidi_Control and the zero-width characters of the standard, annex 9 and section 23.2
MARKS = (
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u2060\ufeff\u00ad\u180e\u2028\u2029"
)


@pytest.mark.parametrize("mark", [*MARKS, "\x00", "\x1b", "\x9b", "\n", "\r", "\x7f", "\ud800", "\u3164", "\U000e0041"])
def test_marks_are_shown_as_escapes(mark: str) -> None:
    name = f"cat{mark}gnp.exe"
    assert not readable(name)
    assert printable(name) == f"cat{ascii(mark)[1:-1]}gnp.exe"
    if mark.splitlines() == [mark]:  # a message of several lines becomes one line
        for kind in (ExplorerError, InputError, ContentError):
            assert str(kind(f"{name} can't be read")) == f"{printable(name)} can't be read"
        assert str(TokenError(name, 1)) == printable(name)
    assert readable(str(InputError(name)))
    if mark != "\n":  # Markdown turns it into a blank
        assert mark not in plain(name)


@pytest.mark.parametrize(
    "name",
    [
        "Kätzchen 写.png", "a\u00a0b\u3000c", "می\u200cخواهم", "क्\u200dष", "👩\u200d🔬", "❤️", "قطة", "חתול", "\u0600١",
        "e\u0301",
    ],
)  # fmt: skip
def test_words_of_every_script_are_unchanged(name: str) -> None:
    assert readable(name)
    assert printable(name) == name


@pytest.mark.parametrize("name", ["cat\u200d", "c\u200cat", "\u200dcat", "写\u200d", "👩\u200d\u200d🔬", "写\u200d x"])
def test_joiners_that_join_nothing_are_shown(name: str) -> None:
    assert "\\u200" in printable(name)


@given(st.text(st.characters()))
def test_any_text_becomes_one_line_that_every_encoding_and_terminal_takes(text: str) -> None:
    shown = printable(text)
    assert readable(shown)
    assert printable(shown) == shown
    shown.encode()
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert not set(MARKS) & set(shown)


def test_a_long_message_is_cut_in_the_middle() -> None:
    message = str(InputError(f"name: {'x' * 8000}\n is too long"))
    assert len(message) < 1010
    assert message.startswith("name: xxx")
    assert message.endswith("xxx is too long")
