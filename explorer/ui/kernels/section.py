"""What a section of the Kernels page consists of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from explorer.specs.link_text import ListText
from explorer.ui.page_state import PageFields

PREFIX = "kernels."


def widget_key(section: str, setting: str) -> str:
    """The key under which a setting's widget keeps its value."""
    return f"{PREFIX}{section}.{setting}"


Cell = Annotated[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]], ListText(empty="empty", blanks=True)]
"""Row and column of a cell of the output; ``1.2`` in a link."""


@dataclass(frozen=True, slots=True)
class Section:
    """One comparison: its settings, and how they are edited, worked out and shown.

    ``controls`` draws the widgets and gives their raw values; ``work`` is pure and raises an
    :class:`~explorer.errors.InputError` where settings don't go together; ``render`` shows its result.
    """

    name: str
    title: Callable[[], str]
    settings: type[PageFields]
    controls: Callable[[], dict[str, Any]]
    work: Callable[[Any], Any]
    render: Callable[..., None]
