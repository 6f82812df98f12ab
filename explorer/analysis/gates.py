"""What every cell of a map gets alike from the whole image: gates of squeeze-and-excitation, means that are subtracted.

Receptive fields leave it out, and say which layer pools the image for it first.
"""

from dataclasses import replace

from explorer.analysis.field_states import Global, Local, State, States, location_of
from explorer.analysis.trace import Op, Value

COMBINED = frozenset("mul div add sub".split(" "))
ENLARGED = frozenset("expand repeat".split(" "))


def gated(op: Op, inputs: list[State], states: States) -> Local | None:
    """Returns the field of a map that is combined with one number per channel; None if the operator does another thing.

    Args:
        op: Operator.
        inputs: States of its inputs.
        states: States of all values before.
    """
    if op.name not in COMBINED or len(inputs) != 2:
        return None
    pairs = list(zip(op.inputs, inputs, strict=True))
    for (scaled, state), (factor, other) in (pairs, pairs[::-1]):
        if not isinstance(state, Local) or len(scaled.shape) < len(factor.shape):
            continue
        dims = [dim - len(scaled.shape) + len(factor.shape) for dim in state.dims]
        alike = other.alike if isinstance(other, Global) else frozenset()
        if all(dim < 0 or factor.shape[dim] == 1 or dim in alike for dim in dims) and (
            cause := _cause(factor, other, state, states)
        ):
            return state if state.gate else replace(state, gate=cause)
    return None


def _cause(factor: Value, state: State, scaled: Local, states: States) -> str:
    """Returns the name of the layer that pools the image for a factor; empty if it does not see all of the map."""
    if isinstance(state, Global):
        return state.cause
    if not isinstance(state, Local) or not _is_pooled(state) or _is_pooled(scaled):
        return ""
    axes = ((state.rows, scaled.rows), (state.columns, scaled.columns))
    if any(one.first[0] > axis.first.min() or one.last[0] < axis.last.max() for one, axis in axes):
        return ""
    op = factor.made_by
    while op is not None:  # back to the pool
        before = next((value for value in op.inputs if isinstance(states.get(value), Local)), None)
        if before is None or not _is_pooled(states[before]):
            return location_of(op)
        op = before.made_by
    return ""


def _is_pooled(state: State) -> bool:
    return isinstance(state, Local) and state.rows.units == state.columns.units == 1


def spread(op: Op, inputs: list[State], *, is_pointwise: bool) -> frozenset[int]:
    """Returns the dimensions of a result along which all cells are alike, if it sees the whole image.

    Args:
        op: Operator.
        inputs: States of its inputs.
        is_pointwise: Whether each cell of its result depends on the cells at the same place.
    """
    out = op.output.shape
    found = [
        frozenset(dim + len(out) - len(value.shape) for dim in state.alike)
        for value, state in zip(op.inputs, inputs, strict=True)
        if isinstance(state, Global) and len(value.shape) <= len(out)
    ]
    if not found:
        return frozenset()
    if op.name in ENLARGED or op.name.startswith(("upsample_", "_upsample_")):
        before = (1,) * (len(out) - len(op.inputs[0].shape)) + op.inputs[0].shape
        return found[0] | {dim for dim, size in enumerate(before) if size == 1 < out[dim]}
    return frozenset.intersection(*found) if is_pointwise else frozenset()
