"""A node of an ONNX file with its constants, and layers for operators that no module of PyTorch has."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from explorer.analysis.trace import UNKNOWN
from explorer.graphs import Constant, Node

Step = Callable[..., Any]
Parameter = Callable[[str, tuple[int, ...] | None], nn.Parameter]  # see Call.weight

# Operators with a float constant that is no weight.
WITHOUT_WEIGHTS = frozenset("Resize Upsample Pad OneHot ScatterND ScatterElements GatherND".split(" "))
# The places of weights that are whole numbers.
WHOLE_WEIGHTS = {"QLinearConv": (3,), "QLinearMatMul": (3,), "ConvInteger": (1,), "MatMulInteger": (1,)}


def _unknown(inputs: list[Tensor], shape: list[int], _name: str) -> Tensor:
    return inputs[0].new_empty(shape)


if not hasattr(torch.ops.explorer, "unknown"):  # Streamlit imports a module again when its file has changed
    torch.library.define(UNKNOWN, "(Tensor[] inputs, int[] shape, str name) -> Tensor")
    torch.library.impl(UNKNOWN, "default", _unknown)


class Operation(nn.Module):
    """A function of its inputs and of constant tensors, as a layer."""

    def __init__(self, function: Step, weights: Sequence[nn.Parameter] = ()) -> None:
        super().__init__()
        self.function = function
        for position, weight in enumerate(weights):
            self.register_parameter(f"weight{position or ''}", weight)

    def forward(self, *inputs: Tensor) -> Any:
        """Applies the function."""
        return self.function(*inputs)


def operation(kind: str, function: Step, weights: Sequence[nn.Parameter] = ()) -> nn.Module:
    """Returns a layer whose kind is the name of an operator."""
    made: nn.Module = type(kind, (Operation,), {})(function, weights)
    return made


class Call:
    """A node with its constants.

    Attributes:
        node: The node.
        constants: Constants of the file by name.
        attributes: Attributes of the node.
    """

    def __init__(
        self, node: Node, constants: dict[str, Constant], shapes: dict[str, tuple[int, ...]], parameter: Parameter
    ) -> None:
        """Takes a node, the constants of its file, the known shapes of other values, and a function for weights."""
        self.node, self.constants, self._shapes, self._parameter = node, constants, shapes, parameter
        self.attributes = node.attributes

    def constant(self, position: int) -> Constant | None:
        """Returns an input that is constant; None if it is not, or is left out."""
        inputs = self.node.inputs
        return self.constants.get(inputs[position]) if position < len(inputs) else None

    def shape(self, position: int) -> tuple[int, ...] | None:
        """Returns the shape of an input that is not constant; None if it is unknown."""
        return self._shapes.get(self.node.inputs[position])

    def weight(self, position: int, shape: tuple[int, ...] | None = None) -> nn.Parameter:
        """Returns a constant input as a parameter, in another shape if one is given; the same one for each use."""
        return self._parameter(self.node.inputs[position], shape)

    def has(self, position: int) -> bool:
        """Whether an input is given."""
        return position < len(self.node.inputs) and bool(self.node.inputs[position])

    def values(self, position: int, attribute: str = "") -> tuple[Any, ...] | None:
        """Returns the numbers of a constant input, or of the attribute that older versions have in its place."""
        if self.has(position):
            found = self.constant(position)
            return None if found is None else found.values
        listed = self.attributes.get(attribute)
        return listed if isinstance(listed, tuple) else None if listed is None else (listed,)

    def is_open(self, *positions: int) -> bool:
        """Whether one of these inputs is given, but its numbers are unknown."""
        return any(self.has(position) and self.values(position) is None for position in positions)

    def integer(self, name: str, default: int) -> int:
        """Returns an attribute that is a number."""
        value = self.attributes.get(name, default)
        return int(value) if isinstance(value, int | float) else default

    def integers(self, name: str, default: Sequence[int]) -> list[int]:
        """Returns an attribute that is a list of numbers."""
        value = self.attributes.get(name)
        return [int(one) for one in value] if isinstance(value, tuple) else list(default)


def count(constant: Constant) -> int:
    """Returns the number of elements of a constant."""
    return torch.Size(constant.shape).numel()


def with_constants(call: Call, kind: str, function: Step) -> nn.Module:
    """Returns a layer for a function of all inputs of a node, in their order, some of which may be constant."""
    fixed: dict[int, Tensor] = {}
    for position in range(len(call.node.inputs)):
        found = call.constant(position)
        if found is not None and found.is_float and count(found) > 1:
            fixed[position] = call.weight(position)
        elif found is not None:
            fixed[position] = torch.empty(found.shape, device="meta")
    parameters = [tensor for tensor in fixed.values() if isinstance(tensor, nn.Parameter)]

    def run(*inputs: Tensor) -> Any:
        others = iter(inputs)
        places = range(len(fixed) + len(inputs))
        return function(*(fixed[place] if place in fixed else next(others) for place in places))

    return operation(kind, run, parameters)


def weights(call: Call) -> list[nn.Parameter]:
    """Returns the constants of an operator without a rule that may be weights: tensors of floating-point numbers."""
    whole = WHOLE_WEIGHTS.get(call.node.operator, ())
    found = {
        name: call.weight(position)
        for position, name in enumerate(call.node.inputs)
        if (constant := call.constant(position)) is not None
        and (constant.is_float or position in whole)
        and count(constant) > 1
    }
    return [] if call.node.operator in WITHOUT_WEIGHTS else list(found.values())


def unknown(call: Call) -> nn.Module:
    """Returns a layer for an operator without a rule; its outputs have the shapes of the file."""
    shapes = [list(shape) for shape in call.node.shapes if shape is not None]

    def run(*inputs: Tensor) -> Any:
        results = tuple(torch.ops.explorer.unknown(inputs, shape, call.node.operator) for shape in shapes)
        return results if len(results) > 1 else results[0]

    return operation(call.node.operator, run, weights(call))
