"""How the Compare page shows the networks: what stands in the link beside them."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from explorer.errors import InputError
from explorer.specs.base import explain


class View(BaseModel):
    """Which number the stages show and how, which layers are listed, and those of which network beside the first's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    measure: Literal["params", "macs", "activation_bytes", "receptive_field"] = "params"
    draw: Literal["stage", "depth"] = "stage"
    layers: Literal["differences", "all"] = "differences"
    against: Literal["b", "c", "d"] = "b"

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
        return {name: value for name, value in self if value != type(self).model_fields[name].default}


VIEW_FIELDS = frozenset(View.model_fields)
