"""What a section of the Kernels page consists of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from explorer.ui.link_settings import LinkSettings

PREFIX = "kernels."


def widget_key(section: str, setting: str) -> str:
    """The key under which a setting's widget keeps its value."""
    return f"{PREFIX}{section}.{setting}"


def _split(value: object) -> object:
    return value.split(".") if isinstance(value, str) else value


Cell = Annotated[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]], BeforeValidator(_split)]
"""Row and column of a cell of the output; ``1.2`` in a link."""


@dataclass(frozen=True, slots=True)
class Section:
    """One comparison: its settings, and how they are edited, worked out and shown.

    ``controls`` draws the widgets and gives their raw values; ``work`` is pure and raises an
    :class:`~explorer.errors.InputError` where settings don't go together; ``draw`` shows its result.
    """

    name: str
    title: Callable[[], str]
    settings: type[LinkSettings]
    controls: Callable[[], dict[str, Any]]
    work: Callable[[Any], Any]
    draw: Callable[..., None]
