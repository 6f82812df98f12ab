"""All pages with a state, found by its declaration, and edits of whatever widgets a page has."""

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
# What opens another network, section or data set is tried as the last: it takes other widgets away.
LAST = frozenset(["edit.preset", "kernels.show", "predict.view.show", "train.network", "train.dataset"])


@cache
def declared() -> dict[str, type[PageState]]:
    """The states of all pages, by the names of these."""
    for module in pkgutil.walk_packages(ui.__path__, f"{ui.__name__}."):
        import_module(module.name)
    return {state.PAGE: state for state in _below(PageState) if hasattr(state, "PAGE")}


def _below(kind: type[Any]) -> Iterator[type[PageState]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def give(app: AppTest, link: dict[str, str]) -> None:
    """The link with which the browser asks for the next run."""
    app.query_params.clear()
    for key, value in link.items():
        app.query_params[key] = value


def editable(app: AppTest, page: str) -> list[str]:
    """The keys of the declared widgets that are on the screen and can be edited."""
    prefixes = declared()[page].PREFIXES
    widgets = [widget for kind in KINDS for widget in getattr(app, kind)]
    keys = [one.key for one in widgets if one.key and one.key.startswith(prefixes) and not one.disabled]
    return sorted(dict.fromkeys(keys), key=lambda key: key in LAST)


def edit(app: AppTest, key: str) -> AppTest:
    """Give a widget another value, as a user would."""
    widget: Any = next(one for kind in KINDS for one in getattr(app, kind) if one.key == key)
    match widget.type:
        case "number_input":
            widget.set_value((widget.value or 0) + 1)
        case "toggle":
            widget.set_value(not widget.value)
        case "text_input":
            widget.set_value(f"{widget.value}, 1" if "," in (widget.value or "") else "1")
        case "selectbox":
            _by_words(widget)
            widget.set_value(next(words for words in widget.options if words != widget.options[widget.index]))
        case "button_group":
            chosen = list(widget.formatted_values)
            _by_words(widget)
            other = next((words for words in widget.options if words not in chosen), None)
            widget.set_value(other if widget._is_single_select else chosen[1:] or [other])
    return app


def _by_words(widget: Any) -> None:
    """Let a test choose an option by its words, as the browser does: not each formatter of a page takes them."""
    formatters, options = widget.root.session_state[TESTING_KEY], set(widget.options)
    former = formatters[widget.id]
    formatters[widget.id] = lambda value: value if isinstance(value, str) and value in options else former(value)
