"""The size of images: one number of pixels if they are square, else height and width.

JSON has ``224`` or ``[224, 160]``; a link, a command and a page have ``224`` or ``224x160``, the height first.
"""

import re
from typing import Annotated, Any, NamedTuple

from pydantic import PlainSerializer, PlainValidator
from pydantic_core import PydanticCustomError, PydanticKnownError

from explorer.errors import shown
from explorer.i18n import _
from explorer.specs.arithmetic import window_output
from explorer.specs.link_text import ListText

MAX_IMAGE = 4096  # pixels; keeps every analysis under two seconds, and is far above any published network
SIGN = "x"  # between height and width, as people type it
SIZE_TEXT = ListText(SIGN)
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}")
_SIDES = re.compile(r"\s*([0-9]{1,9})\s*(?:[xX×*,]|by)\s*([0-9]{1,9})\s*")


class Size(NamedTuple):
    """Height and width, of an image in pixels or of a map in cells."""

    height: int
    width: int

    @property
    def area(self) -> int:
        """Number of pixels or cells."""
        return self.height * self.width

    def through(self, kernel: int, stride: int = 1, padding: int = 0, *, ceil: bool = False) -> "Size":
        """The size after a square window; arguments as of :func:`explorer.specs.arithmetic.window_output`."""
        return Size(*(window_output(side, kernel, stride, padding, ceil=ceil) for side in self))

    def __str__(self) -> str:
        """The text in sentences: ``224×160``, ``224×224``."""
        return f"{self.height}×{self.width}"


def height_width(size: int | Size) -> Size:
    """Height and width of a size."""
    return size if isinstance(size, Size) else Size(size, size)


def shortest(size: Size) -> int | Size:
    """The size as specs hold it: one number if height and width are equal."""
    return size.height if size.height == size.width else size


def size_text(size: int | Size) -> str:
    """The size as people type it, and as links hold it: ``224`` or ``224x160``."""
    return SIGN.join(map(str, size)) if isinstance(size, Size) else str(size)


def picture_size(size: Size) -> str:
    """The size of a picture, the width first as usual for pictures: ``32 × 32``."""
    if size.height == size.width:
        return f"{size.width} × {size.height}"
    return _("{width} × {height} (width × height)").format(width=size.width, height=size.height)


def parse_size(value: Any) -> int | Size:
    """A valid size of images from JSON, a link or a field.

    Args:
        value: Whole number, a list of height and width, or the text of height and width such as ``224x160``.

    Raises:
        PydanticKnownError: If it is one value that is no whole number, or is out of range.
        PydanticCustomError: If it is two values, or a text, that are wrong; names rule and value.
    """
    if isinstance(value, str) and (match := _SIDES.fullmatch(value)):
        sides: list[Any] = [int(side) for side in match.groups()]
    elif isinstance(value, list | tuple):
        sides = list(value)
    elif isinstance(value, str):
        raise _wrong(
            _("{value} is neither a whole number nor a height and a width, such as 224x160").format(value=shown(value))
        )
    else:
        return _checked_side(value)
    if len(sides) != 2 or not all(type(side) is int and 1 <= side <= MAX_IMAGE for side in sides):
        raise _wrong(
            _("{value} is not a height and a width, each a whole number from 1 to {limit:,}").format(
                value=shown(value), limit=MAX_IMAGE
            )
        )
    return shortest(Size(*sides))


def _wrong(message: str) -> PydanticCustomError:
    return PydanticCustomError("image_size", "{message}", {"message": message})


def _checked_side(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise PydanticKnownError("int_type")
    if value < 1:
        raise PydanticKnownError("greater_than_equal", {"ge": 1})
    if value > MAX_IMAGE:
        raise PydanticKnownError("less_than_equal", {"le": MAX_IMAGE})
    return value


def typed_text(size: int | Size | None) -> str:
    """The text of a size in a field, which :func:`typed_size` reads; None is the empty text."""
    return "" if size is None else size_text(size)


def typed_size(value: Any) -> Any:
    """The value of a typed text for :func:`parse_size`: a number if it is one, and None if it is empty."""
    if not isinstance(value, str):
        return value
    plain = value.strip()
    return int(plain) if _NUMBER.fullmatch(plain) else plain or None


def _plain(size: int | Size) -> int | list[int]:
    return list(size) if isinstance(size, Size) else size


ImageSize = Annotated[int | Size, PlainValidator(parse_size), PlainSerializer(_plain), SIZE_TEXT]
