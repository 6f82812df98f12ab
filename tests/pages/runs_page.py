"""Helpers for the tests of the Runs page."""

from functools import partial

import pandas as pd
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Element

from tests.pages import helpers

open_page = partial(helpers.open_page, "runs")


def words(app: AppTest) -> str:
    """Returns all texts of the page."""
    assert not app.exception
    kinds = ("markdown", "caption", "info", "success", "warning", "header", "code")
    texts = [element.value for kind in kinds for element in app.get(kind) if isinstance(element, Element)]
    return " ".join([*texts, *(part.proto.body for part in app.get("html"))]).replace("\\", "")


def names(app: AppTest) -> list[str]:
    return list(table(app)["name"])


def table(app: AppTest, *, texts: bool = False) -> pd.DataFrame:
    """Returns the values of the table of runs, or the texts in its cells."""
    data = helpers.component_data(app, "runs-table")
    rows = [[cell[texts] if isinstance(cell, list) else cell for cell in row["cells"]] for row in data["rows"]]
    return pd.DataFrame(rows, columns=[column["key"] for column in data["columns"]])


def buttons(app: AppTest) -> dict[str, bool]:
    """Returns the buttons, and whether they are enabled."""
    return {button.label: not button.disabled for button in app.button}
