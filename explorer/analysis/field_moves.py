"""Receptive fields through operators that join maps or move their cells."""

import math
from collections.abc import Callable
from typing import Any

from explorer.analysis import fields
from explorer.analysis.field_states import Global, Local, State, untraced
from explorer.analysis.trace import Op


def join(op: Op, states: list[Local], location: str) -> State:
    """Returns the field of a sum, product or concatenation: a unit sees the pixels of all paths."""
    if len({state.dims for state in states}) > 1 or len({(s.rows.units, s.columns.units) for s in states}) > 1:
        return untraced(op, location)
    if len(states) == 1:
        return states[0]
    rows = fields.join([state.rows for state in states])
    columns = rows
    if any(state.columns is not state.rows for state in states):
        columns = fields.join([state.columns for state in states])
    return Local(rows, columns, states[0].dims)


def _stack(op: Op, states: list[Local], location: str) -> State:
    joined, dim = join(op, states, location), (op.args[1] if len(op.args) > 1 else 0) % len(op.output.shape)
    if not isinstance(joined, Local):
        return joined
    down, across = (d + (d >= dim) for d in joined.dims)
    return Local(joined.rows, joined.columns, (down, across))


def _cat(op: Op, states: list[Local], location: str) -> State:
    dim = (op.args[1] if len(op.args) > 1 else 0) % len(op.inputs[0].shape)
    return untraced(op, location) if dim in states[0].dims else join(op, states, location)


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
    return Global(location) if len(after) == 2 else untraced(op, location)


def _split(op: Op, states: list[Local], location: str) -> State:
    rank = len(op.inputs[0].shape)
    position = 2 if op.name.startswith(("split", "unsafe_split", "chunk")) else 1
    dim = (op.args[position] if len(op.args) > position else 0) % rank
    if dim in states[0].dims:
        return untraced(op, location)
    if op.name in ("unbind", "select"):
        down, across = (d - (d > dim) for d in states[0].dims)
        return Local(states[0].rows, states[0].columns, (down, across))
    return states[0]


def _unsqueeze(op: Op, states: list[Local], _where: str) -> State:
    dim = op.args[1] % (len(op.inputs[0].shape) + 1)
    down, across = (d + (d >= dim) for d in states[0].dims)
    return Local(states[0].rows, states[0].columns, (down, across))


def _along(op: Op, states: list[Local], location: str) -> State:
    """Keeps rows and columns through an operator that moves or mixes cells along other dimensions alone."""
    place = _PLACES[op.name]
    listed: Any = op.args[place] if len(op.args) > place else [] if op.name == "roll" else -1
    entries = list(listed) if isinstance(listed, list | tuple) else [listed]
    if op.name == "index":
        entries = [dim for dim, index in enumerate(entries) if index is not None]
        if len(entries) != 1 or len(listed[entries[0]].shape) != 1:  # not a list of indices for one dimension
            return untraced(op, location)
    dims = {dim % len(op.inputs[0].shape) for dim in entries}
    return states[0] if dims and not dims & set(states[0].dims) else untraced(op, location)


def _expand(op: Op, states: list[Local], location: str) -> State:
    before, after = op.inputs[0].shape, op.output.shape
    added = len(after) - len(before)
    if any(before[dim] != after[dim + added] for dim in states[0].dims):
        return untraced(op, location)
    return Local(states[0].rows, states[0].columns, (states[0].dims[0] + added, states[0].dims[1] + added))


_PLACES = {"flip": 1, "roll": 2, "cumsum": 1, "sort": 1, "topk": 2, "index_select": 1, "index": 1, "glu": 1}

RULES: dict[str, Callable[[Op, list[Local], str], State]] = {
    "cat": _cat,
    "stack": _stack,
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
    "expand": _expand,
    **dict.fromkeys(_PLACES, _along),
}
