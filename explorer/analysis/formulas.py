"""The formula behind every number, filled in: ``(3·3·64 + 1)·128 = 73,856``.

The left side is plain arithmetic (with · for times, − for minus and floor for rounding down), so that a test
can evaluate it and compare.
"""

from torch import nn

from explorer.analysis.cost import Cost, Term, adaptive_reads, factors
from explorer.analysis.fields import Closed
from explorer.analysis.operators import MULTIPLIES
from explorer.analysis.receptive_field import Local, States, geometry
from explorer.analysis.trace import Row
from explorer.i18n import _


def number(value: int) -> str:
    """12345 as 12,345."""
    return f"{value:,}"


def product(*factors: int) -> str:
    """Factors as ``3·3·64``."""
    return "·".join(map(number, factors))


def equation(left: str, value: int) -> str:
    """``left = value``, or the value alone where the left side says no more."""
    return number(value) if left == number(value) else f"{left} = {number(value)}"


def parameters(row: Row) -> str:
    """How many parameters a layer has, from its hyperparameters."""
    module = row.module
    if not row.parameters:
        return number(0)
    if isinstance(module, nn.Conv2d):
        into = [module.in_channels] if module.groups == 1 else [module.in_channels // module.groups]
        cell = product(*module.kernel_size, *into)
        left = (
            f"({cell} + 1)·{number(module.out_channels)}"
            if module.bias is not None
            else (f"{cell}·{number(module.out_channels)}")
        )
    elif isinstance(module, nn.Linear):
        bias = module.bias is not None
        left = (
            f"({number(module.in_features)} + 1)·{number(module.out_features)}"
            if bias
            else (product(module.in_features, module.out_features))
        )
    elif len(set(row.parameters)) == 1 < len(row.parameters):
        left = product(len(row.parameters), *row.parameters[0])
    else:
        left = " + ".join(product(*shape) for shape in row.parameters)
    return equation(left, row.params)


def macs(row: Row, cost: Cost) -> str:
    """Multiply-accumulates for one image."""
    parts = [product(*factors(op)) for op in row.ops if op.name in MULTIPLIES]
    return equation(" + ".join(parts), cost.macs) if parts else number(0)


def flops(cost: Cost) -> str:
    """Twice the MACs, and the other terms by name."""
    parts = [
        f"2·{number(cost.macs)}" if term is Term.MULTIPLY_ADD else f"{number(cost.terms[term])} ({term_name(term)})"
        for term in Term
        if cost.terms.get(term)
    ]
    return equation(" + ".join(parts), cost.flops) if parts else number(0)


def term_name(term: Term) -> str:
    """A term of the FLOPs in words."""
    return {
        Term.MULTIPLY_ADD: _("multiply-adds"),
        Term.BIAS: _("bias"),
        Term.NORMALISATION: _("normalisation"),
        Term.ACTIVATION: _("activation"),
        Term.POOLING: _("pooling"),
        Term.ELEMENTWISE: _("element-wise"),
    }[term]


def output_size(row: Row) -> str:
    """Side of the map that a convolution or pool makes (the height where the sides differ)."""
    for op in row.ops:
        if windows := geometry(op):
            kernel, stride, padding, dilation = windows[0]
            size, out = op.inputs[0].shape[-2], op.output.shape[-2]
            reach = number(kernel) if dilation == 1 else f"({dilation}·({kernel} − 1) + 1)"
            ceil = op.name != "convolution" and out > (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
            rounding = "ceil" if ceil else "floor"
            return f"{rounding}(({number(size)} + 2·{padding} − {reach})/{stride}) + 1 = {number(out)}"
        if op.name == "_adaptive_avg_pool2d":
            reads = adaptive_reads(op.inputs[0].shape[-2:], op.output.shape[-2:])
            return _("{before} cells to {after}, {reads} reads").format(
                before=product(*op.inputs[0].shape[-2:]), after=product(*op.output.shape[-2:]), reads=number(reads)
            )
    return _("unchanged") if row.inputs and row.inputs[0].shape == row.output.shape else ""


def activation_bytes(row: Row, stored: int) -> str:
    """Memory of a layer's output."""
    if not stored:
        return _("0, written over its input or a view of it")
    sizes = [size for size in row.output.shape if size != 1]
    return equation(product(*sizes, row.output.itemsize), stored)


def receptive_field(row: Row, states: States) -> str:
    """The step of the recursion: size + (kernel − 1)·stride (Araujo et al. 2019, equation 2)."""
    before, after, window = _step(row, states)
    if not before or not after:
        return ""
    if window:
        kernel, _stride, _padding, dilation = window
        taps = f"({kernel} − 1)" if dilation == 1 else f"{dilation}·({kernel} − 1)"
        return equation(f"{number(before[0].size)} + {taps}·{number(before[0].stride)}", after.size)
    if len(before) > 1:
        return _("paths that see {paths} pixels see {together} together").format(
            paths=", ".join(number(closed.size) for closed in before), together=number(after.size)
        )
    return number(after.size)


def field_stride(row: Row, states: States) -> str:
    """Pixels of the image between neighbouring units: the strides so far, multiplied."""
    before, after, window = _step(row, states)
    if not before or not after:
        return ""
    return equation(product(before[0].stride, window[1]), after.stride) if window else number(after.stride)


def field_padding(row: Row, states: States) -> str:
    """Pixels by which the first unit's field hangs over the edge: each padding times the stride before it."""
    before, after, window = _step(row, states)
    if not before or not after:
        return ""
    if window:
        return equation(f"{number(before[0].padding)} + {product(window[2], before[0].stride)}", after.padding)
    return number(after.padding)


def _step(row: Row, states: States) -> tuple[list[Closed], Closed | None, tuple[int, int, int, int] | None]:
    """Fields before and after a layer, where both have a closed form, and its window along the rows."""
    reached = [states.get(value) for value in row.inputs]
    before = [state.rows.closed for state in reached if isinstance(state, Local) and state.rows.closed]
    state = states.get(row.output)
    windows = next((found for op in row.ops if (found := geometry(op))), None)
    return before, state.rows.closed if isinstance(state, Local) else None, windows[0] if windows else None
