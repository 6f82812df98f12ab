"""Tables as CSV (RFC 4180) without text that a spreadsheet would read as a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

# First characters of formulas in a spreadsheet. A formula can send other cells to a server (OWASP, "CSV injection").
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_csv(rows: Iterable[Sequence[str | float | None]]) -> str:
    """Returns rows as CSV, with an apostrophe before text that could be a formula.

    Args:
        rows: Rows, with the titles first. Numbers are not changed, and None is an empty cell.
    """
    text = io.StringIO()
    csv.writer(text).writerows([_escape(cell) for cell in row] for row in rows)
    return text.getvalue()


def _escape(cell: str | float | None) -> str | float | None:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
