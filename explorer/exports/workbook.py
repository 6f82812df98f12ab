"""Tables as an Excel workbook (XLSX), a worksheet for each, without formulas."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from explorer.exports.written_table import Cell, WrittenTable, written

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

NOT_IN_TITLES = re.compile(r"[\[\]:*?/\\]")
NOT_IN_CELLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
MAX_TITLE = 31  # characters
MAX_WIDTH = 60  # characters of a column
START = datetime(1980, 1, 1, tzinfo=UTC).replace(tzinfo=None)  # where the times of a zip archive begin
MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")


def workbook(tables: Sequence[WrittenTable]) -> bytes:
    """Returns tables as the content of an XLSX file, which is the same every time.

    Numbers are numbers, and text is never a formula.
    """
    from openpyxl import Workbook  # imported here because only this format needs it

    book = Workbook()
    book.remove(book.worksheets[0])
    book.properties.creator = "CNN Architecture Explorer"
    book.properties.created = START
    for number, table in enumerate(tables, 1):
        title = NOT_IN_TITLES.sub(" ", table.caption).strip(" '")[:MAX_TITLE] or str(number)
        _fill(book.create_sheet(title), table)
    content = BytesIO()
    book.save(content)
    return _without_times(content)


def _fill(sheet: "Worksheet", table: WrittenTable) -> None:
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    bold = Font(bold=True)
    rows = [table.columns, *table.rows, *([table.total] if table.total else []), *([note] for note in table.notes)]
    for down, row in enumerate(rows, 1):
        for across, value in enumerate(row, 1):
            cell = sheet.cell(down, across)
            cell.value = NOT_IN_CELLS.sub("", value) if isinstance(value, str) else value
            if isinstance(value, str):
                cell.data_type = "s"  # a text that begins with an equals sign would become a formula
            elif isinstance(value, int):
                cell.number_format = "#,##0"
            if down == 1 or (table.total and down == len(table.rows) + 2):
                cell.font = bold
    sheet.freeze_panes = "B2"
    for position in range(len(table.columns)):
        sheet.column_dimensions[get_column_letter(position + 1)].width = _width(table, position)


def _width(table: WrittenTable, position: int) -> int:
    cells: list[Cell] = [table.columns[position], *(row[position] for row in table.rows)]
    return min(MAX_WIDTH, max(len(written(cell)) for cell in cells) + 2)


def _without_times(content: BytesIO) -> bytes:
    """Returns a workbook with fixed times, so that the same tables give the same file."""
    out = BytesIO()
    with ZipFile(content) as old, ZipFile(out, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "docProps/core.xml":
                data = MODIFIED.sub(rb"\g<1>" + f"{START.isoformat()}Z".encode(), data)
            new.writestr(ZipInfo(name, START.timetuple()[:6]), data, ZIP_DEFLATED)
    return out.getvalue()
