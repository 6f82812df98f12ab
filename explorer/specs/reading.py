"""JSON that people type or keep in files: decoded, or refused in words."""

import json
import stat
from collections import Counter
from pathlib import Path
from typing import Any

from explorer.errors import InputError, shown
from explorer.i18n import _

MAX_JSON = 1_000_000


def decode(text: str, place: str) -> Any:
    """The value of JSON text.

    Args:
        text: one JSON document.
        place: what it describes; messages begin with it.

    Raises:
        InputError: where the text is too long, not JSON, or repeats a key.
    """
    if len(text) > MAX_JSON:
        raise InputError(
            _("{place}: {count:,} characters of JSON are more than the {limit:,} allowed").format(
                place=place, count=len(text), limit=MAX_JSON
            )
        )
    try:
        return json.loads(text, object_pairs_hook=_no_repeats)
    except json.JSONDecodeError as error:
        raise InputError(
            _("{place}: not JSON at line {line}, column {column}: {reason}").format(
                place=place, line=error.lineno, column=error.colno, reason=error.msg
            )
        ) from None
    except RecursionError:
        raise InputError(_("{place}: the JSON is nested too deeply").format(place=place)) from None
    except ValueError as error:  # a number of thousands of digits
        raise InputError(
            _("{place}: not JSON: {reason}").format(place=place, reason=str(error).split(";")[0])
        ) from None


def read_json(path: Path, place: str) -> Any:
    """The value of a JSON file; arguments and errors as of :func:`decode`."""
    file = shown(str(path))
    try:
        if not stat.S_ISREG((state := path.stat()).st_mode):  # a pipe would be waited for without end
            raise InputError(_("{place}: can't read {path}: it is not a file").format(place=place, path=file))
        if state.st_size > 4 * MAX_JSON:
            raise InputError(_("{place}: the file {path} is too large").format(place=place, path=file))
        text = path.read_text(encoding="utf-8-sig")  # Windows editors begin with a mark
    except UnicodeDecodeError:
        raise InputError(_("{place}: the file {path} is not UTF-8 text").format(place=place, path=file)) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(
            _("{place}: can't read {path}: {reason}").format(place=place, path=file, reason=reason)
        ) from None
    return decode(text, place)


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        repeated = Counter(key for key, _value in pairs).most_common(1)[0][0]
        raise InputError(_("{place}: this key stands twice").format(place=shown(repeated)))
    return data
