"""What a section of the Kernels page consists of."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from explorer.errors import InputError
from explorer.specs.base import explain

PREFIX = "kernels."


def widget_key(section: str, setting: str) -> str:
    """The key under which a setting's widget keeps its value."""
    return f"{PREFIX}{section}.{setting}"


class SectionSettings(BaseModel):
    """Settings of a section; every field can stand in the link."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def parse(cls, values: dict[str, Any]) -> Self:
        """The settings that widgets hold, or the texts of a link.

        Raises:
            InputError: naming setting, value and rule.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise InputError(explain(error.errors()[0])) from None

    def to_link(self) -> dict[str, str]:
        """Query parameters of the settings that aren't the default."""
        return {name: _written(value) for name, value in self if value != type(self).model_fields[name].get_default()}


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ".".join(map(str, value))
    return str(value.value if isinstance(value, Enum) else value)


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
    settings: type[SectionSettings]
    controls: Callable[[], dict[str, Any]]
    work: Callable[[Any], Any]
    draw: Callable[..., None]
