"""How a page shows a network: what stands in the link beside the network itself."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from explorer.analysis import Precision, Term
from explorer.analysis.memory import MAX_BATCH
from explorer.errors import InputError
from explorer.specs.base import explain

NONE = "none"  # in a link: the empty list


def _split(value: object) -> object:
    if isinstance(value, str):
        return [] if value == NONE else value.split(".")
    return value


class View(BaseModel):
    """Settings of the Architecture page that don't change the network.

    ``flops`` are the terms that FLOPs count; ``table`` shows numbers or the formulas behind them; ``layer`` is the
    one that is shown close up.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: Annotated[int, Field(ge=1, le=MAX_BATCH)] = 32
    optimizer: Literal["sgd", "momentum", "adam"] = "momentum"
    precision: Precision = Precision.FP32
    flops: Annotated[tuple[Term, ...], BeforeValidator(_split)] = tuple(Term)
    table: Literal["numbers", "formulas"] = "numbers"
    layer: Annotated[str, Field(max_length=200)] = ""

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
        changed = {name: value for name, value in self if value != type(self).model_fields[name].default}
        return {
            name: (".".join(value) or NONE) if isinstance(value, tuple) else str(value)
            for name, value in changed.items()
        }


VIEW_FIELDS = frozenset(View.model_fields)
