"""Helpers for the tests of the Runs page."""

from functools import partial

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
    return list(app.dataframe[0].value["name"])


def buttons(app: AppTest) -> dict[str, bool]:
    """Returns the buttons, and whether they are enabled."""
    return {button.label: not button.disabled for button in app.button}
