"""The formulas of the numbers, with their values: ``(3·3·64 + 1)·128 = 73,856``.

The left side is arithmetic (· for times, − for minus, floor for rounding down), so a test can evaluate it.
"""

from torch import nn

from explorer.analysis.cost import Cost, Term, adaptive_pool_reads, mac_factors
from explorer.analysis.field_states import Local, States
from explorer.analysis.fields import ClosedForm
from explorer.analysis.operators import MULTIPLIES
from explorer.analysis.receptive_field import geometry
from explorer.analysis.trace import TracedLayer
from explorer.i18n import _


def number(value: int) -> str:
    """Formats 12345 as 12,345."""
    return f"{value:,}"


def product(*mac_factors: int) -> str:
    """Formats factors as ``3·3·64``."""
    return "·".join(map(number, mac_factors))


def equation(left: str, value: int) -> str:
    """Returns ``left = value``, or only the value if both sides are equal."""
    return number(value) if left == number(value) else f"{left} = {number(value)}"


def parameters(layer: TracedLayer) -> str:
    """Returns the formula of a layer's number of parameters."""
    module = layer.module
    if not layer.parameters:
        return number(0)
    if isinstance(module, nn.Conv2d | nn.Linear):
        if isinstance(module, nn.Conv2d):
            inputs = product(*module.kernel_size, module.in_channels // module.groups)
            outputs = number(module.out_channels)
        else:
            inputs, outputs = number(module.in_features), number(module.out_features)
        left = f"{inputs}·{outputs}" if module.bias is None else f"({inputs} + 1)·{outputs}"
    elif len(set(layer.parameters)) == 1 < len(layer.parameters):
        left = product(len(layer.parameters), *layer.parameters[0])
    else:
        left = " + ".join(product(*shape) for shape in layer.parameters)
    return equation(left, layer.params)


def macs(layer: TracedLayer, cost: Cost) -> str:
    """Returns the formula of a layer's MACs for one image."""
    parts = [product(*mac_factors(op)) for op in layer.ops if op.name in MULTIPLIES]
    return equation(" + ".join(parts), cost.macs) if parts else number(0)


def flops(cost: Cost) -> str:
    """Returns the formula of FLOPs: twice the MACs, and the other terms by name."""
    parts = [
        f"2·{number(cost.macs)}" if term is Term.MULTIPLY_ADD else f"{number(cost.terms[term])} ({term_name(term)})"
        for term in Term
        if cost.terms.get(term)
    ]
    return equation(" + ".join(parts), cost.flops) if parts else number(0)


def term_name(term: Term) -> str:
    """Returns the name of a term of FLOPs."""
    return {
        Term.MULTIPLY_ADD: _("multiply-adds"),
        Term.BIAS: _("bias"),
        Term.NORMALISATION: _("normalisation"),
        Term.ACTIVATION: _("activation"),
        Term.POOLING: _("pooling"),
        Term.ELEMENTWISE: _("element-wise"),
    }[term]


def output_size(layer: TracedLayer) -> str:
    """Returns the formula of the height of a convolution's or pool's output."""
    for op in layer.ops:
        if windows := geometry(op):
            kernel, stride, padding, dilation = windows[0]
            size, out = op.inputs[0].shape[-2], op.output.shape[-2]
            reach = number(kernel) if dilation == 1 else f"({dilation}·({kernel} − 1) + 1)"
            ceil = op.name != "convolution" and out > (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
            rounding = "ceil" if ceil else "floor"
            return f"{rounding}(({number(size)} + 2·{padding} − {reach})/{stride}) + 1 = {number(out)}"
        if op.name in ("_adaptive_avg_pool2d", "adaptive_max_pool2d"):
            reads = adaptive_pool_reads(op.inputs[0].shape[-2:], op.output.shape[-2:])
            return _("{before} cells to {after}, {reads} reads").format(
                before=product(*op.inputs[0].shape[-2:]), after=product(*op.output.shape[-2:]), reads=number(reads)
            )
    return _("unchanged") if layer.inputs and layer.inputs[0].shape == layer.output.shape else ""


def activation_bytes(layer: TracedLayer, stored: int) -> str:
    """Returns the formula of the memory of a layer's output."""
    if not stored:
        return _("0, written over its input or a view of it")
    sizes = [size for size in layer.output.shape if size != 1]
    return equation(product(*sizes, layer.output.itemsize), stored)


def receptive_field(layer: TracedLayer, states: States) -> str:
    """Returns a step of the recursion: size + (kernel − 1)·stride (Araujo et al. 2019, equation 2)."""
    before, after, window = _step(layer, states)
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


def field_stride(layer: TracedLayer, states: States) -> str:
    """Returns the formula of the stride in the image: the product of all strides up to the layer."""
    before, after, window = _step(layer, states)
    if not before or not after:
        return ""
    return equation(product(before[0].stride, window[1]), after.stride) if window else number(after.stride)


def field_padding(layer: TracedLayer, states: States) -> str:
    """Returns the formula of the padding in the image: the sum of each padding times the stride before it."""
    before, after, window = _step(layer, states)
    if not before or not after:
        return ""
    if window:
        return equation(f"{number(before[0].padding)} + {product(window[2], before[0].stride)}", after.padding)
    return number(after.padding)


def _step(
    layer: TracedLayer, states: States
) -> tuple[list[ClosedForm], ClosedForm | None, tuple[int, int, int, int] | None]:
    """Returns the closed forms of the fields before and after a layer, and its window along the rows."""
    inputs = [states.get(value) for value in layer.inputs]
    before = [state.rows.closed_form for state in inputs if isinstance(state, Local) and state.rows.closed_form]
    state = states.get(layer.output)
    windows = next((found for op in layer.ops if (found := geometry(op))), None)
    return before, state.rows.closed_form if isinstance(state, Local) else None, windows[0] if windows else None
