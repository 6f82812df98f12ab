"""Receptive fields through writing into a part of a tensor, as in ``out[:, :, 1:] = x``."""

from explorer.analysis import fields
from explorer.analysis.field_states import Global, Local, State, States, Unknown
from explorer.analysis.fields import Axis
from explorer.analysis.trace import Op, Value

VIEWS = frozenset("slice select alias split split_with_sizes unbind".split(" "))
Part = list[tuple[range, int | None]]  # of each dimension of a tensor: its cells, and the dimension of the part


def written(op: Op, states: States, location: str) -> State:
    """Returns the state of a tensor after a write into a part of it.

    Args:
        op: The write; its arguments are the tensor before, the part before, and the part after.
        states: States of all values before.
        location: Name of the layer.
    """
    before, part, after = op.args
    old, new = states.get(before), states.get(after)
    for state in (old, new):
        if isinstance(state, Unknown | Global):
            return state
    if not isinstance(new, Local):
        return old
    place = _place(part, before)
    if place is not None:
        dims = [next((d for d, (_cells, own) in enumerate(place) if own == dim), -1) for dim in new.dims]
        down, across = (place[dim][0] for dim in dims)
        if -1 not in dims and (state := _placed(old, new, (dims[0], dims[1]), down, across, before)) is not None:
            return state
    return Unknown(f"writing into a part of a tensor ({location})")


def _placed(old: State, new: Local, dims: tuple[int, int], down: range, across: range, before: Value) -> State:
    sizes = tuple(before.shape[dim] for dim in dims)
    is_whole = (len(down), len(across)) == sizes
    moved = Local(new.rows, new.columns, dims, new.gate)
    if not isinstance(old, Local):
        if down.step != 1 or across.step != 1:
            return None
        rows, columns = (
            fields.pad(axis, cells.start, size - cells.stop)
            for axis, cells, size in zip((new.rows, new.columns), (down, across), sizes, strict=True)
        )
        return moved if is_whole else Local(rows, columns, dims, new.gate)
    if old.dims != dims:
        return None
    if is_whole:
        return Local(
            fields.join([old.rows, new.rows]), fields.join([old.columns, new.columns]), dims, old.gate or new.gate
        )
    # Cells around the map that repeat some of it: a unit in the middle sees the same as with zeros there.
    return old if _is_empty(old.rows, down) or _is_empty(old.columns, across) else None


def _is_empty(axis: Axis, cells: range) -> bool:
    """Whether cells of an axis see only padding."""
    chosen = list(cells)
    return bool((axis.first[chosen] > axis.last[chosen]).all())


def _place(part: Value, tensor: Value) -> Part | None:
    """Returns where a part of a tensor lies; None if it is no part by slices."""
    steps: list[tuple[Op, Value]] = []
    value = part
    while (op := value.made_by) is not None and op.name in VIEWS:
        steps.append((op, value))
        value = op.inputs[0]
    if value.shape != tensor.shape:
        return None
    found: Part = [(range(size), dim) for dim, size in enumerate(tensor.shape)]
    for op, value in reversed(steps):
        if op.name == "alias":
            continue
        place = 2 if op.name.startswith("split") else 1
        dim = (op.args[place] if len(op.args) > place else 0) % len(op.inputs[0].shape)
        position = next(index for index, (_cells, own) in enumerate(found) if own == dim)
        cells = found[position][0]
        if op.name in ("select", "unbind"):
            chosen = op.args[2] if op.name == "select" else op.outputs.index(value)
            found = [(cells_, own if own is None or own < dim else own - 1) for cells_, own in found]
            found[position] = (cells[chosen : chosen + 1] if chosen != -1 else cells[-1:], None)
        elif op.name == "slice":
            start, end, step = [*op.args[2:], None, None, None][:3]
            found[position] = (cells[slice(start, end, step)], dim)
        else:
            start = sum(result.shape[dim] for result in op.outputs[: op.outputs.index(value)])
            found[position] = (cells[start : start + value.shape[dim]], dim)
    return found
