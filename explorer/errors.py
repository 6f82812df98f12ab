"""The tree of errors.

    ExplorerError            every error that this product raises on purpose
    ├── StoreError           the job store can't be read or written at the moment
    └── InputError           the input is at fault: exit status 2, a message on the page
        ├── AccessError      this visitor may not change it, or nobody may
        ├── ContentError     the content of a file breaks a rule: reading it again changes nothing
        └── SpecError        a spec breaks a rule
            └── TokenError   one token of a cfg list breaks a rule; holds its position

Every message names the rule, the value and the place in one line that users can read.
"""

from reprlib import Repr
from unicodedata import category

_quoting = Repr()
_quoting.maxstring = _quoting.maxother = _quoting.maxlong = 40
_quoting.maxlist = _quoting.maxtuple = 4
_quoting.maxlevel = 2


# Unicode's general categories of invisible characters: control and format characters, surrogates, separators of lines
# and paragraphs.
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Format characters that are visible.
VISIBLE = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")  # letters and marks that are invisible
MAX_MESSAGE = 1000  # characters of a message
JOINERS = frozenset("\u200c\u200d")


class ExplorerError(Exception):
    """Base of all errors that this product raises on purpose."""

    def __str__(self) -> str:
        """The message in one line. Quoted names in it can't control a terminal or a page."""
        return one_line(super().__str__())


class StoreError(ExplorerError):
    """The job store fails; it did not do what the caller asked.

    Attributes:
        uncertain: Whether it may have done it nevertheless: the connection was lost while it confirmed.
    """

    uncertain = False


class InputError(ExplorerError):
    """The user's input is at fault; the message says what to change."""


class AccessError(InputError):
    """The server refuses a change: it is read-only, or what would change belongs to somebody else."""


class ContentError(InputError):
    """The content of a file breaks a rule; reading it again changes nothing."""


class SpecError(InputError):
    """A spec, or the text of one, breaks a rule."""


class TokenError(SpecError):
    """One token of a cfg list breaks a rule.

    Attributes:
        index: Position of the token in the list, from 0.
    """

    def __init__(self, message: str, index: int) -> None:
        super().__init__(message)
        self.index = index


def shown(value: object) -> str:
    """The value as messages quote it: ``null``, ``true`` and ``false`` as in JSON, else its shortened ``repr``."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return _quoting.repr(value)


def readable(name: object) -> bool:
    """Whether a name consists of visible characters and blanks, without control and direction marks."""
    text = str(name)
    if text.isascii():
        return text.isprintable()
    return not any(map(_hidden, text, f" {text}", f"{text[1:]} "))


def printable(name: object) -> str:
    """A name with escapes for characters that are invisible, break a line, control a terminal or reverse the text."""
    text = str(name)
    if readable(text):
        return text
    return "".join(
        ascii(character)[1:-1] if _hidden(character, before, after) else character
        for character, before, after in zip(text, f" {text}", f"{text[1:]} ", strict=False)
    )


def one_line(message: str) -> str:
    """A message in one line. A very long message is cut in the middle."""
    text = printable(" ".join(line.strip() for line in message.splitlines()))
    return text if len(text) <= MAX_MESSAGE else f"{text[: MAX_MESSAGE // 2]} … {text[-MAX_MESSAGE // 2 :]}"


def _hidden(character: str, before: str, after: str) -> bool:
    if character in JOINERS:  # Persian and Indic words and composed emoji need joiners between their characters
        return not all(other.isprintable() and not other.isascii() and not other.isspace() for other in (before, after))
    return (category(character) in HIDDEN and character not in VISIBLE) or character in BLANKS
