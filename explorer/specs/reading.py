"""The reader of JSON that people type, and of JSON files, weight cards and run directories.

It accepts only values that a page can show, count and write: nesting is limited, texts have no control characters, and
whole numbers fit into 64 bits. All JSON is read here, except the explorer's own pipes to subprocesses.
"""

import json
import stat
from collections import Counter
from pathlib import Path
from typing import Any
from unicodedata import category

from explorer.errors import InputError, shown
from explorer.i18n import _

MAX_JSON = 1_000_000
MAX_DEPTH = 32
MAX_TEXT = 100_000  # characters of one text, such as a licence, or a command that contains a network


def decode(text: str, place: str, most: int = MAX_JSON) -> Any:
    """The value of JSON text.

    Args:
        text: One JSON document.
        place: Name of what it describes; messages begin with it.
        most: Characters allowed.

    Raises:
        InputError: If the text is too long or not JSON, repeats a key, is nested too deeply, or holds control
            characters or a whole number of more than 64 bits. The caller checks for numbers that are not finite.
    """
    if len(text) > most:
        raise InputError(
            _("{place}: {count:,} characters of JSON are more than the {limit:,} allowed").format(
                place=place, count=len(text), limit=most
            )
        )
    try:
        value = json.loads(text, object_pairs_hook=_no_repeats)
    except json.JSONDecodeError as error:
        raise InputError(
            _("{place}: not JSON at line {line}, column {column}: {found}").format(
                place=place, line=error.lineno, column=error.colno, found=_found(text, error.pos)
            )
        ) from None
    except RecursionError:
        raise _deep(place) from None
    except ValueError:  # Python does not convert numbers of so many digits
        raise _large(place) from None
    _check(value, place)
    return value


def _found(text: str, position: int) -> str:
    return shown(text[position : position + 20]) if text[position:].strip() else _("the text ends")


def _check(value: Any, place: str) -> None:
    """Refuse values that JSON allows but pages can't show or write."""
    level, depth = [value], 0
    while level:
        depth += 1
        below: list[Any] = []
        for part in level:
            match part:
                case dict() | list() if depth > MAX_DEPTH:
                    raise _deep(place)
                case dict():
                    below += part
                    below += part.values()
                case list():
                    below += part
                case str():
                    _check_text(part, place)
                case int() if not -(2**63) <= part < 2**63:
                    raise _large(place)
        level = below


def _check_text(text: str, place: str) -> None:
    if len(text) > MAX_TEXT:
        raise InputError(
            _("{place}: {value} has {count:,} characters, more than the {limit:,} allowed").format(
                place=place, value=shown(text), count=len(text), limit=MAX_TEXT
            )
        )
    if not text.isprintable() and any(map(_is_control, text)):
        raise InputError(
            _("{place}: {value} has control characters, or incomplete characters").format(
                place=place, value=shown(text)
            )
        )


def _is_control(character: str) -> bool:
    return category(character) in {"Cc", "Cs"} and character not in "\t\n\r"


def legible(value: Any) -> Any:
    """The value with the characters that :func:`decode` refuses escaped, so that it can be written and read again."""
    match value:
        case str():
            return "".join(ascii(one)[1:-1] if _is_control(one) else one for one in value)
        case dict():
            return {legible(key): legible(part) for key, part in value.items()}
        case list():
            return [legible(part) for part in value]
        case _:
            return value


def _deep(place: str) -> InputError:
    return InputError(
        _("{place}: the JSON is nested too deeply, beyond {limit} levels").format(place=place, limit=MAX_DEPTH)
    )


def _large(place: str) -> InputError:
    return InputError(_("{place}: a whole number in it has more than 64 bits").format(place=place))


def read_json(path: Path, place: str, most: int = MAX_JSON) -> Any:
    """The value of a JSON file; arguments and errors as in :func:`decode`.

    Raises:
        InputError: If the file can't be read, is too large, or is not UTF-8; else as in :func:`decode`.
    """
    file = shown(str(path))
    try:
        if not stat.S_ISREG((state := path.stat()).st_mode):  # reading a pipe could wait for ever
            raise InputError(_("{place}: can't read {path}: it is not a file").format(place=place, path=file))
        if state.st_size > 4 * most:
            raise InputError(_("{place}: the file {path} is too large").format(place=place, path=file))
        text = path.read_text(encoding="utf-8-sig")  # Windows editors write a byte order mark
    except UnicodeDecodeError:
        raise InputError(_("{place}: the file {path} is not UTF-8 text").format(place=place, path=file)) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else _("no file can have such a name")
        raise InputError(
            _("{place}: can't read {path}: {reason}").format(place=place, path=file, reason=reason)
        ) from None
    return decode(text, place, most)


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        repeated = Counter(key for key, _value in pairs).most_common(1)[0][0]
        raise InputError(_("{place}: this key occurs twice").format(place=shown(repeated)))
    return data
