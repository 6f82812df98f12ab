"""Tables for papers, documents and spreadsheets, read by the programs that they are for."""

import re
from functools import cache
from io import BytesIO
from itertools import pairwise, product
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from explorer.analysis import analyse
from explorer.analysis.comparison import Comparison, compare
from explorer.exports import FORMATS
from explorer.exports.comparison_tables import COMPARISON_FORMATS
from explorer.exports.latex_columns import GAP, SIZES, lay_out, pieces, width
from explorer.exports.layer_tables import layer_tables
from explorer.exports.workbook import workbook
from explorer.exports.written_table import LATEX, WrittenTable, latex, markdown, written
from explorer.families import resolve
from tests.helpers.command import run
from tests.helpers.latex import compiled, needs_latex

NASTY = r"a_b & {c} $d$ \e #f %g ~h^ <i> |j| [k] *l* `m` é → × − – … 中"


@cache
def comparison() -> Comparison:
    return compare([analyse(resolve(name)) for name in ("lenet5", "googlenet", "mnist-fc")])


def sheets(content: bytes) -> list[Worksheet]:
    book = load_workbook(BytesIO(content))
    return [sheet for name in book.sheetnames if isinstance(sheet := book[name], Worksheet)]


def cells(sheet: Worksheet) -> list[list[object]]:
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def markdown_rows(text: str) -> list[list[str]]:
    """Rows of all tables, as a parser of Markdown reads them."""
    rows: list[list[str]] = []
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    for before, token in pairwise(tokens):
        if before.type == "tr_open":
            rows.append([])
        if before.type in {"td_open", "th_open"}:
            rows[-1].append("".join(child.content for child in token.children or []))
    return rows


@needs_latex
@pytest.mark.process
def test_latex_compiles_the_tables(tmp_path: Path) -> None:
    tables = [FORMATS["latex"].make(resolve(name)).decode() for name in ("lenet5", "googlenet", "vgg16")]
    tables.append(COMPARISON_FORMATS["latex"].make(comparison(), ["A_1", NASTY, "100% \\input"]).decode())
    tables.append(latex([WrittenTable("".join(LATEX), [NASTY, "[b]"], [["[x]", 1], ["*", 2.5]], notes=[NASTY])]))
    preamble = tables[0].splitlines()[0].partition(": ")[2]
    document = "\n\\clearpage\n".join(tables)
    pdf = compiled(
        f"\\documentclass{{article}}\n{preamble}\n\\begin{{document}}\n{document}\n\\end{{document}}", tmp_path
    )
    assert pdf.startswith(b"%PDF-")
    assert "Overfull" not in (tmp_path / "document.log").read_text(errors="replace")  # no line is wider than the text
    assert r"\begin{longtable}" in tables[1]
    assert r"138{,}" not in document


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "torchvision:mobilenet_v3_small"])
def test_rows_of_latex_are_no_longer_than_the_lines_of_an_article(name: str) -> None:
    (table, *_heads) = layer_tables(resolve(name))
    rows = [list(map(written, row)) for row in [*table.rows, table.total]]
    numbers = [isinstance(cell, int | float) for cell in table.rows[0]]
    columns = lay_out(table.columns, rows, numbers)
    whole = [max(width(row[place]) for row in rows) for place in range(len(numbers))]
    fixed = iter(re.findall(r"p\{([\d.]+)em\}", columns.form))
    shares = [float(next(fixed)) if breaks else own for breaks, own in zip(columns.broken, whole, strict=True)]
    assert sum(shares) + GAP * (len(shares) - 1) <= SIZES[columns.size] + 0.1
    assert columns.lines >= len(table.rows)
    for place, row in product(range(len(numbers)), rows):
        if columns.broken[place]:  # every word has room
            assert max(map(width, pieces(row[place])), default=0) <= shares[place] + 0.01


def test_markdown_is_read_as_the_numbers() -> None:
    heading, *rows, total = markdown_rows(FORMATS["markdown"].make(resolve("vgg16")).decode())
    assert rows[0][:5] == ["features.0", "Conv2d 3×3", "64×224×224", "1,792", "86,704,128"]
    assert (total[heading.index("Parameters")], total[heading.index("MACs")]) == ("138,357,544", "15,470,264,320")
    (nasty,) = markdown_rows(markdown([WrittenTable("", [NASTY], [])]))
    assert nasty == [NASTY]


def test_a_spreadsheet_has_the_numbers_as_numbers() -> None:
    layers, totals = sheets(content := FORMATS["xlsx"].make(resolve("googlenet")))
    heading, *rows = cells(layers)
    analysis = analyse(resolve("googlenet"))
    at = heading.index("parameters")
    numbers = [row[at] for row in rows if not row[heading.index("auxiliary")]]
    assert numbers == [layer.params for layer in analysis.layers]
    assert ["parameters", analysis.totals.params] in [row[:2] for row in cells(totals)]
    assert content == FORMATS["xlsx"].make(resolve("googlenet"))


def test_text_in_a_spreadsheet_is_no_formula() -> None:
    (sheet,) = sheets(workbook([WrittenTable("a/b?", ["=1+1"], [["=HYPERLINK(A1)"], ["\x00ok"]])]))
    assert [cell.data_type for (cell,) in sheet.iter_rows()] == ["s", "s", "s"]
    assert sheet["A3"].value == "ok"


def test_a_comparison_in_numbers() -> None:
    content = COMPARISON_FORMATS["xlsx"].make(comparison(), ["one", "two", "three"])
    totals, stages, second, third = map(cells, sheets(content))
    params = [network.totals.params for network in comparison().networks]
    assert totals[1][2:7] == [*params, params[1] - params[0], params[2] - params[0]]
    assert [sum(row[at] or 0 for row in stages if row[1] == "Parameters") for at in (2, 3, 4)] == params  # type: ignore[misc]
    assert [len(second) - 1, len(third) - 1] == [len(rows) for rows in comparison().rows]
    text = COMPARISON_FORMATS["markdown"].make(comparison(), ["one", "two", "three"]).decode()
    assert ["MACs", "416.52 k"] in [row[:2] for row in markdown_rows(text)]


def test_the_command_writes_a_comparison(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "c.xlsx"
    status, out, err = run(capsys, monkeypatch, "compare", "lenet5", "mnist-fc", "--format", "xlsx", "-o", str(file))
    assert (status, err, out.startswith(f"{file}: ")) == (0, "", True)
    assert [sheet.title for sheet in sheets(file.read_bytes())] == ["Totals", "Stages", "Layers of A and B"]
    _status, out, _err = run(capsys, monkeypatch, "compare", "lenet5", "mnist-fc", "--format", "latex")
    assert r"\toprule" in out
    for wrong in (["--format", "xlsx"], ["--format", "pdf"], ["-o", "x.tex"], ["--format", "latex", "--json"]):
        assert run(capsys, monkeypatch, "compare", "lenet5", "mnist-fc", *wrong)[0] == 2
