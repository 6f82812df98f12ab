"""MACs of each layer, and its FLOPs term by term.

MACs are multiply-accumulates of convolutions, linear layers and matrix products without bias; papers call them FLOPs.
Here FLOPs are twice the MACs plus the terms below. docs/numbers.md states the conventions.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple, Self

from torch import nn

from explorer.analysis.operators import ACTIVATION, ELEMENTWISE, MOVES_DATA, MULTIPLIES, NORMALISATION
from explorer.analysis.receptive_field import geometry
from explorer.analysis.trace import Op, Shape, TracedLayer


class Term(StrEnum):
    """The terms of FLOPs, in the order of every page and table."""

    MULTIPLY_ADD = "multiply_add"
    BIAS = "bias"
    NORMALISATION = "normalisation"
    ACTIVATION = "activation"
    POOLING = "pooling"
    ELEMENTWISE = "elementwise"


class Traffic(NamedTuple):
    """Bytes of a layer's weights, inputs and output for one image, each read or written once."""

    weights: int = 0
    inputs: int = 0
    output: int = 0


@dataclass(slots=True)
class Cost:
    """Cost of one or several layers for one image.

    ``unknown`` are the names of operators without a formula; the other attributes leave out their cost.
    """

    macs: int = 0
    terms: dict[Term, int] = field(default_factory=dict)
    traffic: Traffic = field(default_factory=Traffic)
    unknown: list[str] = field(default_factory=list)

    @property
    def flops(self) -> int:
        """Sum of the terms."""
        return sum(self.terms.values())

    @property
    def arithmetic_intensity(self) -> float | None:
        """MACs per byte read or written; None if there are no bytes."""
        moved = sum(self.traffic)
        return self.macs / moved if moved else None

    def add(self, term: Term, amount: int) -> None:
        """Adds an amount to one term."""
        if amount:
            self.terms[term] = self.terms.get(term, 0) + amount

    @classmethod
    def sum(cls, costs: Iterable["Cost"]) -> Self:
        """Returns the total cost of several layers."""
        total = cls()
        for cost in costs:
            total.macs += cost.macs
            total.unknown += cost.unknown
            total.traffic = Traffic(*map(sum, zip(total.traffic, cost.traffic, strict=True)))
            for term, amount in cost.terms.items():
                total.add(term, amount)
        return total

    def with_flops_of(self, terms: frozenset[Term]) -> Self:
        """Returns the same cost with only some terms of FLOPs."""
        return replace(self, terms={term: amount for term, amount in self.terms.items() if term in terms})

    def to_dict(self) -> dict[str, Any]:
        """Returns the part of the ``analyze --json`` document."""
        terms = {str(term): amount for term, amount in self.terms.items()}
        return {
            "macs": self.macs,
            "flops": self.flops,
            "flops_terms": terms,
            "arithmetic_intensity": self.arithmetic_intensity,
        }


_NORMS = (nn.LocalResponseNorm, nn.LayerNorm, nn.GroupNorm, nn.modules.batchnorm._NormBase)


def cost(layer: TracedLayer) -> Cost:
    """Returns MACs, FLOPs and traffic of a layer."""
    total = Cost(traffic=traffic(layer))
    for op in layer.ops:
        _add_operator(total, op, _elementwise_term(layer.module))
    return total


def _elementwise_term(module: nn.Module | None) -> Term:
    """Returns the term of sums and products of elements inside a module."""
    if isinstance(module, nn.Bilinear):
        return Term.BIAS
    return Term.NORMALISATION if isinstance(module, _NORMS) else Term.ELEMENTWISE


def traffic(layer: TracedLayer) -> Traffic:
    """Returns the bytes that a layer reads and writes, in the precision of its tensors.

    A layer that returns its input, or a view of it, has no traffic. Intermediate tensors inside a layer and buffers
    such as running means are left out.
    """
    if all(_is_view(op) for op in layer.ops):
        return Traffic()
    weights = {value.storage: value.bytes for op in layer.ops for value in op.inputs if value.source == "parameter"}
    inputs = dict.fromkeys(layer.inputs)  # a tensor that is multiplied by itself is read once
    return Traffic(sum(weights.values()), sum(value.bytes for value in inputs), layer.output.bytes)


def _is_view(op: Op) -> bool:
    shared = any(value.storage == op.output.storage for value in op.inputs)
    return shared and not op.func._schema.is_mutable  # in-place operators share memory but compute


def mult_adds(layer: TracedLayer) -> int:
    """Returns the mult-adds by torchinfo's rule since its pull request 318: weight and bias, for each use.

    A convolution uses them at every position of its output, a linear layer for every vector (each token, or each cell
    of a map with the channels last), any other layer once per image. Only modules without children count; parameters
    that a module with children uses itself (projections of attention) are left out.
    """
    if layer.module is None:
        return 0
    shape, kind = layer.output.shape, type(layer.module).__name__
    own = sum(parameter.numel() for name, parameter in layer.module.named_parameters() if name in ("weight", "bias"))
    places = shape[2:] if "Conv" in kind else shape[1:-1] if "Linear" in kind else ()
    return own * math.prod((shape[0] if "Linear" in kind else 1, *places))


def _add_operator(total: Cost, op: Op, elementwise: Term) -> None:
    elements = math.prod(op.output.shape)
    name = op.name
    if name == "native_batch_norm" and op.args[5]:  # computes mean and variance, as in an instance norm
        total.add(Term.NORMALISATION, NORMALISATION["native_group_norm"] * elements)
    elif name in MULTIPLIES:
        macs, biases = math.prod(mac_factors(op)), elements if _has_bias(op) else 0
        total.macs += macs
        total.add(Term.MULTIPLY_ADD, 2 * macs)
        total.add(Term.BIAS, biases)
        if name == "deform_conv2d":
            total.unknown.append(f"{name} (sampling)")  # the interpolation between the cells that it reads
    elif name in NORMALISATION:
        total.add(Term.NORMALISATION, NORMALISATION[name] * elements)
    elif name in ACTIVATION:
        total.add(Term.ACTIVATION, ACTIVATION[name] * elements)
    elif name in ELEMENTWISE:
        total.add(elementwise, ELEMENTWISE[name] * elements)
    elif name == "max_pool2d_with_indices":
        total.add(Term.POOLING, (_window(op) - 1) * elements)
    elif name == "avg_pool2d":
        total.add(Term.POOLING, _window(op) * elements)
    elif name == "avg_pool3d":  # inside LRN
        total.add(Term.NORMALISATION, op.args[1][0] * op.args[1][1] * op.args[1][2] * elements)
    elif name == "_adaptive_avg_pool2d":
        total.add(Term.POOLING, adaptive_pool_reads(op.inputs[0].shape, op.output.shape))
    elif name == "adaptive_max_pool2d":
        total.add(Term.POOLING, adaptive_pool_reads(op.inputs[0].shape, op.output.shape) - elements)
    elif name in ("mean", "sum", "amax", "amin", "max", "min", "argmax", "argmin", "prod"):
        total.add(Term.POOLING, math.prod(op.inputs[0].shape))
    elif name == "linalg_vector_norm":  # of each element that it reads: multiply, add
        total.add(Term.NORMALISATION, 2 * math.prod(op.inputs[0].shape))
    elif name in ("var", "std", "var_mean", "std_mean"):  # the mean, and of each element: subtract, square, add
        total.add(Term.NORMALISATION, 4 * math.prod(op.inputs[0].shape))
    elif name not in MOVES_DATA and name not in ("cat", "upsample_nearest2d"):
        total.unknown.append(name)


def mac_factors(op: Op) -> tuple[int, ...]:
    """Returns the factors of the MACs of a convolution or matrix product, for one image.

    A network may cut one image into several, and convolve them as a batch: then their number is a factor.
    For each output element, a convolution costs its kernel's cells times the input channels of a group. A transposed
    convolution costs its kernel's cells times the output channels of a group, for each input element. A matrix product
    costs its inner dimension for each output element. A deformable convolution costs as much as a convolution, and a
    bilinear layer one product for each weight.
    """
    out = op.output.shape
    if op.name == "deform_conv2d":
        kernels: Shape = op.args[1].shape
        return (*_images(out), *kernels[2:], kernels[1], *out[1:])
    if op.name == "_trilinear":
        weights: Shape = op.args[1].shape
        return (*(size for size in out[:-1] if size != 1), *weights[1:], weights[0])
    if op.name == "convolution":
        weight: Shape = op.args[1].shape
        transposed = op.args[6]
        return (*_images(out), *weight[2:], weight[1], *(op.args[0].shape if transposed else out)[1:])
    first: Shape = op.args[1 if op.name in ("addmm", "baddbmm") else 0].shape
    return (*(size for size in out[:-1] if size != 1), first[-1], out[-1])


def _images(shape: Shape) -> Shape:
    return shape[:1] if shape[0] != 1 else ()


def _has_bias(op: Op) -> bool:
    if op.name == "deform_conv2d":
        return bool(op.args[4].source != "constant")  # without bias, torchvision adds zeros
    return op.name == "addmm" or (op.name == "convolution" and op.args[2] is not None)


def _window(op: Op) -> int:
    return math.prod(kernel for kernel, *_rest in geometry(op) or [])


def adaptive_pool_reads(before: Shape, after: Shape) -> int:
    """Returns the number of cells that an adaptive pool reads; cells in overlapping windows count for each window."""

    def along(size: int, units: int) -> int:
        return sum(-(-(unit + 1) * size // units) - unit * size // units for unit in range(units))

    return math.prod(before[:-2]) * along(before[-2], after[-2]) * along(before[-1], after[-1])
