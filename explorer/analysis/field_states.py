"""The states of values while receptive fields are propagated."""

from dataclasses import dataclass

from explorer.analysis.fields import Axis
from explorer.analysis.trace import Op, Value


@dataclass(frozen=True, slots=True, eq=False)
class Local:
    """Receptive fields along rows and columns.

    Attributes:
        rows: Fields along the rows.
        columns: Fields along the columns.
        dims: The tensor's dimensions of rows and columns.
        gate: Name of the layer that pools the image for the first gate before, or of a norm with the mean of a map;
            empty without them. The fields leave them out.
    """

    rows: Axis
    columns: Axis
    dims: tuple[int, int]
    gate: str = ""


@dataclass(frozen=True, slots=True)
class Global:
    """Each unit may depend on the whole image.

    Attributes:
        cause: Name of the layer that mixes the units.
        alike: The tensor's dimensions along which all cells are the same, because one cell was expanded.
    """

    cause: str
    alike: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Unknown:
    """The field is not traced; ``cause`` names the first operator without a rule and its layer."""

    cause: str


State = Local | Global | Unknown | None
States = dict[Value, State]


def untraced(op: Op, location: str) -> Unknown:
    """Returns the state after an operator without a rule in a layer."""
    return Unknown(op.name if location == op.name else f"{op.name} ({location})")


def location_of(op: Op) -> str:
    """Returns the name of an operator's layer, or that of the operator outside layers."""
    return op.layer.name if op.layer else op.name
