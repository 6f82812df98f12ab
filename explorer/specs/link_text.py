"""The notation of values in all links, for networks and for fields of pages.

``true``, ``false`` and ``none`` are words. Dots separate the items of a list, underscores the rows of a table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from explorer.errors import SpecError
from explorer.i18n import _

WORDS = {"true": True, "false": False, "none": None}
ROWS = "_"  # separator of the rows of a table


@dataclass(frozen=True, slots=True)
class ListText:
    """The notation of a list in a link. The annotation of a field has one if it is not the default.

    Attributes:
        separator: Separator of the items.
        empty: Text of the empty list.
        blanks: Whether nothing between two separators is an empty item, which a rule can then refuse.
    """

    separator: str = "."
    empty: str = ""
    blanks: bool = False

    def write(self, values: Sequence[object]) -> str:
        """Return the text of a list. :meth:`read` restores the list if no item contains the separator."""
        return self.separator.join(map(write, values)) if values else self.empty

    def read(self, text: str) -> list[str]:
        """Return the items of a text."""
        if text == self.empty:
            return []
        return [part for part in text.split(self.separator) if part or self.blanks]


def write(value: object) -> str:
    """Return the text of a single value."""
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool):
        return next(word for word, meaning in WORDS.items() if meaning is value)
    return str(value)


def parse_scalar(text: str) -> Any:
    """Return the value of a text: the value of a word, a number, or the text itself."""
    if text in WORDS:
        return WORDS[text]
    for number in (int, float):
        try:
            return number(text) if len(text) < 30 and text.isascii() and ROWS not in text else text
        except ValueError:
            continue
    return text


def check_length(link: Mapping[str, str], limit: int) -> None:
    """Check that a link is not longer than a page would write it.

    Args:
        link: Parameters of the link.
        limit: Maximum number of characters of all values together.

    Raises:
        SpecError: If the link is longer.
    """
    if sum(map(len, link.values())) > limit:
        raise SpecError(_("link: longer than {limit:,} characters").format(limit=limit))
