"""The one notation of values in links: networks and what pages show are written and read with it.

``true``, ``false`` and ``none`` are words; the entries of a list are joined with dots, the rows of a table with
underscores.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from explorer.errors import SpecError
from explorer.i18n import _

WORDS = {"true": True, "false": False, "none": None}
ROWS = "_"  # between the rows of a table


@dataclass(frozen=True, slots=True)
class ListText:
    """How a list stands in a link; in a field's annotation where it is not the usual way.

    Attributes:
        separator: What stands between two entries.
        empty: The text of the empty list.
        blanks: Whether what stands between two separators in a row is an entry, for a rule to refuse.
    """

    separator: str = "."
    empty: str = ""
    blanks: bool = False

    def write(self, values: Sequence[object]) -> str:
        """The list as a text, which :meth:`read` turns back where no entry contains the separator."""
        return self.separator.join(map(write, values)) if values else self.empty

    def read(self, text: str) -> list[str]:
        """The entries of a text."""
        if text == self.empty:
            return []
        return [part for part in text.split(self.separator) if part or self.blanks]


def write(value: object) -> str:
    """A single value as a text."""
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool):
        return next(word for word, meaning in WORDS.items() if meaning is value)
    return str(value)


def scalar(text: str) -> Any:
    """What a text says by itself: a word's meaning, a number, or else the text."""
    if text in WORDS:
        return WORDS[text]
    for number in (int, float):
        try:
            return number(text) if len(text) < 30 and text.isascii() and ROWS not in text else text
        except ValueError:
            continue
    return text


def check_length(link: Mapping[str, str], limit: int) -> None:
    """See that a link is no longer than a page would write it.

    Args:
        link: The parameters.
        limit: Characters of all values together.

    Raises:
        SpecError: where it is longer.
    """
    if sum(map(len, link.values())) > limit:
        raise SpecError(_("link: longer than {limit:,} characters").format(limit=limit))
