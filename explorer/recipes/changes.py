"""Parsers of changes to a recipe or spec (``--set KEY=VALUE``), and of sweeps."""

import csv
import io
import json
import re
from collections.abc import Iterable
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, get_args, get_origin

from explorer.errors import InputError, shown
from explorer.families import PRESETS
from explorer.i18n import _
from explorer.specs.reading import decode

SPEC = "spec."
LISTS = frozenset({"augment", "mean", "std", "freeze"})
NAMES = frozenset({"augment", "freeze"})  # lists of names, in which numbers are names too
MAX_SWEEP = 1000  # jobs of one sweep
MAX_ROWS_FILE = 1_000_000  # bytes

_RANGE = re.compile(r"(-?[0-9]{1,9})\.\.(-?[0-9]{1,9})")


def parse_assignments(pairs: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the fields to replace in the recipe, and in the spec (``spec.KEY=VALUE``).

    A value is JSON if it parses, else text. Keys of lists take values with commas between them; a single value is a
    list of one. :meth:`Recipe.changed` and :meth:`Spec.changed` check keys and values.

    Args:
        pairs: Texts ``KEY=VALUE``.

    Raises:
        InputError: If a pair has no key or no ``=``, or a key is set twice.
    """
    recipe: dict[str, Any] = {}
    spec: dict[str, Any] = {}
    for pair in pairs:
        if pair.lstrip().startswith(SPEC):
            _assign(spec, pair, pair.lstrip().removeprefix(SPEC), *_spec_lists())
        else:
            _assign(recipe, pair, pair, LISTS, NAMES)
    return recipe, spec


def assignment_text(value: object) -> str:
    """Returns a field's value as a text that :func:`parse_assignments` reads back."""
    if isinstance(value, list):
        return ",".join(map(str, value)) or "[]"
    if not isinstance(value, str):
        return json.dumps(value)
    return value if _value(value) == value else json.dumps(value)


def parse_spec_assignments(pairs: Iterable[str]) -> dict[str, Any]:
    """Returns the fields to replace in a spec.

    Args:
        pairs: Texts ``KEY=VALUE``, without ``spec.``.

    Raises:
        InputError: If a pair has no key or no ``=``, or a key is set twice.
    """
    fields: dict[str, Any] = {}
    for pair in pairs:
        _assign(fields, pair, pair, *_spec_lists())
    return fields


def _assign(fields: dict[str, Any], pair: str, assignment: str, lists: frozenset[str], names: frozenset[str]) -> None:
    key, equals, text = assignment.partition("=")
    key = key.strip()
    if not (key and equals):
        raise InputError(_("set: {pair} is not KEY=VALUE").format(pair=shown(pair)))
    if key in fields:
        raise InputError(_("set: {pair} sets a key for the second time").format(pair=shown(pair)))
    value = _value(text)
    if key in lists and not (value is None or isinstance(value, list)):
        read = _name if key in names else _value
        value = [read(part.strip()) for part in text.split(",") if part.strip()]
    elif key in names and value is not None:
        value = [str(part) if isinstance(part, int | float) else part for part in value]
    fields[key] = value


@cache
def _spec_lists() -> tuple[frozenset[str], frozenset[str]]:
    """Returns the names of the spec fields that are lists, and of those that are lists of names."""
    families = {type(preset.spec) for preset in PRESETS.values()}
    fields = [field for family in families for field in family.model_fields.items()]
    kinds = {name: get_args(field.annotation)[0] for name, field in fields if get_origin(field.annotation) is tuple}
    return (
        frozenset(name for name, kind in kinds.items() if not hasattr(kind, "_fields")),  # tables are written as JSON
        frozenset(name for name, kind in kinds.items() if kind is str),
    )


def parse_sweep(texts: Iterable[str]) -> list[dict[str, str]]:
    """Returns all combinations of a sweep's values: for each job the value of every key, as text.

    A comma within brackets or quotes belongs to a value: ``spec.classifier=[64],[128,64]``. ``1..100`` stands for the
    whole numbers from 1 to 100.

    Args:
        texts: Texts ``KEY=V1,V2,…``, one for each key.

    Raises:
        InputError: If a text has no key or no value, a key or value occurs twice, or there are too many jobs.
    """
    axes: dict[str, list[str]] = {}
    jobs = 1
    for text in texts:
        key, equals, listed = text.partition("=")
        key, values = key.strip(), [value for part in _parts(listed) for value in _whole_numbers(part)]
        if not (key and equals and values):
            raise InputError(_("sweep: {text} is not KEY=VALUE,VALUE,…").format(text=shown(text)))
        if key in axes:
            raise InputError(_("sweep: {key} occurs twice").format(key=shown(key)))
        jobs *= len(values)
        if jobs > MAX_SWEEP:  # check before the product, which could take long
            raise InputError(
                _("sweep: {jobs:,} combinations are more than the {limit} jobs of a sweep").format(
                    jobs=jobs, limit=MAX_SWEEP
                )
            )
        if repeated := [value for value in values if values.count(value) > 1]:
            raise InputError(_("sweep: {key} has {value} twice").format(key=key, value=shown(repeated[0])))
        axes[key] = values
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def parse_row(text: str) -> dict[str, str]:
    """Returns one row of a sweep's table: the value of each key, as text.

    A part without ``=`` belongs to the value before it: ``spec.classifier=50,50,lr=1e-4``.

    Args:
        text: Text ``KEY=VALUE,KEY=VALUE,…``.

    Raises:
        InputError: If the text does not begin with a key, or a key has no value or occurs twice.
    """
    values: dict[str, str] = {}
    last = ""
    for part in _parts(text):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals and last:
            values[last] += f",{part}"
            continue
        if not (key and value):
            raise InputError(_("row: {text} is not KEY=VALUE,KEY=VALUE,…").format(text=shown(text)))
        if key in values:
            raise InputError(_("row: {key} occurs twice in {text}").format(key=shown(key), text=shown(text)))
        values[last := key] = value
    if not values:
        raise InputError(_("row: {text} is not KEY=VALUE,KEY=VALUE,…").format(text=shown(text)))
    return values


def read_rows(path: Path) -> list[dict[str, str]]:
    """Reads the rows of a sweep's table from a file: for each job the value of every key, as text.

    In an empty cell, the key keeps the value of the recipe or network.

    Args:
        path: Path of a .csv file with the keys in its first line and commas, semicolons or tabs between cells, or of a
            .json file with a list of objects.

    Raises:
        InputError: If the file can't be read or is not such a table. Names the file and the line.
    """
    try:
        if path.stat().st_size > MAX_ROWS_FILE:
            raise InputError(_("rows: {file} is larger than {limit:,} bytes").format(file=path, limit=MAX_ROWS_FILE))
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(_("rows: {file} can't be read: {reason}").format(file=path, reason=error.strerror)) from None
    except UnicodeDecodeError:
        raise InputError(_("rows: {file} is not UTF-8 text").format(file=path)) from None
    found = _rows_of_json(text, path) if path.suffix.lower() == ".json" else _rows_of_csv(text, path)
    if not any(found):
        raise InputError(_("rows: {file} has no row").format(file=path))
    return [values for values in found if values]


def _rows_of_json(text: str, path: Path) -> list[dict[str, str]]:
    listed = decode(text, "rows")
    if not (isinstance(listed, list) and all(isinstance(one, dict) for one in listed)):
        raise InputError(_("rows: {file} is not a list of objects, one per job").format(file=path))
    return [
        {key: value if isinstance(value, str) else json.dumps(value) for key, value in one.items()} for one in listed
    ]


def _rows_of_csv(text: str, path: Path) -> list[dict[str, str]]:
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True))
    if not lines:
        return []
    keys = [key.strip() for key in lines[0]]
    if not all(keys) or len(set(keys)) < len(keys):
        raise InputError(_("rows: the first line of {file} has an empty or a repeated key").format(file=path))
    found = []
    for number, cells in enumerate(lines[1:], 2):
        if len(cells) > len(keys):
            sentence = _(
                "rows: line {line} of {file} has {count} cells, and there are {keys} keys; put a value with "
                "commas in quotes"
            )
            raise InputError(sentence.format(line=number, file=path, count=len(cells), keys=len(keys)))
        found.append({key: cell.strip() for key, cell in zip(keys, cells, strict=False) if cell.strip()})
    return found


def _parts(text: str) -> list[str]:
    """Splits a text at commas outside of brackets and quotes."""
    parts, depth, quoted = [""], 0, False
    for letter in text:
        quoted ^= letter == '"'
        if not quoted:
            depth += (letter in "[{") - (letter in "]}")
        if letter == "," and depth == 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _whole_numbers(part: str) -> list[str]:
    """Returns the whole numbers of ``1..100``, each as text. Any other text is returned as it is.

    Raises:
        InputError: If the numbers fall, or are more than a sweep may have jobs.
    """
    found = _RANGE.fullmatch(part)
    if not found:
        return [part]
    numbers = range(int(found[1]), int(found[2]) + 1)
    if not 0 < len(numbers) <= MAX_SWEEP:
        raise InputError(
            _("sweep: {part} has to rise, and to have at most {limit} numbers").format(
                part=shown(part), limit=MAX_SWEEP
            )
        )
    return list(map(str, numbers))


def _value(text: str) -> Any:
    for read in (json.loads, float):  # float reads ".1", which JSON does not
        try:
            return read(text)
        except (ValueError, RecursionError):
            continue
    return text


def _name(text: str) -> Any:
    value = _value(text)
    return text if isinstance(value, int | float) else value
