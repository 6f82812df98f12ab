"""Output of commands: text without control characters, and JSON."""

import json
import re
from collections.abc import Sequence
from typing import Any

import click

from explorer.errors import printable, readable

_LAYOUT = re.compile(r"([\n\t])")


def print_text(text: str, *, nl: bool = True, err: bool = False) -> None:
    """Prints text with invisible characters as escapes, except line breaks and tabs."""
    click.echo(escaped(text), nl=nl, err=err)


def escaped(text: str) -> str:
    """Returns text as :func:`print_text` prints it."""
    return "".join(part if part in {"\n", "\t"} else printable(part) for part in _LAYOUT.split(text))


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Returns rows of cells as lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def print_json(document: object) -> None:
    """Prints a JSON document on one line.

    Numbers that are not finite are null, because JSON has no others. Invisible characters and characters that can't be
    encoded are JSON escapes.
    """
    plain = json.loads(json.dumps(document, default=str), parse_constant=lambda _name: None)
    click.echo(json_text(plain))


def json_text(document: Any) -> str:
    """Returns the text of a JSON document."""
    text = json.dumps(document, ensure_ascii=False)
    if readable(text):
        return text
    return "".join(one if readable(one) else json.dumps(one)[1:-1] for one in text)
