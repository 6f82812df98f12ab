"""The parts of a section of the Kernels page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from explorer.specs.link_text import ListText
from explorer.ui.page_state import PageFields

PREFIX = "kernels."


def widget_key(section: str, field: str) -> str:
    """Return the key of a field's widget."""
    return f"{PREFIX}{section}.{field}"


Cell = Annotated[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]], ListText(empty="empty", blanks=True)]
"""Row and column of a cell of the output; ``1.2`` in a link."""


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
        render: Function that renders the result.
    """

    name: str
    title: Callable[[], str]
    view: type[PageFields]
    controls: Callable[[], dict[str, Any]]
    compute: Callable[[Any], Any]
    render: Callable[..., None]
