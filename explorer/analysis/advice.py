"""Warnings: what runs but is unwise, each with what to do about it."""

from collections.abc import Iterable, Mapping

import psutil
import torch

from explorer.analysis.cost import Cost
from explorer.analysis.devices import Device
from explorer.analysis.formulas import number
from explorer.analysis.memory import Training
from explorer.analysis.receptive_field import Local, State, States, Unknown, geometry, misalignment
from explorer.analysis.result import Field, Layer, Warned
from explorer.analysis.trace import Row, Trace
from explorer.i18n import _

HEAD_SHARE = 0.5


def of_graph(trace: Trace, states: States, heads: tuple[str, ...] = ()) -> list[Warned]:
    """Warnings that follow from the graph: dropped columns, misaligned branches, border layers, lost trails.

    Args:
        trace: of the network.
        states: of its values.
        heads: top-level modules that come after the last map.
    """
    warned = [warning for row in trace.rows for warning in (*_dropped(row), *_misaligned(row, states), *_blown_up(row))]
    return [*warned, *_border_layers(trace, states, heads), *_untraced(trace, states)]


def of_totals(layers: Iterable[Layer], params: int, field: Field | None, image_size: int) -> list[Warned]:
    """Warnings that follow from the sums: a small field, a heavy head."""
    layers = list(layers)
    warned = []
    reach = max(field.size, field.columns[0] if field.columns else 0) if field else None
    if reach is not None and 1 < reach < image_size:  # 1 pixel: there is no convolution or pool at all
        warned.append(
            Warned(
                "field-smaller-than-image",
                _(
                    "A unit of the last map sees {reach} of the {image} pixels a side, so objects larger than that are "
                    "only seen in parts. Add layers or pools, or train on smaller images."
                ).format(reach=number(reach), image=number(image_size)),
            )
        )
    head = [layer for layer in layers if layer.stage == "head" and layer.params]
    held = sum(layer.params for layer in head)
    if HEAD_SHARE * params < held < params:
        warned.append(Warned("head-heavy", _heavy(layers, head, held, params)))
    return warned


def of_uncounted(costs: Mapping[str, Cost]) -> list[Warned]:
    """Operators without a formula, by the layers that run them."""
    unknown = {layer: cost.unknown for layer, cost in costs.items() if cost.unknown}
    if not unknown:
        return []
    return [
        Warned(
            "not-counted",
            _(
                "MACs and FLOPs leave out {operators} in {count} layers, {layer} the first: there is no formula for "
                "them here. The other layers' numbers are right."
            ).format(
                operators=", ".join(sorted({name for names in unknown.values() for name in names})),
                count=len(unknown),
                layer=next(iter(unknown)),
            ),
            next(iter(unknown)),
        )
    ]


def _heavy(layers: list[Layer], head: list[Layer], held: int, params: int) -> str:
    last_map = next(layer.output_shape for layer in reversed(layers) if len(layer.output_shape) == 4)
    inputs = head[0].input_shape[-1]
    if len(head) == 1 and last_map[1] == inputs:  # pooled to one cell already
        return _(
            "The head holds {share:.0%} of the parameters ({head} of {total}), in a single linear layer of {inputs} "
            "features by {outputs} classes. Only fewer classes or fewer channels before it would shed them."
        ).format(
            share=held / params,
            head=number(held),
            total=number(params),
            inputs=number(inputs),
            outputs=number(head[0].output_shape[-1]),
        )
    return _(
        "The head holds {share:.0%} of the parameters ({head} of {total}). Global average pooling before a "
        "single linear layer, or narrower hidden layers, would shed most of them."
    ).format(share=held / params, head=number(held), total=number(params))


def untrainable(batch_size: int, reason: str) -> Warned:
    """A training step fails, in PyTorch's words."""
    return Warned(
        "cannot-train",
        _(
            "This network can't train on batches of {batch} at this input size, so its training memory is unknown: "
            "{reason}. Take a larger batch or larger images."
        ).format(batch=number(batch_size), reason=reason.rstrip(".")),
    )


def of_memory(training: Training, batch_size: int, device: Device) -> list[Warned]:
    """More memory than this machine has, at this batch size; nothing about devices that it hasn't."""
    found = device_memory(device)
    if found is None or training.total <= found[0]:
        return []
    available, where = found
    fixed = training.total - training.activations
    fits = int(max(0, available - fixed) * batch_size / max(1, training.activations))
    advice = (
        _("A batch of about {fits} would fit; half precision also saves memory.").format(fits=number(fits))
        if fits
        else _("Not even one image would fit: make the network narrower or the images smaller.")
    )
    return [
        Warned(
            "memory",
            _(
                "Training on batches of {batch} needs {needed:.1f} GB, more than the {available:.1f} GB of {where}. "
                "{advice}"
            ).format(
                batch=number(batch_size),
                needed=training.total / 1e9,
                available=available / 1e9,
                where=where,
                advice=advice,
            ),
        )
    ]


def device_memory(device: Device) -> tuple[int, str] | None:
    """Bytes to train in on a device of this machine, and what holds them; None where it has no such device."""
    if device is Device.CUDA:
        if not torch.cuda.is_available():
            return None
        properties = torch.cuda.get_device_properties(0)
        return properties.total_memory, properties.name
    if device is Device.MPS and not torch.backends.mps.is_available():
        return None
    return psutil.virtual_memory().total, _("this machine's memory")


def _dropped(row: Row) -> list[Warned]:
    for op in row.ops:
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
                Warned(
                    "dropped-columns",
                    _(
                        "{layer} reads a {height}×{width} map in windows of {kernel} with stride {stride} and never "
                        "sees its last {rows} rows and {columns} columns. Choose an input size that divides evenly, or "
                        "pad or round up in this layer."
                    ).format(
                        layer=row.name,
                        height=height,
                        width=width,
                        kernel=windows[0][0],
                        stride=windows[0][1],
                        rows=lost[0],
                        columns=lost[1],
                    ),
                    row.name,
                )
            ]
    return []


def _misaligned(row: Row, states: States) -> list[Warned]:
    if len(row.inputs) < 2:
        return []
    offset = misalignment(states.get(row.output))
    if offset is False:
        return []
    if offset is None:
        message = _(
            "{layer} joins paths that move over the image at different strides, so its units mix distant places. "
            "Give all paths the same total stride."
        ).format(layer=row.name)
    else:
        message = _(
            "{layer} joins paths whose receptive fields are {offset:g} pixels apart, centre to centre. Pad them alike: "
            "odd kernels with padding (kernel − 1)/2 line up."
        ).format(layer=row.name, offset=offset)
    return [Warned("misaligned-branches", message, row.name)]


def _blown_up(row: Row) -> list[Warned]:
    for op in row.ops:
        if op.name == "_adaptive_avg_pool2d" and op.output.shape[-1] > op.inputs[0].shape[-1]:
            return [
                Warned(
                    "pool-repeats",
                    _(
                        "{layer} blows a {before}×{before} map up to {after}×{after} by repeating its cells, so the "
                        "next layer's weights see copies. Pool to {before} instead, or use larger images."
                    ).format(layer=row.name, before=op.inputs[0].shape[-1], after=op.output.shape[-1]),
                    row.name,
                )
            ]
    return []


def _border_layers(trace: Trace, states: States, heads: tuple[str, ...]) -> list[Warned]:
    """Convolutions that read only what has seen the whole image already, along every path.

    Richter et al. 2021 ("Should You Go Deeper?", arXiv 2106.12307) call them border layers and find that they hardly
    improve the answer. A field counts with its whole size here, wherever the unit lies, and the smallest of all paths
    decides: through shortcuts, small fields reach the last layers of a residual network.
    """
    height, width = trace.image.shape[-2:]
    found = []
    for row in trace.rows:
        state: State = states.get(row.inputs[0]) if row.inputs else None
        if (
            any(op.name == "convolution" for op in row.ops)
            and row.name.split(".")[0] not in heads
            and isinstance(state, Local)
            and state.rows.least.size >= height
            and state.columns.least.size >= width
        ):
            found.append((row, state))
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
        params=number(sum(row.params for row, _state in found)),
        layer=first.name,
        height=height,
        width=width,
        units=_seeing(state, first.name, height, width),
    )
    return [Warned("field-covers-image", message, first.name)]


def _seeing(state: Local, layer: str, height: int, width: int) -> str:
    """Which units of the map that a layer reads see the whole image: near an edge they see a part."""
    rows, columns = state.rows.seeing(height), state.columns.seeing(width)
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


def _untraced(trace: Trace, states: States) -> list[Warned]:
    lost = [(row, state) for row in trace.rows if isinstance(state := states.get(row.output), Unknown)]
    if not lost:
        return []
    (first, state), count = lost[0], len(lost)
    return [
        Warned(
            "untraced",
            _(
                "The receptive fields of {count} layers are unknown from {layer} on: rows and columns can't be told "
                "apart after {cause}. Their other numbers are right."
            ).format(count=count, layer=first.name, cause=state.cause),
            first.name,
        )
    ]
