"""The graph of an ONNX file: operators in order, with the shapes of their results.

A malicious file may control the process that reads it. So its answer is checked, and its fields have limits.
"""

import math
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_NODES = 10_000
MAX_SIDE = 2**40
MAX_ELEMENTS = 2**44  # of a map; PyTorch counts bytes in 63 bits
MAX_RANK = 16
MAX_VALUES = 1024  # whole numbers of a constant, such as the axes of a mean
MAX_FLOATS = 16  # other numbers of a constant, such as the limits of a clip

Name = Annotated[str, Field(max_length=500)]
Size = Annotated[int, Field(ge=0, le=MAX_SIDE)]
Shape = Annotated[tuple[Size, ...], Field(max_length=MAX_RANK)]
Integer = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
Numbers = Annotated[tuple[Integer | float, ...], Field(max_length=MAX_VALUES)]
Attribute = Name | Integer | float | Numbers


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Constant(_Part):
    """A tensor that the file contains.

    Attributes:
        shape: Shape.
        is_float: Whether it has floating-point numbers. Only then it can be a parameter.
        values: Numbers, if there are at most ``MAX_VALUES`` integers or ``MAX_FLOATS`` floats.
    """

    shape: Shape
    is_float: bool
    values: Numbers | None = None

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        if math.prod(self.shape) > MAX_ELEMENTS:
            raise ValueError("too many elements")
        return self


class Node(_Part):
    """One operator.

    Attributes:
        operator: Name of the operator; with its domain, unless the domain is ONNX's own.
        name: Name of the layer.
        inputs: Names of values; empty for an input that is left out.
        outputs: Names of values.
        attributes: Attributes whose values are numbers, lists of numbers or text.
        shapes: Shapes of the outputs; None if unknown.
        is_float: Whether the first output has floating-point numbers.
    """

    operator: Name
    name: Name
    inputs: Annotated[tuple[Name, ...], Field(max_length=1000)]
    outputs: Annotated[tuple[Name, ...], Field(min_length=1, max_length=1000)]
    attributes: dict[Name, Attribute]
    shapes: tuple[Shape | None, ...]
    is_float: bool

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        if any(math.prod(shape) > MAX_ELEMENTS for shape in self.shapes if shape is not None):
            raise ValueError("too many elements")
        return self


class Graph(_Part):
    """A network.

    Attributes:
        name: Name of the network.
        image: Name of the input.
        shape: Shape of one image as a batch, (1, C, H, W).
        nodes: Operators in the order of execution.
        constants: Tensors of the file by name.
        outputs: Names of the outputs.
        opset: Version of ONNX's own operators.
        batch: Batch size that is fixed in the file; None if it is free.
        are_channels_assumed: Whether the file does not declare the channels; the first convolution tells them.
    """

    name: Name
    image: Name
    shape: Annotated[tuple[Size, ...], Field(min_length=4, max_length=4)]
    nodes: Annotated[tuple[Node, ...], Field(max_length=MAX_NODES)]
    constants: dict[Name, Constant]
    outputs: tuple[Name, ...]
    opset: int
    batch: int | None
    are_channels_assumed: bool = False
