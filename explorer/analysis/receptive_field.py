"""Receptive fields of all layers, propagated over the traced graph.

Every value has one of four states: :class:`Local` (units depend on known rows and columns of the image),
:class:`Global` (each unit may depend on the whole image, after global pooling or flatten), :class:`Unknown`
(after an operator without a rule), or None (the value depends only on parameters).

A squeeze-and-excitation gate sees the whole image and only scales channels. So fields go through it without the gate,
and the state says which layer pools the image for it. The mean and variance of a group norm are the same.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from explorer.analysis import enlarging, fields
from explorer.analysis.fields import Axis
from explorer.analysis.operators import ACTIVATION, ELEMENTWISE
from explorer.analysis.trace import Op, Shape, Trace, TracedLayer, Value
from explorer.families.meta_shapes import pair


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
    """Each unit may depend on the whole image; ``cause`` is the name of the layer that mixes the units."""

    cause: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The field is not traced; ``cause`` names the first operator without a rule and its layer."""

    cause: str


State = Local | Global | Unknown | None
States = dict[Value, State]

SAME_PLACE = "clone contiguous _to_copy alias dropout copy channel_shuffle native_channel_shuffle".split(" ")
POINTWISE = frozenset([*ELEMENTWISE, *ACTIVATION, *SAME_PLACE]) - {"_softmax", "_safe_softmax", "_log_softmax"}

# Operators that take only the shape of a tensor.
LIKE = frozenset(
    "empty_like zeros_like ones_like full_like rand_like randn_like randint_like new_empty new_zeros new_ones "
    "new_full".split(" ")
)


def propagate(trace: Trace) -> States:
    """Returns the state of every value of the graph."""
    _batch, _channels, height, width = trace.image.shape
    rows = fields.input_axis(height)
    columns = rows if width == height else fields.input_axis(width)
    states: States = {trace.image: Local(rows, columns, (2, 3))}
    for op in trace.ops:
        layer = op.layer
        if layer is not None and (rule := _module_rule(layer)) is not None:
            if op is layer.ops[-1]:
                state = rule(layer, states)
                states.update(dict.fromkeys(op.outputs, state))
                states[layer.output] = state
            continue
        states.update(_operator_states(op, states))
    return states


def misalignment(state: State) -> float | bool | None:
    """Returns the pixels between the centres of joined paths; None if strides differ, False if the paths line up."""
    if not isinstance(state, Local):
        return False
    offsets = {state.rows.offset, state.columns.offset}
    if None in offsets:
        return None
    return max(float(offset or 0) for offset in offsets) or False


# Modules


def _module_rule(layer: TracedLayer) -> Callable[[TracedLayer, States], State] | None:
    # PyTorch computes LRN, which works across channels, with 3-d pooling, and reshapes maps with channels last twice
    # for a linear layer. A rule for the module is simpler than rules for these operators.
    if isinstance(layer.module, nn.LocalResponseNorm):
        return _same
    return _linear if isinstance(layer.module, nn.Linear) else None


def _same(layer: TracedLayer, states: States) -> State:
    return states.get(layer.inputs[0])


def _linear(layer: TracedLayer, states: States) -> State:
    # A linear layer mixes only the last dimension: rows and columns in other dimensions stay as they are.
    state, shape = states.get(layer.inputs[0]), layer.inputs[0].shape
    return Global(layer.name) if isinstance(state, Local) and max(state.dims) == len(shape) - 1 else state


# Operators


def _operator_states(op: Op, states: States) -> States:
    inputs = [states.get(value) for value in op.inputs]
    if op.name in LIKE:
        return dict.fromkeys(op.outputs)
    if op.name == "convolution":  # weights and bias do not depend on pixels
        inputs = inputs[:1]
    lost = next((state for state in inputs if isinstance(state, Unknown)), None)
    if lost is None and op.name == "mul" and (gated := _gated(op, inputs)):
        return dict.fromkeys(op.outputs, gated)
    present = [state for state in inputs if state is not None]
    if not present:
        return dict.fromkeys(op.outputs)
    state: State
    location = op.layer.name if op.layer else op.name
    if lost:
        state = lost
    elif any(isinstance(one, Global) for one in present):
        state = next(one for one in present if isinstance(one, Global))
    else:
        local = [one for one in present if isinstance(one, Local)]
        rule = _OPERATORS.get(op.name) or (_join if op.name in POINTWISE else None)
        state = rule(op, local, location) if rule else _untraced(op, location)
        gate = next((one.gate for one in local if one.gate), "")
        if gate and isinstance(state, Local) and not state.gate:
            state = replace(state, gate=gate)
    return dict.fromkeys(op.outputs, state)


def _gated(op: Op, inputs: list[State]) -> Local | None:
    """Returns the field of a map that is multiplied by one factor per channel, computed from the whole image."""
    if len(inputs) != 2:
        return None
    for (scaled, state), (factor, other) in (pairs := list(zip(op.inputs, inputs, strict=True)), pairs[::-1]):
        if (
            isinstance(state, Local)
            and isinstance(other, Global)
            and len(factor.shape) == len(scaled.shape)
            and all(factor.shape[dim] == 1 for dim in state.dims)
            and op.output.shape == scaled.shape
        ):
            return state if state.gate else replace(state, gate=other.cause)
    return None


def _untraced(op: Op, location: str) -> Unknown:
    return Unknown(op.name if location == op.name else f"{op.name} ({location})")


def _with_axes(state: Local, rows: Axis, columns: Axis | None = None) -> Local:
    return Local(rows, rows if columns is None else columns, state.dims)


def _windowed(state: Local, shape: Shape, per_axis: list[tuple[int, ...]]) -> Local:
    """Applies a window to both axes; if the axes are equal, only once."""
    (height, width), (down, across) = shape[-2:], per_axis
    rows = fields.apply_window(state.rows, height, *down)
    if state.columns is state.rows and down == across and height == width:
        return _with_axes(state, rows)
    return _with_axes(state, rows, fields.apply_window(state.columns, width, *across))


def _nchw(op: Op, state: Local) -> bool:
    return len(op.inputs[0].shape) == 4 and state.dims == (2, 3)


def geometry(op: Op) -> list[tuple[int, int, int, int]] | None:
    """Returns (kernel, stride, padding, dilation) of a convolution's or pool's windows, down and across."""
    match op.name:
        case "convolution" if not op.args[6] and len(op.args[1].shape) == 4:
            kernel, stride, padding, dilation = op.args[1].shape[2:], op.args[3], op.args[4], op.args[5]
        case "max_pool2d_with_indices" | "avg_pool2d":
            arguments = [*op.args[1:], None, None, None]
            kernel = arguments[0]
            stride, padding = arguments[1] or kernel, arguments[2] or 0
            dilation = (arguments[3] or 1) if op.name == "max_pool2d_with_indices" else 1
        case _:
            return None
    return list(zip(pair(kernel), pair(stride), pair(padding), pair(dilation), strict=True))


def _window(op: Op, states: list[Local], location: str) -> State:
    if op.name == "convolution" and op.args[6]:
        return _enlarged(op, states, location)
    windows = geometry(op)
    if windows is None or not _nchw(op, states[0]):
        return _untraced(op, location)
    return _windowed(states[0], op.output.shape, list(windows))


def _enlarged(op: Op, states: list[Local], location: str) -> State:
    """Applies a transposed convolution, an interpolation or a shuffle of pixels."""
    if not _nchw(op, states[0]):
        return _untraced(op, location)
    if windows := enlarging.windows(op):
        return _windowed(states[0], op.output.shape, list(windows))
    reads = enlarging.reads(op)
    if reads is None:
        return _untraced(op, location)
    return _with_axes(states[0], *map(fields.gather, (states[0].rows, states[0].columns), reads))


def _channel_pool(op: Op, states: list[Local], location: str) -> State:
    """Keeps rows and columns through a 3-d pool along the channels alone, as exporters write local response norm."""
    rank = len(op.inputs[0].shape)
    _depth, *window = _triple(op.args[1])
    _depth_stride, *stride = _triple(op.args[2] or op.args[1])
    _depth_padding, *padding = _triple(op.args[3] if len(op.args) > 3 else 0)
    along = window == [1, 1] and stride == [1, 1] and padding == [0, 0] and states[0].dims == (rank - 2, rank - 1)
    return states[0] if along else _untraced(op, location)


def _triple(value: Any) -> list[int]:
    entries = list(value) if isinstance(value, list | tuple) else [value]
    return entries if len(entries) == 3 else entries[:1] * 3


def _map_norm(op: Op, states: list[Local], location: str) -> State:
    has_own_mean = op.name != "native_batch_norm" or op.args[5]
    return replace(states[0], gate=states[0].gate or location) if has_own_mean else states[0]


def _adaptive(op: Op, states: list[Local], location: str) -> State:
    if not _nchw(op, states[0]):
        return _untraced(op, location)
    height, width = op.output.shape[-2:]
    if (height, width) == (1, 1):
        return Global(location)
    rows = fields.apply_adaptive_pool(states[0].rows, height)
    return _with_axes(states[0], rows, fields.apply_adaptive_pool(states[0].columns, width))


def _layer_norm(op: Op, states: list[Local], location: str) -> State:
    mixed = len(op.inputs[0].shape) - len(op.args[1])
    return _map_norm(op, states, location) if max(states[0].dims) >= mixed else states[0]


def _mean(op: Op, states: list[Local], location: str) -> State:
    shape = op.inputs[0].shape
    dims = {dim % len(shape) for dim in op.args[1]} if len(op.args) > 1 and op.args[1] else set(range(len(shape)))
    pooled = dims & set(states[0].dims)
    if not pooled:
        if len(op.output.shape) == len(shape):
            return states[0]
        down, across = (dim - sum(gone < dim for gone in dims) for dim in states[0].dims)
        return Local(states[0].rows, states[0].columns, (down, across))
    return Global(location) if pooled == set(states[0].dims) else _untraced(op, location)


def _join(op: Op, states: list[Local], location: str) -> State:
    if len({state.dims for state in states}) > 1 or len({(s.rows.units, s.columns.units) for s in states}) > 1:
        return _untraced(op, location)
    if len(states) == 1:
        return states[0]
    rows = fields.join([state.rows for state in states])
    if all(state.columns is state.rows for state in states):
        return _with_axes(states[0], rows)
    return _with_axes(states[0], rows, fields.join([state.columns for state in states]))


def _cat(op: Op, states: list[Local], location: str) -> State:
    dim = (op.args[1] if len(op.args) > 1 else 0) % len(op.inputs[0].shape)
    return _untraced(op, location) if dim in states[0].dims else _join(op, states, location)


def _slice(op: Op, states: list[Local], _where: str) -> State:
    arguments = list(op.args[1:])
    dim, start, end, step = arguments + [0, None, None, 1][len(arguments) :]
    shape, state = op.inputs[0].shape, states[0]
    if dim % len(shape) not in state.dims:
        return state
    size = shape[dim % len(shape)]
    start, end, _step = slice(start, end).indices(size)
    if dim % len(shape) == state.dims[0]:
        return Local(fields.slice_axis(state.rows, start, end, step), state.columns, state.dims)
    rows, columns = state.rows, fields.slice_axis(state.columns, start, end, step)
    if len(rows.first) == len(columns.first) and rows.closed_form == columns.closed_form:
        columns = rows  # x[:, :, ::2, ::2] is two slices, after which rows and columns are equal again
    return Local(rows, columns, state.dims)


def _softmax(op: Op, states: list[Local], where: str) -> State:
    """The sum over channels, in segmentation, moves no rows and columns."""
    dim = op.args[1] % len(op.output.shape)
    return Global(where) if dim in states[0].dims else states[0]


def _pad(op: Op, states: list[Local], _where: str) -> State:
    state, rank, amounts = states[0], len(op.inputs[0].shape), list(op.args[1])
    sides = {rank - 1 - i // 2: (amounts[i], amounts[i + 1]) for i in range(0, len(amounts), 2)}
    down, across = (sides.get(dim, (0, 0)) for dim in state.dims)
    if not any((*down, *across)):
        return state
    return Local(fields.pad(state.rows, *down), fields.pad(state.columns, *across), state.dims)


def _permute(op: Op, states: list[Local], _where: str) -> State:
    rank = len(op.inputs[0].shape)
    if op.name == "permute":
        order = [dim % rank for dim in op.args[1]]
    else:
        order = list(range(rank))
        one, other = (0, rank - 1) if op.name == "t" else (op.args[1] % rank, op.args[2] % rank)
        order[one], order[other] = order[other], order[one]
    down, across = (order.index(dim) for dim in states[0].dims)
    return Local(states[0].rows, states[0].columns, (down, across))


def _view(op: Op, states: list[Local], location: str) -> State:
    """Keeps rows and columns that are still dimensions after a reshape; a flatten makes the field global."""
    before, after = op.inputs[0].shape, op.output.shape
    down, across = states[0].dims
    place = {math.prod(after[:dim]): dim for dim in reversed(range(len(after)))}
    new_down, new_across = place.get(math.prod(before[:down])), place.get(math.prod(before[:across]))
    while new_down is not None and new_down < len(after) - 1 and after[new_down] == 1 != before[down]:
        new_down += 1
    if (
        new_down is not None
        and new_across is not None
        and new_down != new_across
        and after[new_down] == before[down]
        and after[new_across] == before[across]
    ):
        return Local(states[0].rows, states[0].columns, (new_down, new_across))
    return Global(location) if len(after) == 2 else _untraced(op, location)


def _split(op: Op, states: list[Local], location: str) -> State:
    rank = len(op.inputs[0].shape)
    position = 2 if op.name.startswith(("split", "unsafe_split", "chunk")) else 1
    dim = (op.args[position] if len(op.args) > position else 0) % rank
    if dim in states[0].dims:
        return _untraced(op, location)
    if op.name in ("unbind", "select"):
        down, across = (d - (d > dim) for d in states[0].dims)
        return Local(states[0].rows, states[0].columns, (down, across))
    return states[0]


def _unsqueeze(op: Op, states: list[Local], _where: str) -> State:
    dim = op.args[1] % (len(op.inputs[0].shape) + 1)
    down, across = (d + (d >= dim) for d in states[0].dims)
    return Local(states[0].rows, states[0].columns, (down, across))


_OPERATORS: dict[str, Any] = {
    "convolution": _window,
    "max_pool2d_with_indices": _window,
    "avg_pool2d": _window,
    "avg_pool3d": _channel_pool,
    **dict.fromkeys(enlarging.OPERATORS, _enlarged),
    "_adaptive_avg_pool2d": _adaptive,
    "adaptive_max_pool2d": _adaptive,
    "mean": _mean,
    "sum": _mean,
    "amax": _mean,
    "amin": _mean,
    "native_batch_norm": _map_norm,
    "native_group_norm": _map_norm,
    "native_layer_norm": _layer_norm,
    "_softmax": _softmax,
    "_safe_softmax": _softmax,
    "_log_softmax": _softmax,
    "cat": _cat,
    "slice": _slice,
    "constant_pad_nd": _pad,
    "reflection_pad2d": _pad,  # a unit in the middle sees the same; one at the border, mirrored pixels instead of zeros
    "replication_pad2d": _pad,
    "permute": _permute,
    "transpose": _permute,
    "t": _permute,
    "view": _view,
    "_unsafe_view": _view,
    "split": _split,
    "split_with_sizes": _split,
    "unbind": _split,
    "select": _split,
    "unsqueeze": _unsqueeze,
}
