"""The parts of a section: an experiment with fields, which the Kernels page and lessons show."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

import streamlit as st
from pydantic import Field

from explorer.i18n import _
from explorer.specs.link_text import ListText
from explorer.ui.page_state import PageFields

PREFIX = "kernels."

# Names of the fields whose widgets are rendered; None for all.
_rendered: ContextVar[frozenset[str] | None] = ContextVar("rendered", default=None)


def widget_key(section: str, field: str) -> str:
    """Return the key of a field's widget."""
    return f"{PREFIX}{section}.{field}"


@contextmanager
def only(fields: Iterable[str] | None) -> Iterator[None]:
    """In the block, sections render the widgets of these fields alone. None for all fields."""
    token = _rendered.set(None if fields is None else frozenset(fields))
    try:
        yield
    finally:
        _rendered.reset(token)


def is_rendered(name: str) -> bool:
    """Whether the widget of a field is to be rendered."""
    fields = _rendered.get()
    return fields is None or name in fields


def value(section: str, name: str) -> Any:
    """Return the value of a field whose widget is not rendered."""
    current = st.session_state[widget_key(section, name)]
    return int(current) if isinstance(current, float) and current.is_integer() else current


Cell = Annotated[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]], ListText(empty="empty", blanks=True)]
"""Row and column of a cell of the output; ``1.2`` in a link."""


class Fact(NamedTuple):
    """A number with its formula."""

    label: str
    value: str
    formula: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A section: one comparison with its fields.

    Attributes:
        name: Name in links.
        title: Function that returns the title.
        view: Class of the fields.
        controls: Function that renders the widgets and returns their raw values.
        compute: Pure function that computes the result from the fields. It raises
            :class:`~explorer.errors.InputError` if the values of several fields contradict each other.
        render: Function that renders the result. With ``numbers=False`` it renders the figures alone.
        figures: Function that returns the figures of the result as SVG, for a saved file.
        numbers: Function that returns the numbers of the result, for a saved file.
        labels: Function that returns the labels of the fields that have a widget, by name.
        is_complete: Whether a result is there, and not only the request for one.
        page: Name of the page that has the same experiment; empty if there is none.
        link: Function that returns the query parameters of that page for these fields.
        words: Function that returns the titles of the values of fields with a list of choices, by name and value.
    """

    name: str
    title: Callable[[], str]
    view: type[PageFields]
    controls: Callable[[], dict[str, Any]]
    compute: Callable[[Any], Any]
    render: Callable[..., None]
    figures: Callable[..., list[str]] = field(default=lambda _result, dark: [])  # noqa: ARG005
    numbers: Callable[[Any], list[Fact]] = field(default=lambda _result: [])
    labels: Callable[[], dict[str, str]] = field(default=dict)
    is_complete: Callable[[Any], bool] = field(default=lambda _result: True)
    page: str = "kernels"
    link: Callable[[Any], Mapping[str, str]] | None = None
    words: Callable[[], Mapping[str, Mapping[str, str]]] = field(default=dict)

    def settings(self, view: PageFields) -> dict[str, str]:
        """Return the values of the fields with a widget as the widgets show them, by their labels."""
        words = self.words()
        return {label: _written(getattr(view, name), words.get(name, {})) for name, label in self.labels().items()}

    def page_link(self, view: PageFields) -> dict[str, str]:
        """Return the query parameters of the page that shows the same experiment."""
        return {"show": self.name, **view.to_link()} if self.link is None else dict(self.link(view))


def _written(value: object, words: Mapping[str, str]) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return words.get(str(value), str(value))
