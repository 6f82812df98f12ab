"""Tables as text for papers and documents: LaTeX with booktabs, and Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from explorer.exports.latex_columns import lay_out, pieces
from explorer.i18n import _

Cell = str | int | float | None

MAX_LINES = 45  # of the rows of a LaTeX table on one page
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
    rows = [list(map(written, row)) for row in table.rows]
    totals = [list(map(written, table.total))] if table.total else []
    numbers = [_is_number(table, position) for position in range(len(table.columns))]
    columns = lay_out(table.columns, rows + totals, numbers)
    titles = [
        _stacked(title) if stacked else latex_text(title)
        for title, stacked in zip(table.columns, columns.stacked, strict=True)
    ]
    heading = [r"\toprule", " & ".join(titles) + r" \\", r"\midrule"]
    body = [_latex_row(row, columns.broken) for row in rows]
    if totals:
        body += [r"\midrule", _latex_row(totals[0], columns.broken)]
    body.append(r"\bottomrule")
    caption = rf"\caption{{{latex_text(table.caption)}}}"
    notes = [rf"\par\smallskip\noindent {latex_text(note)}" for note in table.notes]
    size = rf"\{columns.size}\setlength{{\tabcolsep}}{{3pt}}"
    form = f"{{@{{}}{columns.form}@{{}}}}"
    if columns.lines > MAX_LINES:
        lines = [rf"{{{size}", rf"\begin{{longtable}}{form}", rf"{caption}\\", *heading, r"\endfirsthead", *heading]
        return "\n".join([*lines, r"\endhead", *body, r"\end{longtable}", *notes, "}"])
    lines = [r"\begin{table}", r"\centering", size, caption, rf"\begin{{tabular}}{form}", *heading, *body]
    return "\n".join([*lines, r"\end{tabular}", *notes, r"\end{table}"])


def _stacked(title: str) -> str:
    words = r"\\".join(map(latex_text, title.split()))
    return rf"\shortstack[r]{{{words}}}"


def _latex_row(cells: Sequence[str], broken: Sequence[bool]) -> str:
    return " & ".join(_latex_cell(cell, breaks=breaks) for cell, breaks in zip(cells, broken, strict=True)) + r" \\"


def _latex_cell(cell: str, *, breaks: bool) -> str:
    text = r"\allowbreak{}".join(map(latex_text, pieces(cell))) if breaks else latex_text(cell)
    # Braces keep a bracket at the beginning from being read as an option of the row before.
    return f"{{{text}}}" if cell.startswith(("[", "*")) else text


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
