"""Tables as text for papers and documents: LaTeX with booktabs, and Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from explorer.i18n import _

Cell = str | int | float | None

MAX_ROWS = 45  # of a LaTeX table on one page
MAX_LINE = 76  # characters of a row that fits into the lines of LaTeX's article class
WIDE = 20  # characters from which on a column breaks its lines if the row is too long
PADDING = 2  # characters between columns
LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''", "×": r"$\times$", "→": r"$\to$", "−": r"$-$", "–": "--", "—": "---",
    "·": r"$\cdot$", "⋯": r"$\cdots$", "…": r"\dots{}", "√": r"$\surd$", "≤": r"$\le$", "≥": r"$\ge$", "▾": "",
    "⌊": r"$\lfloor$", "⌋": r"$\rfloor$", "\n": " ", "\u00a0": "~",
}  # fmt: skip
LAST_OF_LATIN = 0x17F  # LaTeX knows the letters up to here without a package
MARKDOWN = str.maketrans({**{sign: f"\\{sign}" for sign in "\\`*_{}[]<>|~#$"}, "\n": " ", "\r": " "})


@dataclass(frozen=True, slots=True)
class WrittenTable:
    """A table.

    Attributes:
        caption: Caption, which also is the name of a worksheet.
        columns: Titles of the columns.
        rows: Rows; numbers are aligned to the right and None is an empty cell.
        total: Row of totals below a line; empty for none.
        notes: Sentences below the table.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    total: Sequence[Cell] = ()
    notes: Sequence[str] = field(default=())


def latex(tables: Sequence[WrittenTable]) -> str:
    r"""Returns tables as LaTeX, to be read into a document with ``\input``.

    A table that fits on a page floats. A longer one breaks across pages (package longtable).
    """
    head = _("% In the preamble: {packages}").format(packages=r"\usepackage{array,booktabs,longtable}")
    return "\n\n".join([head, *map(_latex_table, tables)]) + "\n"


def _latex_table(table: WrittenTable) -> str:
    is_long = len(table.rows) > MAX_ROWS
    format_of = _column_format(table)
    heading = [r"\toprule", _latex_row(table.columns), r"\midrule"]
    body = [_latex_row(list(map(written, row))) for row in table.rows]
    if table.total:
        body += [r"\midrule", _latex_row(list(map(written, table.total)))]
    body.append(r"\bottomrule")
    caption = rf"\caption{{{latex_text(table.caption)}}}"
    notes = [rf"\par\smallskip\noindent {latex_text(note)}" for note in table.notes]
    if is_long:
        lines = [
            r"{\footnotesize\setlength{\tabcolsep}{4pt}",
            rf"\begin{{longtable}}{{{format_of}}}",
            rf"{caption}\\",
            *heading,
            r"\endfirsthead",
            *heading,
        ]
        return "\n".join([*lines, r"\endhead", *body, r"\end{longtable}", *notes, "}"])
    lines = [
        r"\begin{table}",
        r"\centering",
        r"\footnotesize\setlength{\tabcolsep}{4pt}",
        caption,
        rf"\begin{{tabular}}{{{format_of}}}",
        *heading,
        *body,
    ]
    return "\n".join([*lines, r"\end{tabular}", *notes, r"\end{table}"])


def _column_format(table: WrittenTable) -> str:
    """Returns the format of the columns; where rows would be too long, wide columns of text break their lines."""
    rows = [table.columns, *(list(map(written, row)) for row in table.rows)]
    widths = [max(len(row[position]) for row in rows) + PADDING for position in range(len(table.columns))]
    numbers = [_is_number(table, position) for position in range(len(widths))]
    broken = [width > WIDE and not number for width, number in zip(widths, numbers, strict=True)]
    fixed = sum(width for width, breaks in zip(widths, broken, strict=True) if not breaks)
    if sum(widths) <= MAX_LINE or fixed >= MAX_LINE:
        return "".join("r" if number else "l" for number in numbers)
    share = (1 - fixed / MAX_LINE) / sum(width for width, breaks in zip(widths, broken, strict=True) if breaks)
    return "".join(
        rf">{{\raggedright\arraybackslash}}p{{{0.95 * share * width:.3f}\linewidth}}"
        if breaks
        else "r"
        if number
        else "l"
        for width, number, breaks in zip(widths, numbers, broken, strict=True)
    )


def _latex_row(cells: Sequence[str]) -> str:
    # Braces keep a bracket at the beginning from being read as an option of the row before.
    return (
        " & ".join(f"{{{latex_text(cell)}}}" if cell.startswith(("[", "*")) else latex_text(cell) for cell in cells)
        + r" \\"
    )


def latex_text(text: str) -> str:
    """Returns text with LaTeX's own characters escaped; characters that LaTeX lacks are question marks."""
    return "".join(
        LATEX.get(sign) or ("" if sign in LATEX else sign if ord(sign) <= LAST_OF_LATIN and sign.isprintable() else "?")
        for sign in text
    )


def markdown(tables: Sequence[WrittenTable]) -> str:
    """Returns tables as Markdown (GitHub's), each below its caption."""
    return "\n".join(map(_markdown_table, tables))


def _markdown_table(table: WrittenTable) -> str:
    sides = ["---:" if _is_number(table, position) else "---" for position in range(len(table.columns))]
    rows = [table.columns, *(list(map(written, row)) for row in table.rows)]
    if table.total:
        rows.append([f"**{markdown_text(text)}**" if (text := written(cell)) else "" for cell in table.total])
    lines = [_markdown_row(list(map(markdown_text, row))) for row in rows[: 1 + len(table.rows)]]
    lines += [_markdown_row(row) for row in rows[1 + len(table.rows) :]]
    lines.insert(1, _markdown_row(sides))
    notes = [f"\n{markdown_text(note)}" for note in table.notes]
    return "\n".join([f"**{markdown_text(table.caption)}**", "", *lines, *notes, ""])


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def markdown_text(text: str) -> str:
    """Returns text with Markdown's own characters escaped."""
    return text.translate(MARKDOWN)


def written(cell: Cell) -> str:
    """Returns the text of a cell; numbers are exact, with separators of thousands."""
    if isinstance(cell, float):
        return f"{cell:,.2f}"
    return cell if isinstance(cell, str) else "" if cell is None else f"{cell:,}"


def _is_number(table: WrittenTable, position: int) -> bool:
    return any(isinstance(row[position], int | float) for row in table.rows)
