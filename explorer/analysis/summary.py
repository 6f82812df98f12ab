"""The analysis of a spec, on meta, without allocating tensors."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TypeVar

import torch
from torch import nn

from explorer import monitoring
from explorer.analysis import advice, formulas
from explorer.analysis.cost import Cost, cost, mult_adds
from explorer.analysis.devices import AUTO, Device, local_device
from explorer.analysis.field_states import Unknown
from explorer.analysis.layers import field_note, field_of, last_map, layers_of
from explorer.analysis.memory import (
    FLOAT32,
    MAX_BATCH,
    OPTIMIZER_STATE,
    Precision,
    SavedBytes,
    saved_for_backward,
    training_memory,
)
from explorer.analysis.receptive_field import propagate
from explorer.analysis.result import (
    Analysis,
    Head,
    Layer,
    NetworkWarning,
    ReceptiveField,
    SpecAnalysis,
    Totals,
)
from explorer.analysis.trace import Recorder, Trace
from explorer.errors import InputError, SpecError, shown
from explorer.families import Spec
from explorer.families.building import attach_auxiliary, build, detach_auxiliary, head_names
from explorer.families.refusal import explain
from explorer.i18n import _, language
from explorer.specs.size import Size

CACHE_SIZE = 64  # networks, at about a megabyte each

_A = TypeVar("_A", bound=Analysis)


@dataclass(frozen=True, slots=True)
class Summary:
    """The parts of an analysis that depend only on the network and the size of its image."""

    layers: tuple[Layer, ...]
    auxiliary: tuple[Head, ...]
    totals: Totals
    field: ReceptiveField | None
    field_note: str
    warnings: tuple[NetworkWarning, ...]
    formulas: dict[str, str]


def analyse(
    spec: Spec,
    *,
    batch_size: int = 32,
    optimizer: str = "momentum",
    precision: Precision | str = Precision.FP32,
    device: str = AUTO,
) -> SpecAnalysis:
    """Analyses a network at the input size of its spec; repeated analyses come from a cache.

    Args:
        spec: Spec of the network.
        batch_size: Batch size of the training memory; layers and totals are for one image.
        optimizer: Key of :data:`OPTIMIZER_STATE`, for the training memory.
        precision: Precision of activations, for the training memory.
        device: Device of the training memory: ``cpu``, ``cuda``, ``mps``, or ``auto`` for the device on which this
            machine would train.

    Raises:
        InputError: If the batch size is out of range, or the optimizer or device is unknown.
        SpecError: If torchvision can't build or run the model.
    """
    chosen = checked_device(batch_size, optimizer, device)
    half = chosen is Device.CUDA and precision != Precision.FP32  # the kernels of other devices are the same
    spec_analysis, saved = _analyse_spec(spec, batch_size, chosen, half, language())
    make = partial(SpecAnalysis, spec=spec, name="", input_shape=(1, *spec.input_shape))
    return complete(spec_analysis, saved, make, batch_size, optimizer, Precision(precision), chosen)


def checked_device(batch_size: int, optimizer: str, device: str) -> Device:
    """Returns the device of the training memory.

    Raises:
        InputError: As :func:`analyse`.
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
    return local_device() if device == AUTO else Device(device)


def complete(
    summary: Summary,
    saved: SavedBytes | str | None,
    make: Callable[..., _A],
    batch_size: int,
    optimizer: str,
    precision: Precision,
    device: Device,
) -> _A:
    """Adds the training memory and the formulas of the totals to a summary.

    Args:
        summary: Summary of the network.
        saved: Bytes that autograd saves; the reason why the network can't train; or None if that is unknown.
        make: Class of the result, with the arguments that tell which network it is.
        batch_size: Batch size of the training memory.
        optimizer: Key of :data:`OPTIMIZER_STATE`.
        precision: Precision of activations.
        device: Device of the training memory.
    """
    totals = summary.totals
    parts, memory = None, list[NetworkWarning]()
    if isinstance(saved, SavedBytes):
        everything = totals.params + totals.aux_params
        parts = training_memory(everything, totals.trainable_params + totals.aux_params, saved, optimizer, precision)
        memory = advice.memory_warnings(parts, batch_size, device)
    elif saved is not None:
        memory = [advice.untrainable_warning(batch_size, saved)]
    lines = {
        **summary.formulas,
        "params": formulas.equation(_sum_formula(layer.params for layer in summary.layers), totals.params),
        "trainable_params": formulas.equation(
            _sum_formula(layer.trainable for layer in summary.layers), totals.trainable_params
        ),
        "macs": formulas.equation(_sum_formula(layer.macs for layer in summary.layers), totals.macs),
        "flops": formulas.flops(totals.cost),
        "weight_bytes": formulas.equation(formulas.product(totals.params, FLOAT32), totals.weight_bytes),
        "activation_bytes": formulas.equation(
            _sum_formula(layer.activation_bytes for layer in summary.layers), totals.activation_bytes
        ),
    }
    if parts:
        lines["training_bytes"] = formulas.equation(
            _sum_formula([parts.weights, parts.half_copy, parts.gradients, parts.optimizer, parts.activations]),
            parts.total,
        )
    return make(
        layers=summary.layers,
        auxiliary=summary.auxiliary,
        totals=totals,
        field=summary.field,
        field_note=summary.field_note,
        batch_size=batch_size,
        device=device,
        training=parts,
        warnings=(*summary.warnings, *memory),
        formulas=lines,
    )


def _sum_formula(amounts: Iterable[int]) -> str:
    return " + ".join(formulas.number(amount) for amount in amounts if amount) or "0"


@lru_cache(maxsize=CACHE_SIZE)
def _analyse_spec(
    spec: Spec, batch_size: int, device: Device, half: bool, _language: str
) -> tuple[Summary, SavedBytes | str]:
    # Warnings and notes are translated, so the language is a key of the cache.
    with monitoring.timed("analysis"):
        return _analyse_anew(spec, batch_size, device, half=half)


def _analyse_anew(spec: Spec, batch_size: int, device: Device, *, half: bool) -> tuple[Summary, SavedBytes | str]:
    network = build(spec, "meta")
    heads = detach_auxiliary(network)
    shape = spec.input_shape
    network.eval()
    spec_analysis = summarise(network, heads, head_names(spec), _trace_network(network, spec, (1, *shape)))
    attach_auxiliary(network, heads)
    spec_analysis = replace(spec_analysis, auxiliary=_auxiliary_heads(network, spec, list(heads), spec_analysis.layers))
    network.train()
    try:
        return spec_analysis, saved_for_backward(network, (batch_size, *shape), device, half=half)
    except (ValueError, RuntimeError) as error:
        return spec_analysis, explain(error)


def clear_caches() -> None:
    """Removes all cached analyses."""
    _analyse_spec.cache_clear()


def _trace_network(network: nn.Module, spec: Spec, shape: tuple[int, ...]) -> Trace:
    """Records one forward pass."""
    recorder = Recorder(network)
    try:
        with torch.no_grad(), recorder, recorder.module_hooks():
            network(torch.empty(shape, device="meta"))
    except Exception as error:  # torchvision's networks raise errors of many kinds
        raise SpecError(
            _("image_size: this network can't run on {size} images: {reason}").format(
                size=spec.sides, reason=explain(error)
            )
        ) from error
    return recorder.trace()


def summarise(
    network: nn.Module,
    auxiliary_heads: dict[str, nn.Module],
    heads: tuple[str, ...],
    trace: Trace,
    *,
    is_complete: bool = True,
) -> Summary:
    """Returns the numbers of a traced network, without those of auxiliary heads.

    Args:
        network: Network on meta, without its auxiliary heads.
        auxiliary_heads: The detached auxiliary heads by name; their parameters are counted separately.
        heads: Names of the top-level modules after the last map.
        trace: Trace of the network in evaluation mode.
        is_complete: Whether the trace has all layers. Otherwise the field of the network is unknown, and there is no
            advice on field and head.
    """
    states = propagate(trace)
    costs = {traced.name: cost(traced) for traced in trace.layers}
    layers = layers_of(trace, states, costs, heads)
    parameters = list(network.parameters())
    params = sum(parameter.numel() for parameter in parameters)
    auxiliary = [sum(parameter.numel() for parameter in head.parameters()) for head in auxiliary_heads.values()]
    buffers = [buffer.nbytes for buffer in network.buffers()]
    totals = Totals(
        params=params,
        trainable_params=sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        aux_params=sum(auxiliary),
        cost=Cost.sum(costs.values()),
        torchinfo_mult_adds=sum(map(mult_adds, trace.layers)),
        weight_bytes=FLOAT32 * params,
        buffer_bytes=sum(buffers),
        activation_bytes=sum(layer.activation_bytes for layer in layers),
        peak_activation_bytes=sum(trace.peak),
    )
    last = last_map(trace, heads)
    state = states.get(last)
    image = trace.image.shape[-2:]
    field = field_of(state, (image[0], image[1]))
    warnings = advice.graph_warnings(trace, states, heads)
    if is_complete:
        # What comes after the last map may see more than it, if that can't be followed (attention).
        followed = None if isinstance(states.get(trace.output), Unknown) else field
        warnings += advice.total_warnings(layers, params, followed, Size(*image))
    warnings += advice.uncounted_warnings(costs)
    note = field_note(state, field)
    if not is_complete:
        field, note = None, _("receptive field: unknown, because operators are left out; those of the layers are right")
    lines = {
        "aux_params": formulas.equation(_sum_formula(auxiliary), totals.aux_params),
        "buffer_bytes": formulas.equation(_sum_formula(buffers), totals.buffer_bytes),
        "peak_activation_bytes": formulas.equation(_sum_formula(trace.peak), totals.peak_activation_bytes),
    }
    return Summary(layers, (), totals, field, note, tuple(warnings), lines)


def _auxiliary_heads(network: nn.Module, spec: Spec, names: list[str], layers: tuple[Layer, ...]) -> tuple[Head, ...]:
    """Returns the auxiliary heads, which are attached to the network."""
    if not names:
        return ()
    network.eval().training = True  # only of the network itself: batch norms stay in evaluation mode
    try:
        trace = _trace_network(network, spec, (1, *spec.input_shape))
    except SpecError:  # the map is too small for a head: there is a warning that the network can't train
        return ()
    costs = {traced.name: cost(traced) for traced in trace.layers if traced.name.split(".")[0] in names}
    of_heads = layers_of(trace, propagate(trace), costs, head_names(spec))  # the other layers are known
    indices = {layer.name: position for position, layer in enumerate(layers)}
    heads: list[Head] = []
    for name in names:
        own = [layer for layer in of_heads if layer.name.split(".")[0] == name]
        if not own:  # a part of the network that does not run
            continue
        (source,) = own[0].inputs
        source_index = indices[trace.layers[source].name]
        first = len(layers) + sum(len(head.layers) for head in heads)
        indices |= {layer.name: first + position for position, layer in enumerate(own)}
        numbered = tuple(
            replace(layer, stage=name, inputs=tuple(indices[trace.layers[source].name] for source in layer.inputs))
            for layer in own
        )
        heads.append(Head(name, source_index, numbered))
    return tuple(heads)
