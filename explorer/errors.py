"""What can go wrong, as one tree.

    ExplorerError            anything that this product raises on purpose
    ├── StoreError           the job store can't be read or written at the moment
    └── InputError           the input is at fault: exit status 2, a message on the page
        ├── ContentError     what a file holds breaks a rule: reading it again changes nothing
        └── SpecError        a spec breaks a rule
            └── TokenError   one token of a cfg list breaks a rule; knows which

Every message names the rule, the value and the place, in one line, and is ready for a user to read.
"""

from reprlib import Repr
from unicodedata import category

_quoting = Repr()
_quoting.maxstring = _quoting.maxother = _quoting.maxlong = 40
_quoting.maxlist = _quoting.maxtuple = 4
_quoting.maxlevel = 2


# Unicode's general categories of what has no shape of its own: control and format characters, halves of a pair, ends of
# lines and paragraphs.
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
SIGNS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")  # seen
BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")  # letters and marks that aren't
LONGEST = 1000  # characters of a message
JOINERS = frozenset("\u200c\u200d")


class ExplorerError(Exception):
    """Base of all errors raised on purpose."""

    def __str__(self) -> str:
        """The message, which may quote a name of others, on one line that does nothing to a terminal or a page."""
        return one_line(super().__str__())


class StoreError(ExplorerError):
    """The job store fails; what was asked of it was not done."""


class InputError(ExplorerError):
    """The user's input is at fault; the message says what to change."""


class ContentError(InputError):
    """What a file holds breaks a rule; reading it again changes nothing."""


class SpecError(InputError):
    """A spec, or the text of one, breaks a rule."""


class TokenError(SpecError):
    """One token of a cfg list breaks a rule.

    Attributes:
        index: position of the token in the list, from 0.
    """

    def __init__(self, message: str, index: int) -> None:
        super().__init__(message)
        self.index = index


def shown(value: object) -> str:
    """The value as a message quotes it: in JSON's words, on one line and never long."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return _quoting.repr(value)


def readable(name: object) -> bool:
    """Whether every character of a name is seen, or is a blank: no control or direction marks, nothing invisible."""
    text = str(name)
    if text.isascii():
        return text.isprintable()
    return not any(map(_hidden, text, f" {text}", f"{text[1:]} "))


def printable(name: object) -> str:
    """A name in full, with what would break a line or a terminal, turn the text around or not be seen escaped."""
    text = str(name)
    if readable(text):
        return text
    return "".join(
        ascii(character)[1:-1] if _hidden(character, before, after) else character
        for character, before, after in zip(text, f" {text}", f"{text[1:]} ", strict=False)
    )


def one_line(message: str) -> str:
    """A message in one line; of a very long one, which quotes the input, the beginning and the end."""
    text = printable(" ".join(line.strip() for line in message.splitlines()))
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"


def _hidden(character: str, before: str, after: str) -> bool:
    if character in JOINERS:  # Persian and Indic words and composed emoji need them between two of their characters
        return not all(other.isprintable() and not other.isascii() and not other.isspace() for other in (before, after))
    return (category(character) in HIDDEN and character not in SIGNS) or character in BLANKS
