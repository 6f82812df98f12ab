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


class ExplorerError(Exception):
    """Base of all errors raised on purpose."""


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
    """Whether a name is text that fits on a line: no control characters, no bytes that are not UTF-8."""
    text = str(name)
    return text.isprintable() or all(category(character) not in {"Cc", "Cs"} for character in text)


def printable(name: object) -> str:
    """The name of a file in full, with what would break a line or a terminal escaped."""
    text = str(name)
    if readable(text):
        return text
    return "".join(character if readable(character) else ascii(character)[1:-1] for character in text)
