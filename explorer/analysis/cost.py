"""What each layer computes: MACs, and FLOPs term by term.

MACs are multiply-accumulates of convolutions, linear layers and matrix products without bias: what the papers
call FLOPs. FLOPs are twice that, plus the terms below. docs/numbers.md states the conventions.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple, Self

from torch import nn

from explorer.analysis.operators import ACTIVATION, ELEMENTWISE, MOVES_DATA, MULTIPLIES, NORMALISATION
from explorer.analysis.receptive_field import geometry
from explorer.analysis.trace import Op, Row, Shape, count


class Term(StrEnum):
    """The parts that FLOPs are made of; every page and table lists them in this order."""

    MULTIPLY_ADD = "multiply_add"
    BIAS = "bias"
    NORMALISATION = "normalisation"
    ACTIVATION = "activation"
    POOLING = "pooling"
    ELEMENTWISE = "elementwise"


class Traffic(NamedTuple):
    """Bytes that a layer reads and writes for one image, each once: its weights, its inputs and its output."""

    weights: int = 0
    inputs: int = 0
    output: int = 0


@dataclass(slots=True)
class Cost:
    """Cost of one layer, or of several together, for one image.

    ``unknown`` names the operators for which we have no formula: their cost is missing from the others.
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
        """MACs for each byte read and written; None where none is."""
        moved = sum(self.traffic)
        return self.macs / moved if moved else None

    def add(self, term: Term, amount: int) -> None:
        """Count more of one term."""
        if amount:
            self.terms[term] = self.terms.get(term, 0) + amount

    @classmethod
    def sum(cls, costs: Iterable["Cost"]) -> Self:
        """The cost of several layers together."""
        total = cls()
        for cost in costs:
            total.macs += cost.macs
            total.unknown += cost.unknown
            total.traffic = Traffic(*map(sum, zip(total.traffic, cost.traffic, strict=True)))
            for term, amount in cost.terms.items():
                total.add(term, amount)
        return total

    def counting(self, terms: frozenset[Term]) -> Self:
        """The same cost with FLOPs of some terms only."""
        return replace(self, terms={term: amount for term, amount in self.terms.items() if term in terms})

    def to_dict(self) -> dict[str, Any]:
        """As ``analyze --json`` prints it."""
        terms = {str(term): amount for term, amount in self.terms.items()}
        return {
            "macs": self.macs,
            "flops": self.flops,
            "flops_terms": terms,
            "arithmetic_intensity": self.arithmetic_intensity,
        }


_NORMS = (nn.LocalResponseNorm, nn.LayerNorm, nn.GroupNorm, nn.modules.batchnorm._NormBase)


def cost(row: Row) -> Cost:
    """MACs, FLOPs and traffic of a layer."""
    total = Cost(traffic=traffic(row))
    for op in row.ops:
        _add(total, op, is_norm=isinstance(row.module, _NORMS))
    return total


def traffic(row: Row) -> Traffic:
    """Bytes that a layer reads and writes, in the precision of its tensors.

    A layer that hands its input on, or a view of it, moves nothing. What a layer keeps for itself while it runs, and
    buffers such as running means, are left out.
    """
    if all(_is_view(op) for op in row.ops):
        return Traffic()
    weights = {value.storage: value.bytes for op in row.ops for value in op.inputs if value.source == "parameter"}
    inputs = dict.fromkeys(row.inputs)  # what is multiplied by itself is read once
    return Traffic(sum(weights.values()), sum(value.bytes for value in inputs), row.output.bytes)


def _is_view(op: Op) -> bool:
    shared = any(value.storage == op.output.storage for value in op.inputs)
    return shared and not op.func._schema.is_mutable  # operators in place share their memory, but compute


def mult_adds(row: Row) -> int:
    """Mult-adds as torchinfo counts them since its pull request 318: a layer's weight and bias, each time it is used.

    A convolution uses them at every place of its output, a linear layer for every vector (each token, each cell of a
    map with the channels last), any other layer once an image. Only modules without children count, so what a module
    does with parameters of its own (attention's projections) is left out.
    """
    if row.module is None:
        return 0
    shape, kind = row.output.shape, type(row.module).__name__
    own = sum(parameter.numel() for name, parameter in row.module.named_parameters() if name in ("weight", "bias"))
    places = shape[2:] if "Conv" in kind else shape[1:-1] if "Linear" in kind else ()
    return own * count((shape[0] if "Linear" in kind else 1, *places))


def _add(total: Cost, op: Op, *, is_norm: bool) -> None:
    elements = count(op.output.shape)
    name = op.name
    if name in MULTIPLIES:
        macs, biases = math.prod(factors(op)), elements if _has_bias(op) else 0
        total.macs += macs
        total.add(Term.MULTIPLY_ADD, 2 * macs)
        total.add(Term.BIAS, biases)
    elif name in NORMALISATION:
        total.add(Term.NORMALISATION, NORMALISATION[name] * elements)
    elif name in ACTIVATION:
        total.add(Term.ACTIVATION, ACTIVATION[name] * elements)
    elif name in ELEMENTWISE:
        total.add(Term.NORMALISATION if is_norm else Term.ELEMENTWISE, ELEMENTWISE[name] * elements)
    elif name == "max_pool2d_with_indices":
        total.add(Term.POOLING, (_window(op) - 1) * elements)
    elif name == "avg_pool2d":
        total.add(Term.POOLING, _window(op) * elements)
    elif name == "avg_pool3d":  # inside LRN
        total.add(Term.NORMALISATION, op.args[1][0] * op.args[1][1] * op.args[1][2] * elements)
    elif name == "_adaptive_avg_pool2d":
        total.add(Term.POOLING, adaptive_reads(op.inputs[0].shape, op.output.shape))
    elif name == "mean":
        total.add(Term.POOLING, count(op.inputs[0].shape))
    elif name not in MOVES_DATA and name != "cat":
        total.unknown.append(name)


def factors(op: Op) -> tuple[int, ...]:
    """What the MACs of a convolution or matrix product are the product of, for one image.

    A convolution costs its kernel's cells times input channels (of one group) for each output element; a matrix
    product the inner dimension for each.
    """
    out = op.output.shape
    if op.name == "convolution":
        weight: Shape = op.args[1].shape
        return (*weight[2:], weight[1], *out[1:])
    first: Shape = op.args[1 if op.name in ("addmm", "baddbmm") else 0].shape
    return (*(size for size in out[:-1] if size != 1), first[-1], out[-1])


def _has_bias(op: Op) -> bool:
    return op.name == "addmm" or (op.name == "convolution" and op.args[2] is not None)


def _window(op: Op) -> int:
    return math.prod(kernel for kernel, *_rest in geometry(op) or [])


def adaptive_reads(before: Shape, after: Shape) -> int:
    """Cells that an adaptive pool reads: overlapping windows read some twice."""

    def along(size: int, units: int) -> int:
        return sum(-(-(unit + 1) * size // units) - unit * size // units for unit in range(units))

    return count(before[:-2]) * along(before[-2], after[-2]) * along(before[-1], after[-1])
