"""Names of classes, from a checkpoint, a file or a command line."""

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from explorer.data.names import to_nfc
from explorer.errors import InputError, readable, shown
from explorer.i18n import _
from explorer.specs.reading import decode

# Keys of lists and dictionaries of names, in lower case, without dashes and underscores, and with "to" for "2".
NAMES = (
    "classes", "classnames", "labels", "labelnames", "categories", "idxtoclass", "classtoidx", "classindices",
    "idxtolabel", "labeltoidx", "idtolabel", "labeltoid",
)  # fmt: skip
NUMBERED = re.compile(r"(?P<number>\d{1,6})\s*[\s,;:]\s*(?P<name>.+)")  # a line such as "0 cat"
NUMBERED_AT_END = re.compile(r"(?P<name>.+?)\s*[\s,;:]\s*(?P<number>\d{1,6})")  # "cat,0"
BYTE_ORDER_MARKS = (  # longest first: UTF-32's byte order mark begins like UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
DEPTH = 3  # levels of nested dictionaries to search
MAX_LIST = 4_000_000  # bytes of a file of class names


def decode_value(key: object, value: object) -> object:
    """Decodes class names that are JSON. Safetensors metadata can only hold text."""
    if _is_key(key) and isinstance(value, str) and value.startswith(("{", "[")):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def stored(outputs: int, values: Mapping[str, Any]) -> tuple[list[str] | None, tuple[str, ...]]:
    """Returns class names that the training program stored in the checkpoint, if they fit the network.

    Args:
        outputs: Number of outputs of the network.
        values: Metadata of the checkpoint.

    Returns:
        The names, or None, and a note on each list of names that does not fit.
    """
    notes: list[str] = []
    for key, names in _name_lists(values, DEPTH):
        try:
            check(names, outputs)
        except InputError as error:
            text = _("The class names stored under {key} are left out: {fault}.")
            notes.append(text.format(key=key, fault=error))
        else:
            return names, ()
    return None, tuple(notes)


def _name_lists(values: Mapping[str, Any], depth: int) -> Iterator[tuple[str, list[str]]]:
    """Yields lists of names with their keys: first those at this level, then those in dictionaries such as ``meta``."""
    for key, value in values.items():
        numbered = key == "names" and isinstance(value, Mapping)  # Ultralytics' format; a list may hold anything
        if (numbered or _is_key(key)) and (names := to_list(value)) is not None:
            yield key, names
    for value in values.values():
        if depth > 1 and isinstance(value, Mapping):
            yield from _name_lists(value, depth - 1)


def _is_key(key: object) -> bool:
    return re.sub("[_-]", "", str(key)).casefold().replace("2", "to") in NAMES


def check(names: object, outputs: int) -> None:
    """Checks that names fit a network's outputs.

    Raises:
        InputError: If they don't. Names the rule.
    """
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise InputError(_("classes: {value} is not a list of names").format(value=shown(names)))
    if len(names) != outputs:
        raise InputError(
            _("classes: {count} names for the network's {outputs} outputs").format(count=len(names), outputs=outputs)
        )
    if len(set(names)) < len(names) or not all(names):
        raise InputError(_("classes: a name is empty, or occurs twice"))
    if (unreadable := next((name for name in names if not readable(name)), None)) is not None:
        raise InputError(_("classes: {name} has invisible characters").format(name=shown(unreadable)))


def read(text: str) -> list[str]:
    """Reads class names from a command line: ``cat,dog``, or the path of a file.

    A file holds one name per line, or JSON: a list, ``{"0": "cat"}`` or ``{"cat": 0}``.

    Raises:
        InputError: If the file can't be read, or has another format.
    """
    path = Path(text)
    if "," in text or not _is_file(path):
        if path.suffix.lower() in (".json", ".txt", ".csv"):
            raise InputError(_("classes: there is no file {path}").format(path=shown(text)))
        return [to_nfc(name.strip()) for name in text.split(",")]
    try:
        if path.stat().st_size > MAX_LIST:
            raise InputError(_("classes: the file {path} is too large").format(path=shown(text)))
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            _("classes: can't read {path}: {reason}").format(path=shown(text), reason=error.strerror)
        ) from None
    decoded = decode_file(content)
    return _parse_json(decoded) if path.suffix.lower() == ".json" else parse(decoded)


def decode_file(content: bytes) -> str:
    """Decodes a file of class names: UTF-8, or the encoding of its byte order mark.

    Raises:
        InputError: If it is neither.
    """
    encoding = next((name for mark, name in BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8-sig")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise InputError(_("classes: the file is not UTF-8 text; save it as UTF-8")) from None


def parse(text: str) -> list[str]:
    """Parses class names from a text: lines, one line with commas, or JSON as in a file.

    Raises:
        InputError: If there are no names, or the text is too long.
    """
    if len(text) > MAX_LIST:
        raise InputError(_("classes: the text is too long"))
    if text.lstrip().startswith(("{", "[")):
        return _parse_json(text)
    lines = [to_nfc(line.strip()) for line in text.splitlines() if line.strip()]
    if not lines:
        raise InputError(_("classes: there are no names"))
    return [name.strip() for name in lines[0].split(",")] if len(lines) == 1 else _ordered_names(lines)


def _parse_json(text: str) -> list[str]:
    names = to_list(decode(text, "classes"))
    if names is None:
        raise InputError(_('classes: the JSON is neither a list of names nor {{"0": name, …}}').format())
    return names


def _ordered_names(lines: list[str]) -> list[str]:
    """Returns the names of lines. If every line begins or ends with a number, the numbers give the order."""
    for pattern in (NUMBERED, NUMBERED_AT_END):
        for rows in (lines, lines[1:]):  # the first line may be a heading
            matches = [match for row in rows if (match := pattern.fullmatch(row))]
            places = {int(match["number"]): match["name"].strip("\"' ") for match in matches}
            least = min(places, default=0)
            apart = len(set(places.values())) == len(rows) > 1  # "type 1" and "type 2" are names
            if apart and least in (0, 1) and sorted(places) == list(range(least, least + len(rows))):
                return [places[place] for place in sorted(places)]
    return lines


def to_list(value: object) -> list[str] | None:
    """Converts a format of a training program to a list of names. Returns None for any other value."""
    if isinstance(value, Mapping) and value:
        if all(isinstance(number, int) for number in value.values()):
            value = {number: name for name, number in value.items()}
        places = {str(number): name for number, name in value.items()}
        if places.keys() != {str(number) for number in range(len(places))}:
            return None
        value = [places[str(number)] for number in range(len(places))]
    if isinstance(value, list) and value and all(map(_is_pair, value)):  # ImageNet's format: a WordNet id and a name
        names = [name for _key, name in value]
        value = [f"{name} ({key})" if names.count(name) > 1 else name for key, name in value]
    if isinstance(value, list) and value and all(isinstance(name, str) for name in value):
        return [to_nfc(name) for name in value]
    return None


def _is_pair(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(part, str) for part in value)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # the name is too long
        return False
