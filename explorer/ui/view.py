"""How a page shows a network: what stands in the link beside the network itself."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo

from explorer.analysis import Precision, Term
from explorer.analysis.memory import MAX_BATCH
from explorer.errors import InputError
from explorer.specs.base import explain

NONE = "none"  # in a link: the empty list
SEPARATORS = {"flops": ".", "folded": "~"}  # of lists in a link; names of layers contain dots
MAX_FOLDED = 200


def _split(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str):
        return [] if value == NONE else list(filter(None, value.split(SEPARATORS[str(info.field_name)])))
    return value


def _in_order(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    return tuple(term for term in Term if term in terms)


Name = Annotated[str, Field(max_length=200)]


class View(BaseModel):
    """Settings of the Architecture page that don't change the network.

    ``flops`` are the terms that FLOPs count; ``layer`` is the one that is shown close up; ``colour``, ``detail`` and
    ``folded`` are the diagram's (:class:`explorer.drawing.looks.Look`); ``chart`` is what the bars show; ``table``
    shows numbers or the formulas behind them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: Annotated[int, Field(ge=1, le=MAX_BATCH)] = 32
    optimizer: Literal["sgd", "momentum", "adam"] = "momentum"
    precision: Precision = Precision.FP32
    flops: Annotated[tuple[Term, ...], BeforeValidator(_split), AfterValidator(_in_order)] = tuple(Term)
    layer: Name = ""
    colour: Literal["kind", "params", "macs", "activation_bytes", "field"] = "kind"
    detail: Literal["auto", "all", "stages"] = "auto"
    folded: Annotated[tuple[Name, ...], BeforeValidator(_split), Field(max_length=MAX_FOLDED)] = ()
    chart: Literal["params", "macs", "activation_bytes", "field"] = "field"
    table: Literal["numbers", "formulas"] = "numbers"

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
            name: (SEPARATORS[name].join(value) or NONE) if isinstance(value, tuple) else str(value)
            for name, value in changed.items()
        }


VIEW_FIELDS = frozenset(View.model_fields)
PICKED = frozenset(["layer", "folded"])  # chosen in the diagram, not by widgets of their own
