"""The base class of all specs: validation, limits, and errors that name rule, value and place."""

import json
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, NamedTuple, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from explorer.errors import InputError, SpecError, shown
from explorer.i18n import _
from explorer.specs.size import ImageSize, Size, height_width, typed_size

# Limits keep every analysis under two seconds; they are far above any published network.
MAX_IN_CHANNELS = 1024
MAX_CLASSES = 100_000
MAX_WIDTH = 16_384
MAX_HIDDEN = 65_536

StrictInt = Annotated[int, Field(strict=True)]
Width = Annotated[int, Field(strict=True, ge=1, le=MAX_WIDTH)]
Hidden = Annotated[int, Field(strict=True, ge=1, le=MAX_HIDDEN)]
Count = Annotated[int, Field(strict=True, ge=1, le=1000)]
Probability = Annotated[float, Field(strict=True, ge=0, lt=1, allow_inf_nan=False)]
Flag = StrictBool

PYDANTIC_TYPES = frozenset(get_args(ErrorType))  # error types whose messages pydantic writes


class Spec(BaseModel):
    """Frozen, hashable description of a network; equal specs build equal networks."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    family: str
    title: ClassVar[str]  # the family's name on pages
    position: ClassVar[int] = 100  # the family's place in lists
    any_channels: ClassVar[bool] = True  # whether the first layer takes images with any number of channels
    epsilon: ClassVar[float] = 1e-5  # epsilon of the batch norms; PyTorch's default
    in_channels: Annotated[int, Field(strict=True, ge=1, le=MAX_IN_CHANNELS)] = 3
    image_size: ImageSize = 224
    num_classes: Annotated[int, Field(strict=True, ge=1, le=MAX_CLASSES)] = 1000

    @classmethod
    def from_name(cls, name: str) -> Self | None:
        """The family's network with a name that is not a preset; None if there is no such network.

        Raises:
            SpecError: If the name breaks a rule.
        """
        del name
        return None

    @classmethod
    def from_layers(cls, text: str, current: "Spec") -> Self | None:
        """A network from a typed list of layers; None if the family reads no such lists.

        Args:
            text: List of layers.
            current: Network that supplies all other settings.

        Raises:
            SpecError: If the family reads such lists and the text is not one.
        """
        del text, current
        return None

    @property
    def own_name(self) -> str | None:
        """The name that :meth:`from_name` takes for this network, or for the one that it was made from."""
        return None

    def describe(self) -> str:
        """A description of the network for people who don't know its name."""
        return self.family

    def structure(self) -> list[object]:
        """The kinds of parts in their order, without widths."""
        return [self]

    def uncounted(self) -> frozenset[str]:
        """Fields that change no published count and no receptive field."""
        return frozenset()

    def without_auxiliary_heads(self) -> Self:
        """The same network without the heads that run only in training."""
        return self

    def at_size(self, size: int | Size) -> Self:
        """The same network for images of another size.

        Args:
            size: Size of the images in pixels.

        Raises:
            InputError: If the network can't take such images with the same weights.
        """
        return self.changed(image_size=size)

    def with_convolutional_head(self) -> Self:
        """The same network with its dense head as convolutions.

        Raises:
            InputError: If the network has no dense head, or its head reads another map than the last.
        """
        raise InputError(
            _("head: a {family} has no dense layers over a map; it takes images of any size already").format(
                family=self.family
            )
        )

    @property
    def sides(self) -> Size:
        """Height and width of the images in pixels."""
        return height_width(self.image_size)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        return (self.in_channels, *self.sides)

    @property
    def tensorflow_inputs(self) -> bool:
        """Whether torchvision's weights of the network expect pixels from -1 to 1, as weights from TensorFlow do."""
        return False

    @property
    def dense_map(self) -> tuple[int, Size] | None:
        """Channels and size of the map that the dense head reads; None if the network has another head."""
        return None

    @property
    def head_convolutions(self) -> int:
        """Number of convolutions in the head."""
        return 0

    @classmethod
    def parse(cls, data: dict[str, Any]) -> Self:
        """Validate a mapping, with error messages for users.

        Raises:
            SpecError: If a rule is broken; names rule, value and place of the first three faults.
        """
        if unknown := [key for key in data if key not in cls.model_fields]:
            raise SpecError(unknown_key(unknown[0], cls.model_fields))
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise SpecError(explain_all(error)) from None

    def to_dict(self) -> dict[str, Any]:
        """The spec as JSON-ready values, family first."""
        data = self.model_dump(mode="json")
        return {"family": data.pop("family"), **{key: data.pop(key) for key in own_fields(type(self))}, **data}

    def to_json(self) -> str:
        """The spec as one line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    def changed(self, **fields: Any) -> Self:
        """A validated copy with some fields replaced.

        Raises:
            SpecError: If the result breaks a rule.
        """
        return self.parse({**self.model_dump(mode="json"), **fields})

    def differences(self, other: "Spec") -> dict[str, Any]:
        """This network's values of the fields that differ from another network of the family."""
        theirs = other.to_dict()
        return {key: value for key, value in self.to_dict().items() if value != theirs.get(key)}


def read_size(text: str) -> int | Size:
    """The size of images as people type it: ``224`` or ``224x160``.

    Raises:
        InputError: If it breaks a rule; names the value and the rule.
    """
    try:
        return _TypedSize.model_validate({"image_size": typed_size(text)}).image_size
    except ValidationError as error:
        raise InputError(explain_all(error)) from None


class _TypedSize(BaseModel):
    image_size: ImageSize


class Preset(NamedTuple):
    """A named spec and its source.

    Attributes:
        name: Name of the preset.
        title: Name on pages.
        source: Paper, or the code that the network is taken from.
        spec: The network.
        twin: Name of torchvision's model with the same tensors; empty if there is none, None if the names are equal.
    """

    name: str
    title: str
    source: str
    spec: Spec
    twin: str | None = None


def own_fields(spec: type[Spec]) -> list[str]:
    """Names of the fields that only this family has, in the order of its class."""
    return [name for name in spec.model_fields if name not in Spec.model_fields]


def unknown_key(name: object, known: Iterable[str]) -> str:
    """The message about an unknown key, with the known key that it resembles."""
    word = isinstance(name, str) and name.isidentifier() and name.isascii() and len(name) < 40
    if word and (near := get_close_matches(str(name), known, n=1)):
        return _("{place}: unknown key; did you mean {name}?").format(place=name, name=near[0])
    return _("{place}: unknown key").format(place=name if word else shown(name))


def place(path: tuple[int | str, ...]) -> str:
    """The text of a path, counted from 1: ``("blocks", 1)`` is ``blocks, entry 2``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text = _("{list}, entry {number}").format(list=text, number=part + 1)
        else:
            text = f"{text}.{part}" if text else part
    return text


def _inside(inner: ErrorDetails, outer: ErrorDetails) -> bool:
    return len(inner["loc"]) > len(outer["loc"]) and inner["loc"][: len(outer["loc"])] == outer["loc"]


def explain_all(error: ValidationError) -> str:
    """The messages about the first three faults that pydantic found."""
    faults = error.errors()  # few, because lists stop at their first wrong item
    # pydantic also reports a list with a wrong item as too short: only the fault of the item counts.
    inner = [fault for fault in faults if not any(_inside(other, fault) for other in faults)]
    return "; ".join(map(explain, inner[:3]))


def explain(fault: ErrorDetails) -> str:
    """The message about a fault that pydantic found: place, value and rule."""
    where, got, limits = place(fault["loc"]), shown(fault["input"]), fault.get("ctx", {})
    match fault["type"]:
        case "missing":
            return _("{place}: this key is required").format(place=where)
        case "int_type" | "int_parsing" | "int_from_float":
            return _("{place}: {value} is not a whole number").format(place=where, value=got)
        case "bool_type" | "bool_parsing":
            return _("{place}: {value} is neither true nor false").format(place=where, value=got)
        case "float_type" | "finite_number":
            return _("{place}: {value} is not a number").format(place=where, value=got)
        case "string_too_short":
            return _("{place}: is empty").format(place=where)
        case "string_too_long":
            return _("{place}: {value} is longer than {limit} characters").format(
                place=where, value=got, limit=limits["max_length"]
            )
        case "enum":
            return _("{place}: {value} is not one of {expected}").format(
                place=where, value=got, expected=limits["expected"]
            )
        case "string_type" | "string_unicode":
            return _("{place}: {value} is not text").format(place=where, value=got)
        case "tuple_type":
            return _("{place}: {value} is not a list").format(place=where, value=got)
        case "literal_error":
            return _("{place}: {value} is not one of {expected}").format(
                place=where, value=got, expected=limits["expected"]
            )
        case "greater_than":
            return _("{place}: {value} is not above {limit:g}").format(place=where, value=got, limit=limits["gt"])
        case "greater_than_equal":
            return _("{place}: {value} is below the minimum, {limit}").format(
                place=where, value=got, limit=limits["ge"]
            )
        case "less_than_equal":
            return _("{place}: {value} is above the maximum, {limit:,}").format(
                place=where, value=got, limit=limits["le"]
            )
        case "less_than":
            return _("{place}: {value} is not below {limit}").format(place=where, value=got, limit=limits["lt"])
        case "too_short":
            return _("{place}: needs at least {limit} entries, has {count}").format(
                place=where, limit=limits["min_length"], count=limits["actual_length"]
            )
        case "too_long":
            return _("{place}: takes at most {limit} entries").format(place=where, limit=limits["max_length"])
        case "value_error":  # one of our rules, with its own message
            return f"{where}: {limits['error']}" if where else str(limits["error"])
        case "dict_type" | "model_type" | "model_attributes_type":
            return _("{place}: {value} is not an object with keys").format(place=where or _("the input"), value=got)
        case "json_invalid":
            return _("{place}: {value} is not JSON").format(place=where or _("the input"), value=got)
        case kind if kind not in PYDANTIC_TYPES:  # a PydanticCustomError of one of our checks
            return _("{place}: {problem}").format(place=where, problem=fault["msg"])
        case _:  # pydantic's own messages are not written for users
            return _("{place}: {value} is not a valid value here").format(place=where or _("the input"), value=got)
