"""Settings of a page that stand in its link: validated as a whole, written where they differ from the default."""

from enum import Enum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from explorer.errors import InputError
from explorer.specs.base import explain


class LinkSettings(BaseModel):
    """Base of such settings; every field can stand in the link."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def parse(cls, settings: dict[str, Any]) -> Self:
        """The settings that widgets hold, or the texts of a link.

        Raises:
            InputError: naming setting, value and rule.
        """
        try:
            return cls.model_validate(settings)
        except ValidationError as error:
            raise InputError(explain(error.errors()[0])) from None

    def to_link(self) -> dict[str, str]:
        """Query parameters of the settings that aren't the default."""
        fields = type(self).model_fields
        return {name: self.written(name, value) for name, value in self if value != fields[name].get_default()}

    def written(self, _name: str, value: object) -> str:
        """A setting's value as it stands in the link."""
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, tuple):
            return ".".join(map(str, value))
        return str(value.value if isinstance(value, Enum) else value)
