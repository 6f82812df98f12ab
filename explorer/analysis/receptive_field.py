"""Receptive fields of all layers, propagated over the traced graph.

Every value has one of four states: :class:`Local` (units depend on known rows and columns of the image),
:class:`Global` (each unit may depend on the whole image, after global pooling or flatten), :class:`Unknown`
(after an operator without a rule), or None (the value depends only on parameters).

A squeeze-and-excitation gate sees the whole image and only scales channels. So fields go through it without the gate,
and the state says which layer pools the image for it. The mean and variance of a group norm are the same.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import nn

from explorer.analysis import enlarging, field_moves, fields
from explorer.analysis.field_states import Global, Local, State, States, Unknown, location_of, untraced
from explorer.analysis.fields import Axis
from explorer.analysis.gates import gated, spread
from explorer.analysis.operators import ACTIVATION, ELEMENTWISE
from explorer.analysis.trace import WRITTEN, Op, Shape, Trace, TracedLayer
from explorer.analysis.writes import written
from explorer.families.meta_shapes import pair

SAME_PLACE = "clone contiguous _to_copy alias dropout copy channel_shuffle native_channel_shuffle".split(" ")
POINTWISE = frozenset([*ELEMENTWISE, *ACTIVATION, *SAME_PLACE]) - {"_softmax", "_safe_softmax", "_log_softmax"}

REDUCTIONS = "mean sum amax amin max min var std var_mean std_mean linalg_vector_norm argmax argmin".split(" ")
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
        inputs = [inputs[0], *[None] * (len(inputs) - 1)]
    if op.name == "copy" and inputs[-1] is not None:  # what was there before is gone
        inputs = [None, inputs[-1]]
    lost = next((state for state in inputs if isinstance(state, Unknown)), None)
    if op.name == WRITTEN:
        return {op.output: written(op, states, location_of(op))}
    if lost is None and (found := gated(op, inputs, states)):
        return dict.fromkeys(op.outputs, found)
    present = [state for state in inputs if state is not None]
    if not present:
        return dict.fromkeys(op.outputs)
    state: State
    location = location_of(op)
    if lost:
        state = lost
    elif any(isinstance(one, Global) for one in present):
        cause = next(one.cause for one in present if isinstance(one, Global))
        state = Global(cause, spread(op, inputs, is_pointwise=op.name in POINTWISE))
    else:
        local = [one for one in present if isinstance(one, Local)]
        rule = _OPERATORS.get(op.name) or (field_moves.join if op.name in POINTWISE else None)
        state = rule(op, local, location) if rule else untraced(op, location)
        gate = next((one.gate for one in local if one.gate), "")
        if gate and isinstance(state, Local) and not state.gate:
            state = replace(state, gate=gate)
    return dict.fromkeys(op.outputs, state)


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
        return untraced(op, location)
    return _windowed(states[0], op.output.shape, list(windows))


def _enlarged(op: Op, states: list[Local], location: str) -> State:
    """Applies a transposed convolution, an interpolation or a shuffle of pixels."""
    if not _nchw(op, states[0]):
        return untraced(op, location)
    if windows := enlarging.windows(op):
        return _windowed(states[0], op.output.shape, list(windows))
    reads = enlarging.reads(op)
    if reads is None:
        return untraced(op, location)
    return _with_axes(states[0], *map(fields.gather, (states[0].rows, states[0].columns), reads))


def _channel_pool(op: Op, states: list[Local], location: str) -> State:
    """Keeps rows and columns through a 3-d pool along the channels alone, as exporters write local response norm."""
    rank = len(op.inputs[0].shape)
    _depth, *window = _triple(op.args[1])
    _depth_stride, *stride = _triple(op.args[2] or op.args[1])
    _depth_padding, *padding = _triple(op.args[3] if len(op.args) > 3 else 0)
    along = window == [1, 1] and stride == [1, 1] and padding == [0, 0] and states[0].dims == (rank - 2, rank - 1)
    return states[0] if along else untraced(op, location)


def _triple(value: Any) -> list[int]:
    entries = list(value) if isinstance(value, list | tuple) else [value]
    return entries if len(entries) == 3 else entries[:1] * 3


def _map_norm(op: Op, states: list[Local], location: str) -> State:
    has_own_mean = op.name != "native_batch_norm" or op.args[5]
    return replace(states[0], gate=states[0].gate or location) if has_own_mean else states[0]


def _adaptive(op: Op, states: list[Local], location: str) -> State:
    if not _nchw(op, states[0]):
        return untraced(op, location)
    height, width = op.output.shape[-2:]
    if (height, width) == (1, 1):
        return Global(location)
    rows = fields.apply_adaptive_pool(states[0].rows, height)
    return _with_axes(states[0], rows, fields.apply_adaptive_pool(states[0].columns, width))


def _layer_norm(op: Op, states: list[Local], location: str) -> State:
    mixed = len(op.inputs[0].shape) - len(op.args[1])
    return _map_norm(op, states, location) if max(states[0].dims) >= mixed else states[0]


def _reduced(op: Op, states: list[Local], location: str) -> State:
    """Applies a mean, a maximum and the like along some dimensions."""
    shape, place = op.inputs[0].shape, 2 if op.name == "linalg_vector_norm" else 1
    listed = op.args[place] if len(op.args) > place else None
    listed = range(len(shape)) if listed is None or listed == [] else listed
    dims = {dim % len(shape) for dim in ([listed] if isinstance(listed, int) else listed)}
    pooled = dims & set(states[0].dims)
    if not pooled:
        if len(op.output.shape) == len(shape):
            return states[0]
        down, across = (dim - sum(gone < dim for gone in dims) for dim in states[0].dims)
        return Local(states[0].rows, states[0].columns, (down, across))
    return Global(location) if pooled == set(states[0].dims) else untraced(op, location)


def _softmax(op: Op, states: list[Local], where: str) -> State:
    """The sum over channels, in segmentation, moves no rows and columns."""
    dim = op.args[1] % len(op.output.shape)
    return Global(where) if dim in states[0].dims else states[0]


_OPERATORS: dict[str, Any] = {
    "convolution": _window,
    "max_pool2d_with_indices": _window,
    "avg_pool2d": _window,
    "avg_pool3d": _channel_pool,
    **dict.fromkeys(enlarging.OPERATORS, _enlarged),
    "_adaptive_avg_pool2d": _adaptive,
    "adaptive_max_pool2d": _adaptive,
    **dict.fromkeys(REDUCTIONS, _reduced),
    "native_batch_norm": _map_norm,
    "native_group_norm": _map_norm,
    "native_layer_norm": _layer_norm,
    "_softmax": _softmax,
    "_safe_softmax": _softmax,
    "_log_softmax": _softmax,
    **field_moves.RULES,
}
