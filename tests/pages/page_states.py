"""Finds all pages with a state by the declarations of their states, and edits their widgets."""

import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

from streamlit.runtime.state.common import TESTING_KEY
from streamlit.testing.v1 import AppTest

from explorer import ui
from explorer.ui.page_state import PageState

KINDS = ("number_input", "toggle", "button_group", "selectbox", "text_input")
# Widgets that open another network, section or data set come last because they remove other widgets.
LAST = frozenset(["edit.preset", "kernels.show", "predict.view.show", "train.network", "train.dataset"])


@cache
def declared() -> dict[str, type[PageState]]:
    """Return the classes of the states of all pages, by the names of the pages."""
    for module in pkgutil.walk_packages(ui.__path__, f"{ui.__name__}."):
        import_module(module.name)
    return {state.PAGE: state for state in _subclasses(PageState) if hasattr(state, "PAGE")}


def _subclasses(parent: type[Any]) -> Iterator[type[PageState]]:
    for child in parent.__subclasses__():
        yield child
        yield from _subclasses(child)


def set_link(app: AppTest, link: dict[str, str]) -> None:
    """Set the link of the next run."""
    app.query_params.clear()
    for key, value in link.items():
        app.query_params[key] = value


def editable(app: AppTest, page: str) -> list[str]:
    """Return the keys of the page's visible widgets that can be edited."""
    prefixes = declared()[page].PREFIXES
    widgets = [widget for kind in KINDS for widget in getattr(app, kind)]
    keys = [widget.key for widget in widgets if widget.key and widget.key.startswith(prefixes) and not widget.disabled]
    return sorted(dict.fromkeys(keys), key=lambda key: key in LAST)


def edit(app: AppTest, key: str) -> AppTest:
    """Change the value of a widget, as a user would."""
    widget: Any = next(widget for kind in KINDS for widget in getattr(app, kind) if widget.key == key)
    match widget.type:
        case "number_input":
            widget.set_value((widget.value or 0) + 1)
        case "toggle":
            widget.set_value(not widget.value)
        case "text_input":
            widget.set_value(f"{widget.value}, 1" if "," in (widget.value or "") else "1")
        case "selectbox":
            _accept_labels(widget)
            widget.set_value(next(label for label in widget.options if label != widget.options[widget.index]))
        case "button_group":
            chosen = list(widget.formatted_values)
            _accept_labels(widget)
            other = next((label for label in widget.options if label not in chosen), None)
            widget.set_value(other if widget._is_single_select else chosen[1:] or [other])
    return app


def _accept_labels(widget: Any) -> None:
    """Let a test choose an option by its label, as a browser does. Some formatters of pages accept no labels."""
    formatters, options = widget.root.session_state[TESTING_KEY], set(widget.options)
    former = formatters[widget.id]
    formatters[widget.id] = lambda value: value if isinstance(value, str) and value in options else former(value)
