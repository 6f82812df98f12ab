"""The one call: spec and input size in, every number out. Nothing is allocated; all runs on meta."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import nn

from explorer.analysis import advice, formulas
from explorer.analysis.cost import Cost, cost, mult_adds
from explorer.analysis.devices import AUTO, Device, of_this_machine
from explorer.analysis.memory import (
    FLOAT32,
    MAX_BATCH,
    OPTIMIZER_STATE,
    Precision,
    Saved,
    saved_for_backward,
    training,
)
from explorer.analysis.receptive_field import Local, State, States, Unknown, Whole, geometry, propagate
from explorer.analysis.result import Analysis, Field, Head, Layer, Totals, Warned, Window, map_shape
from explorer.analysis.trace import Op, Recorder, Row, Trace, Value
from explorer.errors import InputError, SpecError, shown
from explorer.families import Spec
from explorer.families.building import attach_auxiliary, build, detach_auxiliary, head_names
from explorer.families.refusal import explain
from explorer.i18n import _, language

REMEMBERED = 64  # networks, at about a megabyte each
GLOBAL_POOLS = frozenset(["_adaptive_avg_pool2d", "mean"])


@dataclass(frozen=True, slots=True)
class _Measured:
    """What depends on the spec alone."""

    layers: tuple[Layer, ...]
    auxiliary: tuple[Head, ...]
    totals: Totals
    field: Field | None
    field_note: str
    warnings: tuple[Warned, ...]
    formulas: dict[str, str]


def analyse(
    spec: Spec,
    *,
    batch_size: int = 32,
    optimizer: str = "momentum",
    precision: Precision = Precision.FP32,
    device: str = AUTO,
) -> Analysis:
    """Every number of a network at its spec's input size.

    Layers and totals are for one image; ``training`` is for a batch on a device: ``cpu``, ``cuda``, ``mps``, or
    ``auto`` for what this machine would train on. Repeated specs are answered from memory.

    Raises:
        InputError: where the batch size is out of range, or optimizer or device is none that we know.
        SpecError: where torchvision can't build or run the model.
    """
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or not 1 <= batch_size <= MAX_BATCH:
        raise InputError(
            _("batch_size: {value} is not between 1 and {limit:,}").format(value=shown(batch_size), limit=MAX_BATCH)
        )
    if optimizer not in OPTIMIZER_STATE:
        raise InputError(
            _("optimizer: {value} is not one of {known}").format(
                value=shown(optimizer), known=", ".join(OPTIMIZER_STATE)
            )
        )
    if device != AUTO and device not in tuple(Device):
        raise InputError(
            _("device: {value} is not one of {known}").format(value=shown(device), known=", ".join([AUTO, *Device]))
        )
    chosen = of_this_machine() if device == AUTO else Device(device)
    half = chosen is Device.CUDA and precision is not Precision.FP32  # the others' kernels are the same
    measured, saved = _measure(spec, batch_size, chosen, half, language())
    totals = measured.totals
    parts = None
    if isinstance(saved, Saved):
        everything = totals.params + totals.aux_params
        parts = training(everything, totals.trainable_params + totals.aux_params, saved, optimizer, precision)
        memory = advice.of_memory(parts, batch_size, chosen)
    else:
        memory = [advice.untrainable(batch_size, saved)]
    lines = {
        **measured.formulas,
        "params": formulas.equation(_sum_of(layer.params for layer in measured.layers), totals.params),
        "trainable_params": formulas.equation(
            _sum_of(layer.trainable for layer in measured.layers), totals.trainable_params
        ),
        "macs": formulas.equation(_sum_of(layer.macs for layer in measured.layers), totals.macs),
        "flops": formulas.flops(totals.cost),
        "weight_bytes": formulas.equation(formulas.product(totals.params, FLOAT32), totals.weight_bytes),
        "activation_bytes": formulas.equation(
            _sum_of(layer.activation_bytes for layer in measured.layers), totals.activation_bytes
        ),
    }
    if parts:
        lines["training_bytes"] = formulas.equation(
            _sum_of([parts.weights, parts.half_copy, parts.gradients, parts.optimizer, parts.activations]),
            parts.total,
        )
    return Analysis(
        spec=spec,
        input_shape=(1, spec.in_channels, spec.image_size, spec.image_size),
        layers=measured.layers,
        auxiliary=measured.auxiliary,
        totals=totals,
        field=measured.field,
        field_note=measured.field_note,
        batch_size=batch_size,
        device=chosen,
        training=parts,
        warnings=(*measured.warnings, *memory),
        formulas=lines,
    )


def _sum_of(amounts: Iterable[int]) -> str:
    return " + ".join(formulas.number(amount) for amount in amounts if amount) or "0"


@lru_cache(maxsize=REMEMBERED)
def _measure(spec: Spec, batch_size: int, device: Device, half: bool, _language: str) -> tuple[_Measured, Saved | str]:
    # Warnings and notes are sentences, so the language is part of what is remembered.
    network = build(spec, "meta")
    heads = detach_auxiliary(network)
    shape = (spec.in_channels, spec.image_size, spec.image_size)
    network.eval()
    measured = _collect(network, heads, spec, _run(network, spec, (1, *shape)))
    attach_auxiliary(network, heads)
    measured = replace(measured, auxiliary=_auxiliary(network, spec, list(heads), measured.layers))
    network.train()
    try:
        return measured, saved_for_backward(network, (batch_size, *shape), device, half=half)
    except (ValueError, RuntimeError) as error:
        return measured, explain(error)


def clear_caches() -> None:
    """Drop all remembered analyses, so that the next one starts cold."""
    _measure.cache_clear()


def _run(network: nn.Module, spec: Spec, shape: tuple[int, ...]) -> Trace:
    """One forward pass, recorded."""
    recorder = Recorder(network)
    try:
        with torch.no_grad(), recorder, recorder.watching():
            network(torch.empty(shape, device="meta"))
    except Exception as error:  # torchvision's networks refuse sizes in their own ways
        raise SpecError(
            _("image_size: this network can't run on {size}×{size} images: {reason}").format(
                size=spec.image_size, reason=explain(error)
            )
        ) from error
    return recorder.trace()


def _collect(network: nn.Module, heads: dict[str, nn.Module], spec: Spec, trace: Trace) -> _Measured:
    states = propagate(trace)
    costs = {row.name: cost(row) for row in trace.rows}
    layers = _layers(trace, states, costs, spec)
    parameters = list(network.parameters())
    params = sum(parameter.numel() for parameter in parameters)
    auxiliary = [sum(parameter.numel() for parameter in head.parameters()) for head in heads.values()]
    buffers = [buffer.nbytes for buffer in network.buffers()]
    totals = Totals(
        params=params,
        trainable_params=sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        aux_params=sum(auxiliary),
        cost=Cost.sum(costs.values()),
        torchinfo_mult_adds=sum(map(mult_adds, trace.rows)),
        weight_bytes=FLOAT32 * params,
        buffer_bytes=sum(buffers),
        activation_bytes=sum(layer.activation_bytes for layer in layers),
        peak_activation_bytes=sum(trace.peak),
    )
    last = _last_map(trace, head_names(spec))
    state = states.get(last)
    image = trace.image.shape[-2:]
    field = field_of(state, (image[0], image[1]))
    warnings = [
        *advice.of_graph(trace, states, head_names(spec)),
        *advice.of_totals(layers, params, field, spec.image_size),
        *advice.of_uncounted(costs),
    ]
    lines = {
        "aux_params": formulas.equation(_sum_of(auxiliary), totals.aux_params),
        "buffer_bytes": formulas.equation(_sum_of(buffers), totals.buffer_bytes),
        "peak_activation_bytes": formulas.equation(_sum_of(trace.peak), totals.peak_activation_bytes),
    }
    return _Measured(layers, (), totals, field, "" if field else _why_none(state), tuple(warnings), lines)


def _auxiliary(network: nn.Module, spec: Spec, names: list[str], layers: tuple[Layer, ...]) -> tuple[Head, ...]:
    """The heads that run in training only, layer by layer; they are on the network."""
    if not names:
        return ()
    network.eval().training = True  # of the network alone: its batch norms go on without a batch
    try:
        trace = _run(network, spec, (1, spec.in_channels, spec.image_size, spec.image_size))
    except SpecError:  # the map is too small for a head: the warning that it can't train says so
        return ()
    every = _layers(trace, propagate(trace), {row.name: cost(row) for row in trace.rows}, spec)
    places = {layer.name: position for position, layer in enumerate(layers)}
    heads: list[Head] = []
    for name in names:
        own = [layer for layer in every if layer.name.split(".")[0] == name]
        if not own:  # a part of the network that is never run
            continue
        (source,) = own[0].inputs
        place = places[every[source].name]
        first = len(layers) + sum(len(head.layers) for head in heads)
        places |= {layer.name: first + position for position, layer in enumerate(own)}
        moved = tuple(
            replace(layer, stage=name, inputs=tuple(places[every[source].name] for source in layer.inputs))
            for layer in own
        )
        heads.append(Head(name, place, moved))
    return tuple(heads)


def _layers(trace: Trace, states: States, costs: dict[str, Cost], spec: Spec) -> tuple[Layer, ...]:
    makers = {value: index for index, row in enumerate(trace.rows) for op in row.ops for value in op.outputs}
    heads, stage = head_names(spec), ""
    height, width = trace.image.shape[-2:]
    stored: set[int] = {trace.image.storage}
    layers = []
    for position, row in enumerate(trace.rows):
        output = row.output
        state = states.get(output)
        field = field_of(state, (height, width))
        stage = _stage(row, heads, stage, state)
        spent = costs[row.name]
        new_bytes = 0 if output.storage in stored else output.bytes
        stored.update(value.storage for op in row.ops for value in op.outputs)
        layers.append(
            Layer(
                name=row.name,
                kind=row.kind,
                stage=stage,
                input_shape=row.inputs[0].shape if row.inputs else (),
                output_shape=output.shape,
                inputs=tuple(sorted({index for value in row.inputs for index in _sources(value, makers)})),
                window=next((found for op in row.ops if (found := _window(op))), None),
                params=row.params,
                trainable=row.trainable,
                cost=spent,
                activation_bytes=new_bytes,
                field=field,
                sees_whole_image=isinstance(state, Whole),
                notes=_notes(state, field, spent),
                formulas=_formulas(row, spent, states, new_bytes),
            )
        )
        makers[output] = position  # a module that hands its input on (dropout) still stands in the chain
    return tuple(layers)


def _formulas(row: Row, spent: Cost, states: States, new_bytes: int) -> dict[str, str]:
    return {
        "params": formulas.parameters(row),
        "macs": formulas.macs(row, spent),
        "flops": formulas.flops(spent),
        "output_shape": formulas.output_size(row),
        "receptive_field": formulas.receptive_field(row, states),
        "stride": formulas.field_stride(row, states),
        "padding": formulas.field_padding(row, states),
        "activation_bytes": formulas.activation_bytes(row, new_bytes),
    }


def _window(op: Op) -> Window | None:
    found = geometry(op)
    if not found:
        return None
    kernel, stride, padding, dilation = zip(*found, strict=True)
    return Window(kernel, stride, padding, dilation, op.args[8] if op.name == "convolution" else 1)


def _sources(value: Value, makers: dict[Value, int]) -> list[int]:
    """The rows that a value comes from, through operators that only move data."""
    found, pending = [], [value]
    while pending:
        value = pending.pop()
        if value in makers:
            found.append(makers[value])
        elif value.made_by:
            pending.extend(source for source in value.made_by.inputs if source.source == "input")
    return found


def _stage(row: Row, heads: tuple[str, ...], before: str, state: State) -> str:
    """Layers on maps of one size make a stage, as in the papers' tables; a pool ends the stage that it reads."""
    if before == "head" or row.name.split(".")[0].split("#")[0] in heads:
        return "head"
    if isinstance(state, Unknown):
        return _("tokens")
    pools = any(geometry(op) and op.name != "convolution" for op in row.ops)
    shape = (row.inputs[0] if pools and row.inputs else row.output).shape
    if len(shape) != 4:
        return before
    # A gate squeezes maps to 1×1 on the side; that is no stage of its own.
    _channels, rows, columns = map_shape(shape)
    return before if isinstance(state, Whole) and (rows, columns) == (1, 1) else f"{rows}×{columns}"


def field_of(state: State, image: tuple[int, int]) -> Field | None:
    """The field of a map's units; None where there is no closed form, or no field to speak of.

    Args:
        state: of the map.
        image: its rows and columns.
    """
    if not isinstance(state, Local) or state.rows.closed is None or state.columns.closed is None:
        return None
    rows, columns = ((form.size, form.stride, form.padding) for form in (state.rows.closed, state.columns.closed))
    unit = (state.rows.units // 2, state.columns.units // 2)
    span = (state.rows.span(unit[0]), state.columns.span(unit[1]))
    seeing = (state.rows.seeing(image[0]), state.columns.seeing(image[1]))
    return Field(
        *rows,
        unit=unit,
        span=span,
        smallest=state.rows.least.size,
        seeing=(seeing[0], seeing[1]) if seeing[0] and seeing[1] else None,
        columns=columns if columns != rows else None,
    )


def _notes(state: State, field: Field | None, spent: Cost) -> tuple[str, ...]:
    notes = [] if field else [_why_none(state)]
    if spent.unknown:
        notes.append(_("not counted: {operators}").format(operators=", ".join(spent.unknown)))
    return tuple(notes)


def _why_none(state: State) -> str:
    if isinstance(state, Unknown):
        return _("receptive field not traced through {cause}").format(cause=state.cause)
    if isinstance(state, Local):
        return _("receptive field: windows of different sizes or strides, so no single one")
    if state is None:
        return _("receptive field: none, it depends on no pixel")
    return _("receptive field: the whole image")


def _last_map(trace: Trace, heads: tuple[str, ...]) -> Value:
    """The last map before global or adaptive pooling, flatten or head: the one whose field is the network's."""
    value = trace.output
    while (op := value.made_by) is not None:
        in_head = op.row is not None and op.row.name.split(".")[0].split("#")[0] in heads
        whole = op.name == "avg_pool2d" and value.shape[-2:] == (1, 1) != op.inputs[0].shape[-2:]
        if len(value.shape) == 4 and not in_head and not whole and op.name not in GLOBAL_POOLS:
            break
        value = next(source for source in op.inputs if source.source == "input")
    return value
