"""Tables as CSV (RFC 4180) that a spreadsheet reads as data, whatever names they hold."""

import csv
import io
from collections.abc import Iterable, Sequence

# What a spreadsheet would take for the beginning of a formula, which can send what else it holds elsewhere
# (OWASP, "CSV injection").
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_csv(rows: Iterable[Sequence[str | float | None]]) -> str:
    """Rows as text; an apostrophe goes before text that could be taken for a formula.

    Args:
        rows: the titles first. Numbers stay as they are, none is an empty cell.
    """
    text = io.StringIO()
    csv.writer(text).writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def _harmless(cell: str | float | None) -> str | float | None:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
