"""Warnings about networks that run but are unwise, each with advice."""

from collections.abc import Iterable, Mapping

import psutil
import torch

from explorer.analysis.cost import Cost
from explorer.analysis.devices import Device
from explorer.analysis.field_states import Local, State, States, Unknown
from explorer.analysis.formulas import number
from explorer.analysis.memory import TrainingMemory
from explorer.analysis.receptive_field import geometry, misalignment
from explorer.analysis.result import Layer, NetworkWarning, ReceptiveField
from explorer.analysis.trace import Trace, TracedLayer
from explorer.formatting import bytes_short
from explorer.i18n import _, ngettext
from explorer.specs.size import Size

HEAD_SHARE = 0.5


def graph_warnings(trace: Trace, states: States, heads: tuple[str, ...] = ()) -> list[NetworkWarning]:
    """Returns the warnings of the graph: dropped pixels, misaligned branches, border layers, untraced fields.

    Args:
        trace: Trace of the network.
        states: Receptive fields of its values.
        heads: Names of the top-level modules after the last map.
    """
    warnings = [
        warning
        for layer in trace.layers
        for warning in (*_dropped_pixels(layer), *_misaligned(layer, states), *_enlarged(layer))
    ]
    return [*warnings, *_border_layers(trace, states, heads), *_untraced(trace, states)]


def total_warnings(
    layers: Iterable[Layer], params: int, field: ReceptiveField | None, image: Size
) -> list[NetworkWarning]:
    """Returns the warnings of the totals: a small receptive field, a heavy head."""
    layers = list(layers)
    warnings = []
    reach = Size(field.size, field.columns[0] if field.columns else field.size) if field else None
    # 1 pixel: there is no convolution or pool
    if reach is not None and max(reach) > 1 and (reach.height < image.height or reach.width < image.width):
        sentence = (
            _(
                "A unit of the last map sees {reach} of the {image} pixels a side, so objects larger than that are "
                "only seen in parts. Add layers or pools, or train on smaller images."
            )
            if image.height == image.width
            else _(
                "A unit of the last map sees {rows}×{columns} pixels of the image's {image}, so objects larger than "
                "that are only seen in parts. Add layers or pools, or train on smaller images."
            )
        )
        sides = {"reach": number(max(reach)), "rows": number(reach.height), "columns": number(reach.width)}
        shown = number(image.height) if image.height == image.width else image
        warnings.append(NetworkWarning("field-smaller-than-image", sentence.format(**sides, image=shown)))
    head = [layer for layer in layers if layer.stage == "head" and layer.params]
    head_params = sum(layer.params for layer in head)
    if HEAD_SHARE * params < head_params < params:
        warnings.append(NetworkWarning("head-heavy", _heavy_head_message(layers, head, head_params, params)))
    return warnings


def uncounted_warnings(costs: Mapping[str, Cost]) -> list[NetworkWarning]:
    """Returns a warning about operators without a formula; ``costs`` are by the names of layers."""
    unknown = {layer: cost.unknown for layer, cost in costs.items() if cost.unknown}
    if not unknown:
        return []
    return [
        NetworkWarning(
            "not-counted",
            ngettext(
                "MACs and FLOPs leave out {operators} in {count} layer, {layer}: there is no formula for it here. The "
                "other layers' numbers are right.",
                "MACs and FLOPs leave out {operators} in {count} layers, {layer} the first: there is no formula for "
                "them here. The other layers' numbers are right.",
                len(unknown),
            ).format(
                operators=", ".join(sorted({name for names in unknown.values() for name in names})),
                count=len(unknown),
                layer=next(iter(unknown)),
            ),
            next(iter(unknown)),
        )
    ]


def _heavy_head_message(layers: list[Layer], head: list[Layer], head_params: int, params: int) -> str:
    last_map = next(layer.output_shape for layer in reversed(layers) if len(layer.output_shape) == 4)
    inputs = head[0].input_shape[-1]
    if len(head) == 1 and last_map[1] == inputs:  # pooled to one cell already
        return _(
            "The head holds {share:.0%} of the parameters ({head} of {total}), in a single linear layer of {inputs} "
            "features by {outputs} classes. Only fewer classes or fewer channels before it would shed them."
        ).format(
            share=head_params / params,
            head=number(head_params),
            total=number(params),
            inputs=number(inputs),
            outputs=number(head[0].output_shape[-1]),
        )
    return _(
        "The head holds {share:.0%} of the parameters ({head} of {total}). Global average pooling before a "
        "single linear layer, or narrower hidden layers, would shed most of them."
    ).format(share=head_params / params, head=number(head_params), total=number(params))


def untrainable_warning(batch_size: int, reason: str) -> NetworkWarning:
    """Returns the warning that a training step fails."""
    return NetworkWarning(
        "cannot-train",
        _(
            "This network can't train on batches of {batch} at this input size, so its training memory is unknown: "
            "{reason}. Take a larger batch or larger images."
        ).format(batch=number(batch_size), reason=reason.rstrip(".")),
    )


def unknown_training_warning() -> NetworkWarning:
    """Returns the warning that a training step depends on numbers, such as those of a random choice of layers."""
    return NetworkWarning(
        "training-unknown",
        _(
            "The training memory is unknown: in training mode, the network reads the numbers of a tensor, and there "
            "are only shapes. The other numbers are right."
        ),
    )


def memory_warnings(training: TrainingMemory, batch_size: int, device: Device) -> list[NetworkWarning]:
    """Returns a warning if training needs more memory than this machine's device has, if it has such a device."""
    memory = device_memory(device)
    if memory is None or training.total <= memory[0]:
        return []
    available, where = memory
    fixed = training.total - training.activations
    fits = int(max(0, available - fixed) * batch_size / max(1, training.activations))
    advice = (
        _("A batch of about {fits} would fit; half precision also saves memory.").format(fits=number(fits))
        if fits
        else _("Not even one image would fit: make the network narrower or the images smaller.")
    )
    return [
        NetworkWarning(
            "memory",
            _("Training on batches of {batch} needs {needed}, more than the {available} of {where}. {advice}").format(
                batch=number(batch_size),
                needed=bytes_short(training.total),
                available=bytes_short(available),
                where=where,
                advice=advice,
            ),
        )
    ]


def device_memory(device: Device) -> tuple[int, str] | None:
    """Returns the bytes of a device's memory and the memory's name; None if this machine has no such device."""
    if device is Device.CUDA:
        if not torch.cuda.is_available():
            return None
        properties = torch.cuda.get_device_properties(0)
        return properties.total_memory, properties.name
    if device is Device.MPS and not torch.backends.mps.is_available():
        return None
    return psutil.virtual_memory().total, _("this machine's memory")


def _dropped_pixels(layer: TracedLayer) -> list[NetworkWarning]:
    for op in layer.ops:
        windows = geometry(op)
        if not windows or any(kernel < stride for kernel, stride, _p, _d in windows):
            continue
        lost = []
        for axis, (kernel, stride, padding, dilation) in enumerate(windows, -2):
            covered = (op.output.shape[axis] - 1) * stride - padding + dilation * (kernel - 1) + 1
            lost.append(max(0, op.inputs[0].shape[axis] - covered))
        if any(lost):
            height, width = op.inputs[0].shape[-2:]
            return [
                NetworkWarning(
                    "dropped-columns",
                    _(
                        "{layer} reads a {height}×{width} map in windows of {kernel} with stride {stride} and never "
                        "sees its last {rows} rows and {columns} columns. Choose an input size that divides evenly, or "
                        "pad or round up in this layer."
                    ).format(
                        layer=layer.name,
                        height=height,
                        width=width,
                        kernel=windows[0][0],
                        stride=windows[0][1],
                        rows=lost[0],
                        columns=lost[1],
                    ),
                    layer.name,
                )
            ]
    return []


def _misaligned(layer: TracedLayer, states: States) -> list[NetworkWarning]:
    if len(layer.inputs) < 2:
        return []
    offset = misalignment(states.get(layer.output))
    if offset is False:
        return []
    if offset is None:
        message = _(
            "{layer} joins paths that move over the image at different strides, so its units mix distant places. "
            "Give all paths the same total stride."
        ).format(layer=layer.name)
    else:
        message = _(
            "{layer} joins paths whose receptive fields are {offset:g} pixels apart, centre to centre. Pad them alike: "
            "odd kernels with padding (kernel − 1)/2 line up."
        ).format(layer=layer.name, offset=offset)
    return [NetworkWarning("misaligned-branches", message, layer.name)]


def _enlarged(layer: TracedLayer) -> list[NetworkWarning]:
    for op in layer.ops:
        if op.name != "_adaptive_avg_pool2d":
            continue
        before, after = Size(*op.inputs[0].shape[-2:]), Size(*op.output.shape[-2:])
        if after.height > before.height or after.width > before.width:
            return [
                NetworkWarning(
                    "pool-repeats",
                    _(
                        "{layer} enlarges a {before} map to {after} by repeating its cells, so "
                        "the next layer's weights see copies. Pool to {least} instead, or use larger images."
                    ).format(layer=layer.name, before=before, after=after, least=min(before)),
                    layer.name,
                )
            ]
    return []


def _border_layers(trace: Trace, states: States, heads: tuple[str, ...]) -> list[NetworkWarning]:
    """Warns about convolutions whose input has seen the whole image along every path.

    Richter et al. 2021 ("Should You Go Deeper?", arXiv 2106.12307) call them border layers and find that they hardly
    improve accuracy. The size of the field is that of a unit away from the border, and the smallest field over all
    paths
    counts: shortcuts carry small fields to the last layers of a residual network.
    """
    height, width = trace.image.shape[-2:]
    found = []
    for layer in trace.layers:
        state: State = states.get(layer.inputs[0]) if layer.inputs else None
        if (
            any(op.name == "convolution" for op in layer.ops)
            and layer.name.split(".")[0] not in heads
            and isinstance(state, Local)
            and state.rows.smallest.size >= height
            and state.columns.smallest.size >= width
        ):
            found.append((layer, state))
    if not found:
        return []
    first, state = found[0]
    sentence = (
        _(
            "{count} convolutions with {params} parameters, from {layer} on, are border layers: on every path to them, "
            "the receptive field is already as large as the {height}×{width} image or larger, and such layers were "
            "found to add little (Richter et al. 2021). {units} Use larger images, or fewer or less strided layers."
        )
        if len(found) > 1
        else _(
            "{layer}, with {params} parameters, is a border layer: on every path to it, the receptive field is already "
            "as large as the {height}×{width} image or larger, and such layers were found to add little (Richter et "
            "al. 2021). {units} Use larger images, or fewer or less strided layers."
        )
    )
    message = sentence.format(
        count=len(found),
        params=number(sum(layer.params for layer, _state in found)),
        layer=first.name,
        height=height,
        width=width,
        units=_full_view_sentence(state, first.name, height, width),
    )
    return [NetworkWarning("field-covers-image", message, first.name)]


def _full_view_sentence(state: Local, layer: str, height: int, width: int) -> str:
    """Says which units of the layer's input see the whole image; units near an edge see a part of it."""
    rows, columns = state.rows.full_view(height), state.columns.full_view(width)
    units = state.rows.units * state.columns.units
    if rows is None or columns is None:
        sentence = _("But none of the {units} units that {layer} reads sees all of it: each field hangs over an edge.")
        return sentence.format(units=number(units), layer=layer)
    seeing = (rows[1] - rows[0] + 1) * (columns[1] - columns[0] + 1)
    if seeing == units:
        return _("Every unit that {layer} reads sees the whole image.").format(layer=layer)
    sentence = (
        _(
            "Of the {units} units that {layer} reads, {seeing} see the whole image (rows {top} to {bottom}, columns "
            "{left} to {right}, counted from 0); the fields of the others hang over an edge, and they see a part."
        )
        if seeing > 1
        else _(
            "Of the {units} units that {layer} reads, one sees the whole image (row {top}, column {left}, counted from "
            "0); the fields of the others hang over an edge, and they see a part."
        )
    )
    return sentence.format(
        units=number(units),
        layer=layer,
        seeing=number(seeing),
        top=rows[0],
        bottom=rows[1],
        left=columns[0],
        right=columns[1],
    )


def _untraced(trace: Trace, states: States) -> list[NetworkWarning]:
    lost = [(layer, state) for layer in trace.layers if isinstance(state := states.get(layer.output), Unknown)]
    if not lost:
        return []
    (first, state), count = lost[0], len(lost)
    return [
        NetworkWarning(
            "untraced",
            ngettext(
                "The receptive field of {count} layer, {layer}, is unknown: it can't be followed through {cause}. Its "
                "other numbers are right.",
                "The receptive fields of {count} layers are unknown from {layer} on: they can't be followed through "
                "{cause}. Their other numbers are right.",
                count,
            ).format(count=count, layer=first.name, cause=state.cause),
            first.name,
        )
    ]
