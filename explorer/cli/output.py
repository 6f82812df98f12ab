"""What commands print: text that does nothing to a terminal, whatever names are in it, and JSON."""

import json
import re
from collections.abc import Sequence
from typing import Any

import click

from explorer.errors import printable, readable

_LAYOUT = re.compile(r"([\n\t])")


def say(text: str, *, nl: bool = True, err: bool = False) -> None:
    """Print text; its lines and tabs stay, every other character that can't be seen becomes an escape."""
    click.echo(escaped(text), nl=nl, err=err)


def escaped(text: str) -> str:
    """Text as :func:`say` prints it."""
    return "".join(part if part in {"\n", "\t"} else printable(part) for part in _LAYOUT.split(text))


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines in which the columns stand one below the other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def say_json(document: object) -> None:
    """Print one JSON document on one line.

    Numbers that are not finite are null: JSON has none. A character that can't be seen, or that no encoding has, is an
    escape, which means the same.
    """
    plain = json.loads(json.dumps(document, default=str), parse_constant=lambda _name: None)
    click.echo(json_text(plain))


def json_text(document: Any) -> str:
    """The text of a JSON document."""
    text = json.dumps(document, ensure_ascii=False)
    if readable(text):
        return text
    return "".join(one if readable(one) else json.dumps(one)[1:-1] for one in text)
