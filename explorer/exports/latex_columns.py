"""Columns of a LaTeX table that fits into the lines of an article.

Widths are in em, estimated from the letters of Computer Modern. In the size footnotesize, a line of LaTeX's article
class has 38.9 em at least (with 10, 11 or 12 points), and in scriptsize 42.
"""

import re
from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

SIZES = {"footnotesize": 38.4, "scriptsize": 41.5}  # widths of a line
GAP = 0.71  # 6 points, from one column to the next
NARROW, WIDE = " .,:;'|!ijl()[]{}ftrI-/", "mwMW@%×→−≤≥"
PIECES = re.compile(r"(?<=[\s._/;])")  # a line can be broken behind these


class Columns(NamedTuple):
    r"""Columns of a table.

    Attributes:
        size: Name of the font size.
        form: Argument of ``tabular``.
        broken: Whether the lines of each column can be broken.
        stacked: Whether the words of each column's title are below each other.
        lines: Number of lines of all rows, about.
    """

    size: str
    form: str
    broken: list[bool]
    stacked: list[bool]
    lines: int


def lay_out(titles: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[bool]) -> Columns:
    """Returns columns that fit into a line, if the longest words do.

    Args:
        titles: Titles of the columns.
        rows: Texts of the cells.
        numbers: Whether each column has numbers: they are aligned to the right and never broken.
    """
    cells = [[row[place] for row in rows] for place in range(len(titles))]
    full = [max(map(width, [title, *texts])) for title, texts in zip(titles, cells, strict=True)]
    gaps = GAP * (len(titles) - 1)
    is_whole = sum(full) + gaps <= SIZES["footnotesize"]
    stacked = [number and not is_whole for number in numbers]
    least = full  # with nothing broken
    if not is_whole:
        full = [
            max([_longest(title), *map(width, texts)]) if number else own
            for title, texts, number, own in zip(titles, cells, numbers, full, strict=True)
        ]
        least = [
            own if number else max(map(_longest, [title, *texts]))
            for title, texts, number, own in zip(titles, cells, numbers, full, strict=True)
        ]
    size = next((size for size, line in SIZES.items() if sum(least) + gaps <= line), "scriptsize")
    spare, wanted = max(SIZES[size] - gaps - sum(least), 0), sum(full) - sum(least)
    # Each column gets its longest word, and of what is left a share by what it lacks.
    share = min(spare / wanted, 1) if wanted else 1
    widths = [word + share * (own - word) for own, word in zip(full, least, strict=True)]
    broken = [share < 1 and own > word for own, word in zip(full, least, strict=True)]
    form = "".join(
        "r" if number else rf">{{\raggedright\arraybackslash}}p{{{wide:.2f}em}}" if breaks else "l"
        for number, wide, breaks in zip(numbers, widths, broken, strict=True)
    )
    lines = sum(max(ceil(width(cell) / wide) for cell, wide in zip(row, widths, strict=True)) for row in rows)
    return Columns(size, form, broken, stacked, lines)


def width(text: str) -> float:
    """Returns the width of a text in em, about."""
    return sum(0.3 if sign in NARROW else 0.85 if sign in WIDE else 0.72 if sign.isupper() else 0.52 for sign in text)


def pieces(text: str) -> list[str]:
    """Returns the parts of a text between which a line can be broken."""
    return [part for part in PIECES.split(text) if part]


def _longest(text: str) -> float:
    return max(map(width, pieces(text)), default=0)
