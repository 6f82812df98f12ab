"""Receptive fields of all layers over the traced graph.

Every value of the graph is in one of four states: :class:`Local` (rows and columns of the image can be told
apart), :class:`Whole` (each unit may depend on the whole image: after global pooling, flatten, a gate),
:class:`Unknown` (an operator that we can't follow, and which), or None (depends on parameters alone).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from explorer.analysis import fields
from explorer.analysis.fields import Axis
from explorer.analysis.operators import ACTIVATION, ELEMENTWISE
from explorer.analysis.trace import Op, Row, Shape, Trace, Value, count
from explorer.families.meta_shapes import pair


@dataclass(frozen=True, slots=True, eq=False)
class Local:
    """Fields along rows and columns; ``dims`` are the dimensions of the tensor that hold them."""

    rows: Axis
    columns: Axis
    dims: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Whole:
    """Each unit may depend on everything that any unit before depended on; ``cause`` names the layer."""

    cause: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Not traced; ``cause`` names the operator and the layer where the trail was lost."""

    cause: str


State = Local | Whole | Unknown | None
States = dict[Value, State]

POINTWISE = frozenset(
    [*ELEMENTWISE, *ACTIVATION, "native_batch_norm", "clone", "contiguous", "_to_copy", "alias", "dropout", "copy"]
) - {"_softmax", "_log_softmax", "sum"}


def propagate(trace: Trace) -> States:
    """The state of every value of the graph."""
    _batch, _channels, height, width = trace.image.shape
    rows = fields.image(height)
    columns = rows if width == height else fields.image(width)
    states: States = {trace.image: Local(rows, columns, (2, 3))}
    for op in trace.ops:
        row = op.row
        if row is not None and (rule := _module_rule(row)) is not None:
            if op is row.ops[-1]:
                state = rule(row, states)
                states.update(dict.fromkeys(op.outputs, state))
                states[row.output] = state
            continue
        states.update(_operator(op, states))
    return states


def misalignment(state: State) -> float | bool | None:
    """Pixels between the centres of joined paths, None where their strides differ, False where they line up."""
    if not isinstance(state, Local):
        return False
    offsets = {state.rows.offset, state.columns.offset}
    if None in offsets:
        return None
    return max(float(offset or 0) for offset in offsets) or False


# Modules


def _module_rule(row: Row) -> Callable[[Row, States], State] | None:
    # LRN works across channels, but PyTorch computes it with 3-d pooling; a linear layer on maps with the channels
    # last reshapes them twice. As modules both are simple.
    if isinstance(row.module, nn.LocalResponseNorm):
        return _same
    return _linear if isinstance(row.module, nn.Linear) else None


def _same(row: Row, states: States) -> State:
    return states.get(row.inputs[0])


def _linear(row: Row, states: States) -> State:
    # Mixes the last dimension only: harmless to rows and columns that lie before it.
    state, shape = states.get(row.inputs[0]), row.inputs[0].shape
    return Whole(row.name) if isinstance(state, Local) and max(state.dims) == len(shape) - 1 else state


# Operators


def _operator(op: Op, states: States) -> States:
    inputs = [states.get(value) for value in op.inputs]
    if op.name == "convolution":  # weights and bias carry no pixels
        inputs = inputs[:1]
    lost = next((state for state in inputs if isinstance(state, Unknown)), None)
    present = [state for state in inputs if state is not None]
    if not present:
        return dict.fromkeys(op.outputs)
    state: State
    where = op.row.name if op.row else op.name
    if lost:
        state = lost
    elif any(isinstance(entry, Whole) for entry in present):
        state = next(entry for entry in present if isinstance(entry, Whole))
    else:
        local = [entry for entry in present if isinstance(entry, Local)]
        rule = _OPERATORS.get(op.name) or (_join if op.name in POINTWISE else None)
        state = rule(op, local, where) if rule else _lost(op, where)
    return dict.fromkeys(op.outputs, state)


def _lost(op: Op, where: str) -> Unknown:
    return Unknown(op.name if where == op.name else f"{op.name} ({where})")


def _both(state: Local, rows: Axis, columns: Axis | None = None) -> Local:
    return Local(rows, rows if columns is None else columns, state.dims)


def _windowed(state: Local, shape: Shape, per_axis: list[tuple[int, ...]]) -> Local:
    """Apply a window to both axes, once where rows and columns are alike."""
    (height, width), (down, across) = shape[-2:], per_axis
    rows = fields.window(state.rows, height, *down)
    if state.columns is state.rows and down == across and height == width:
        return _both(state, rows)
    return _both(state, rows, fields.window(state.columns, width, *across))


def _nchw(op: Op, state: Local) -> bool:
    return len(op.inputs[0].shape) == 4 and state.dims == (2, 3)


def geometry(op: Op) -> list[tuple[int, int, int, int]] | None:
    """(kernel, stride, padding, dilation) of a convolution's or pool's windows, down and across."""
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


def _window(op: Op, states: list[Local], where: str) -> State:
    windows = geometry(op)
    if windows is None or not _nchw(op, states[0]):
        return _lost(op, where)
    return _windowed(states[0], op.output.shape, list(windows))


def _adaptive(op: Op, states: list[Local], where: str) -> State:
    if not _nchw(op, states[0]):
        return _lost(op, where)
    height, width = op.output.shape[-2:]
    if (height, width) == (1, 1):
        return Whole(where)
    rows = fields.adaptive(states[0].rows, height)
    return _both(states[0], rows, fields.adaptive(states[0].columns, width))


def _layer_norm(op: Op, states: list[Local], where: str) -> State:
    mixed = len(op.inputs[0].shape) - len(op.args[1])
    return Whole(where) if max(states[0].dims) >= mixed else states[0]


def _mean(op: Op, states: list[Local], where: str) -> State:
    shape = op.inputs[0].shape
    over = {dim % len(shape) for dim in op.args[1]} if len(op.args) > 1 and op.args[1] else set(range(len(shape)))
    touched = over & set(states[0].dims)
    if not touched:
        return states[0] if op.output.shape == shape else _lost(op, where)
    return Whole(where) if touched == set(states[0].dims) else _lost(op, where)


def _join(op: Op, states: list[Local], where: str) -> State:
    if len({state.dims for state in states}) > 1 or len({(s.rows.units, s.columns.units) for s in states}) > 1:
        return _lost(op, where)
    if len(states) == 1:
        return states[0]
    rows = fields.joined([state.rows for state in states])
    if all(state.columns is state.rows for state in states):
        return _both(states[0], rows)
    return _both(states[0], rows, fields.joined([state.columns for state in states]))


def _cat(op: Op, states: list[Local], where: str) -> State:
    dim = (op.args[1] if len(op.args) > 1 else 0) % len(op.inputs[0].shape)
    return _lost(op, where) if dim in states[0].dims else _join(op, states, where)


def _slice(op: Op, states: list[Local], _where: str) -> State:
    given = list(op.args[1:])
    dim, start, end, step = given + [0, None, None, 1][len(given) :]
    shape, state = op.inputs[0].shape, states[0]
    if dim % len(shape) not in state.dims:
        return state
    size = shape[dim % len(shape)]
    start, end, _step = slice(start, end).indices(size)
    if dim % len(shape) == state.dims[0]:
        return Local(fields.sliced(state.rows, start, end, step), state.columns, state.dims)
    rows, columns = state.rows, fields.sliced(state.columns, start, end, step)
    if len(rows.first) == len(columns.first) and rows.closed == columns.closed:
        columns = rows  # x[:, :, ::2, ::2] is two slices; share the axis again
    return Local(rows, columns, state.dims)


def _pad(op: Op, states: list[Local], _where: str) -> State:
    state, rank, amounts = states[0], len(op.inputs[0].shape), list(op.args[1])
    sides = {rank - 1 - i // 2: (amounts[i], amounts[i + 1]) for i in range(0, len(amounts), 2)}
    down, across = (sides.get(dim, (0, 0)) for dim in state.dims)
    if not any((*down, *across)):
        return state
    return Local(fields.padded(state.rows, *down), fields.padded(state.columns, *across), state.dims)


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


def _view(op: Op, states: list[Local], where: str) -> State:
    """A reshape keeps rows and columns where both still stand alone; else it is a flatten, or we lose them."""
    before, after = op.inputs[0].shape, op.output.shape
    down, across = states[0].dims
    place = {count(after[:dim]): dim for dim in reversed(range(len(after)))}
    new_down, new_across = place.get(count(before[:down])), place.get(count(before[:across]))
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
    return Whole(where) if len(after) == 2 else _lost(op, where)


def _apart(op: Op, states: list[Local], where: str) -> State:
    rank = len(op.inputs[0].shape)
    position = 2 if op.name.startswith(("split", "unsafe_split", "chunk")) else 1
    dim = (op.args[position] if len(op.args) > position else 0) % rank
    if dim in states[0].dims:
        return _lost(op, where)
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
    "_adaptive_avg_pool2d": _adaptive,
    "mean": _mean,
    "native_layer_norm": _layer_norm,
    "cat": _cat,
    "slice": _slice,
    "constant_pad_nd": _pad,
    "permute": _permute,
    "transpose": _permute,
    "t": _permute,
    "view": _view,
    "_unsafe_view": _view,
    "split": _apart,
    "split_with_sizes": _apart,
    "unbind": _apart,
    "select": _apart,
    "unsqueeze": _unsqueeze,
}
