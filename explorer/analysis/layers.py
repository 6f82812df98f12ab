"""The layers of a network as a trace shows them: shapes, stages, costs, receptive fields, notes and formulas."""

import math

from explorer.analysis import formulas
from explorer.analysis.cost import Cost
from explorer.analysis.field_states import Global, Local, State, States, Unknown
from explorer.analysis.receptive_field import geometry
from explorer.analysis.result import Layer, ReceptiveField, Window
from explorer.analysis.trace import Op, Trace, TracedLayer, Value
from explorer.i18n import _
from explorer.specs.size import Size

FILLS = frozenset(["new_zeros", "new_ones", "new_full", "zeros_like", "ones_like", "full_like", "empty_like"])
GLOBAL_POOLS = frozenset(["_adaptive_avg_pool2d", "adaptive_max_pool2d", "mean", "amax"])


def layers_of(trace: Trace, states: States, costs: dict[str, Cost], heads: tuple[str, ...]) -> tuple[Layer, ...]:
    """Returns layers of a network. Their inputs are positions in the trace.

    Args:
        trace: Trace of the forward pass.
        states: Receptive fields of the values.
        costs: Costs of the layers to return, by name.
        heads: Names of the modules of the head.
    """
    producers = {value: index for index, traced in enumerate(trace.layers) for op in traced.ops for value in op.outputs}
    stage = ""
    height, width = trace.image.shape[-2:]
    stored: set[int] = {trace.image.storage}
    layers = []
    for position, traced in enumerate(trace.layers):
        output = traced.output
        state = states.get(output)
        stage = _stage(traced, heads, stage, state, Size(height, width))
        new_bytes = 0 if output.storage in stored else output.bytes
        stored.update(value.storage for op in traced.ops for value in op.outputs)
        if traced.name not in costs:
            producers[output] = position
            continue
        field, cost_of_layer = field_of(state, (height, width)), costs[traced.name]
        layers.append(
            Layer(
                name=traced.name,
                kind=traced.kind,
                stage=stage,
                input_shape=traced.inputs[0].shape if traced.inputs else (),
                output_shape=output.shape,
                inputs=tuple(sorted({index for value in traced.inputs for index in _sources(value, producers)})),
                window=next((found for op in traced.ops if (found := _window(op))), None),
                params=traced.params,
                trainable=traced.trainable,
                cost=cost_of_layer,
                activation_bytes=new_bytes,
                field=field,
                sees_whole_image=isinstance(state, Global) or (isinstance(state, Local) and bool(state.gate)),
                notes=_notes(state, field, cost_of_layer),
                formulas=_formulas(traced, cost_of_layer, states, new_bytes),
                channels_last=_is_channels_last(output.shape, state, Size(height, width)),
            )
        )
        producers[output] = position  # a module that returns its input (dropout) is still a layer of the chain
    return tuple(layers)


def _formulas(traced: TracedLayer, cost_of_layer: Cost, states: States, new_bytes: int) -> dict[str, str]:
    return {
        "params": formulas.parameters(traced),
        "macs": formulas.macs(traced, cost_of_layer),
        "flops": formulas.flops(cost_of_layer),
        "output_shape": formulas.output_size(traced),
        "receptive_field": formulas.receptive_field(traced, states),
        "stride": formulas.field_stride(traced, states),
        "padding": formulas.field_padding(traced, states),
        "activation_bytes": formulas.activation_bytes(traced, new_bytes),
    }


def _window(op: Op) -> Window | None:
    found = geometry(op)
    if not found:
        return None
    kernel, stride, padding, dilation = zip(*found, strict=True)
    return Window(kernel, stride, padding, dilation, op.args[8] if op.name == "convolution" else 1)


def _sources(value: Value, producers: dict[Value, int]) -> list[int]:
    """Returns the indices of the layers that compute a value, through operators that only move data."""
    found, pending, seen = [], [value], set[Value]()
    while pending:
        value = pending.pop()
        if value in seen:  # many ways may lead to it, as after writing into a tensor part by part
            continue
        seen.add(value)
        if value in producers:
            found.append(producers[value])
        elif value.made_by:
            pending.extend(source for source in value.made_by.inputs if source.source == "input")
    return found


def _stage(traced: TracedLayer, heads: tuple[str, ...], before: str, state: State, image: Size) -> str:
    """Returns the stage of a layer: the size of its map, as in papers; a pool belongs to the stage of its input."""
    if before == "head" or traced.name.split(".")[0].split("#")[0] in heads:
        return "head"
    if isinstance(state, Unknown):
        return _("tokens")
    pools = any(geometry(op) and op.name != "convolution" for op in traced.ops)
    shape = (traced.inputs[0] if pools and traced.inputs else traced.output).shape
    if len(shape) != 4:
        return before
    # A squeeze-and-excitation gate pools maps to 1×1 in a branch, which is not a stage.
    rows, columns = shape[1:3] if _is_channels_last(shape, state, image) else shape[2:]
    return before if isinstance(state, Global) and (rows, columns) == (1, 1) else f"{rows}×{columns}"


def _is_channels_last(shape: tuple[int, ...], state: State, image: Size) -> bool:
    """Returns whether a value is a batch of maps with channels last; by their aspect if their state does not say."""
    if len(shape) != 4:
        return False
    if isinstance(state, Local):
        return state.dims == (1, 2)
    _batch, one, two, three = shape
    aspect = math.log(image.height / image.width)
    return abs(math.log(one / two) - aspect) < abs(math.log(two / three) - aspect)


def field_of(state: State, image: tuple[int, int]) -> ReceptiveField | None:
    """Returns the receptive field of a map's units; None if it has no closed form.

    Args:
        state: State of the map.
        image: Rows and columns of the image.
    """
    if not isinstance(state, Local) or state.rows.closed_form is None or state.columns.closed_form is None:
        return None
    rows, columns = (
        (form.size, form.stride, form.padding) for form in (state.rows.closed_form, state.columns.closed_form)
    )
    unit = (state.rows.units // 2, state.columns.units // 2)
    span = (state.rows.span(unit[0]), state.columns.span(unit[1]))
    full_view = (state.rows.full_view(image[0]), state.columns.full_view(image[1]))
    return ReceptiveField(
        *rows,
        unit=unit,
        span=span,
        smallest_over_paths=state.rows.smallest.size,
        full_view=(full_view[0], full_view[1]) if full_view[0] and full_view[1] else None,
        columns=columns if columns != rows else None,
    )


def _notes(state: State, field: ReceptiveField | None, cost_of_layer: Cost) -> tuple[str, ...]:
    notes = [note] if (note := field_note(state, field)) else []
    if cost_of_layer.unknown:
        notes.append(_("not counted: {operators}").format(operators=", ".join(cost_of_layer.unknown)))
    return tuple(notes)


def field_note(state: State, field: ReceptiveField | None) -> str:
    """Returns what the numbers of a field don't say; empty if they say all."""
    if field:
        gate = state.gate if isinstance(state, Local) else ""
        if not gate:
            return ""
        return _(
            "the receptive field leaves out gates (squeeze-and-excitation) and norms with the mean of a map, which see "
            "the whole image; the first is at {layer}"
        ).format(layer=gate)
    if isinstance(state, Unknown):
        return _("receptive field not traced through {cause}").format(cause=state.cause)
    if isinstance(state, Local):
        return _irregular(state)
    if state is None:
        return _("receptive field: none, it depends on no pixel")
    return _("receptive field: the whole image")


def _irregular(state: Local) -> str:
    """Returns the note on fields without a closed form: what the middle unit sees."""
    rows, columns = state.rows.span(state.rows.units // 2), state.columns.span(state.columns.units // 2)
    if rows is None or columns is None:
        return _("receptive field: windows of different sizes or strides, so no single one")
    return _(
        "receptive field: windows of different sizes or strides, so no single one; the middle unit sees rows {top} to "
        "{bottom} and columns {left} to {right}"
    ).format(top=rows[0], bottom=rows[1], left=columns[0], right=columns[1])


def last_map(trace: Trace, heads: tuple[str, ...]) -> Value:
    """Returns the last map before global or adaptive pooling, flatten or head; its field is that of the network."""
    value = trace.output
    while (op := value.made_by) is not None:
        in_head = op.layer is not None and op.layer.name.split(".")[0].split("#")[0] in heads
        if len(value.shape) == 4 and not in_head and op.name not in GLOBAL_POOLS and not _is_pooled(value):
            break
        sources = [source for source in op.inputs if source.source == "input"]
        # A state that begins as zeros of the image's type (new_zeros) leads to the image, but past all layers.
        value = next((source for source in sources if not _is_fill(source)), sources[0])
    return value


def _is_fill(value: Value) -> bool:
    """Whether a value is made of nothing but the shape or type of another."""
    return value.made_by is not None and value.made_by.name in FILLS


def _is_pooled(value: Value) -> bool:
    """Whether a value has one cell, because a pool before it left no more of its map."""
    while (op := value.made_by) is not None and math.prod(value.shape) == max(value.shape):
        before = next(source for source in op.inputs if source.source == "input")
        if math.prod(before.shape) > math.prod(value.shape) and op.name in (*GLOBAL_POOLS, "avg_pool2d"):
            return True
        value = before
    return False
